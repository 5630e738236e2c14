"""Which connections are used again, and which are too old or too many."""

from dataclasses import dataclass

import httpcore
import pytest

from holysheep_core import Connections
from holysheep_core.transport.inventory import Inventory

HERE = httpcore.Origin(b"https", b"here.test", 443)
THERE = httpcore.Origin(b"https", b"there.test", 443)


@dataclass(eq=False)
class Link:
    origin: httpcore.Origin


@pytest.fixture
def make():
    def make(count=3, **settings):
        links = Inventory(Connections(**settings))
        made = [Link(HERE) for _ in range(count)]
        for link in made:
            links.add(link)
        for at, link in enumerate(made):
            assert links.put_back(link, float(at))
        return links, made

    return make


def test_the_connection_used_last_is_taken_and_only_once(make):
    links, made = make()
    assert [links.take(HERE, 3.0) for _ in range(4)] == [*reversed(made), None]
    assert len(links) == 3


def test_a_connection_leads_to_one_place(make):
    links, _ = make()
    assert links.take(THERE, 3.0) is None


def test_what_is_too_old_is_not_taken_but_closed(make):
    links, made = make(keepalive_expiry=10.0)
    assert links.outdated(10.5) == made[:1]
    assert links.take(HERE, 12.5) is None
    assert links.outdated(12.5) == made[1:]
    assert len(links) == 0


def test_what_is_too_many_is_closed_the_oldest_first(make):
    links, made = make(max_keepalive=1)
    assert links.outdated(3.0) == made[:2]
    assert links.outdated(3.0) == []


def test_idle_ones_make_room_for_those_in_use(make):
    links, made = make(max_connections=3)
    links.add(Link(THERE))
    assert links.outdated(3.0) == made[:1]
    assert len(links) == 3


def test_what_was_cleared_is_not_taken_back(make):
    links, made = make()
    busy = links.take(HERE, 3.0)
    assert set(links.clear()) == set(made)
    assert not links.put_back(busy, 4.0)
    assert len(links) == 0
