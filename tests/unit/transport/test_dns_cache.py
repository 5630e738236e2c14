"""Which address is dialled, and in which order."""

import socket
import threading
import time

import httpcore
import pytest

from holysheep_core.transport.dns_cache import AddressBook, alook_up, look_up

API = ("api.test", 443)


def test_an_address_is_fresh_for_its_time_and_known_for_ever():
    book = AddressBook(60.0)
    book.worked(*API, "192.0.2.1", 100.0)
    assert book.fresh(*API, 159.9) == "192.0.2.1"
    assert book.fresh(*API, 160.0) is None
    assert book.last_good(*API) == "192.0.2.1"
    assert book.last_good("api.test", 80) is None


def test_an_address_that_failed_is_not_fresh_but_still_the_last_resort():
    book = AddressBook(60.0)
    book.worked(*API, "192.0.2.1", 100.0)
    book.failed(*API, "192.0.2.2")
    assert book.fresh(*API, 100.0) == "192.0.2.1"
    book.failed(*API, "192.0.2.1")
    assert book.fresh(*API, 100.0) is None
    assert book.last_good(*API) == "192.0.2.1"


def test_a_ttl_of_zero_always_asks_and_addresses_are_not_remembered():
    book = AddressBook(0.0)
    book.worked(*API, "192.0.2.1", 100.0)
    book.worked("192.0.2.1", 443, "192.0.2.1", 100.0)
    book.failed("192.0.2.1", 443, "192.0.2.1")
    assert book.fresh(*API, 100.0) is None
    assert book.last_good("192.0.2.1", 443) is None


def test_the_name_services_order_is_kept_with_what_failed_at_the_end():
    book, found = AddressBook(60.0), ["c", "a", "b"]
    assert book.in_order(*API, found) == ["c", "a", "b"]
    book.failed(*API, "c")
    assert book.in_order(*API, found) == ["a", "b", "c"]
    book.failed(*API, "a")
    assert book.in_order(*API, found) == ["b", "c", "a"]
    book.worked(*API, "c", 0.0)
    assert book.in_order(*API, found) == ["c", "b", "a"]


def test_a_name_service_that_is_silent_has_a_time_limit(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(10) and [])
    started = time.monotonic()
    with pytest.raises(httpcore.ConnectTimeout, match="name service"):
        look_up(*API, 0.1)
    assert time.monotonic() - started < 2
    over.set()


async def test_a_name_that_is_not_known_is_a_connect_error(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(httpcore.ConnectError, match="not known"):
        look_up(*API, 5)
    with pytest.raises(httpcore.ConnectError, match="not known"):
        await alook_up(*API)


async def test_an_address_is_not_asked_for():
    assert look_up("192.0.2.1", 443, 5) == ["192.0.2.1"]
    assert await alook_up("2001:db8::1", 443) == ["2001:db8::1"]
