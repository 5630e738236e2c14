"""Exchange between a gateway and its store: circuits, the active provider, a canary's step."""

import gc
import weakref

import pytest

from holysheep_core.clock import clock
from holysheep_core.gateway.sharing import Sharing, announce
from holysheep_core.routing.route_state import RouteChange
from holysheep_core.store.store import Fact, Store


class FakeStore:
    def __init__(self):
        self.facts, self.members = {}, []

    def join(self, member):
        self.members.append(member)

    def tell(self, name, fact):
        self.facts[name] = fact


class Gateway:
    def __init__(self):
        self.received = []

    def circuit_shared(self, key, seconds):
        self.received.append(("circuit", key, seconds))

    def active_shared(self, name):
        self.received.append(("active", name))

    def canary_shared(self, canary, step):
        self.received.append(("canary", canary, step))


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def sharing(store, gateway):
    return Sharing(store, gateway)


def test_it_joins_its_store(store, sharing):
    assert store.members == [sharing]


def test_an_open_circuit_is_shared_for_the_rest_of_its_time(store, sharing):
    sharing.circuit(RouteChange("a/m", clock() + 30))
    [(name, fact)] = store.facts.items()
    assert name == "circuit:a/m"
    assert fact.value.startswith("open ")
    assert 29 < fact.seconds <= 30


def test_a_closed_circuit_is_shared_for_as_long_as_others_may_have_it_open(store, sharing):
    sharing.circuit(RouteChange("a/m", None))
    fact = store.facts["circuit:a/m"]
    assert (fact.value.split()[0], fact.seconds) == ("closed", 60.0)


def test_a_circuit_whose_time_is_over_is_not_shared(store, sharing):
    sharing.circuit(RouteChange("a/m", clock() - 1))
    assert store.facts == {}


def test_the_provider_in_use_and_a_canarys_step_hold_until_they_are_replaced(store, sharing):
    sharing.active("openai")
    sharing.canary("green/m", -1)
    facts = {name: (fact.value.split()[0], fact.seconds) for name, fact in store.facts.items()}
    assert facts == {"active": ("openai", 0.0), "canary:green/m": ("-1", 0.0)}


def test_facts_of_other_processes_reach_the_gateway_once(sharing, gateway):
    facts = {
        "circuit:a/m": Fact("open 1f", 12.5),
        "circuit:b/m": Fact("closed 2f", 60.0),
        "canary:green": Fact("2 3f", 0.0),
        "active": Fact("openai 4f", 0.0),
        "of a later version": Fact("x", 0.0),
    }
    sharing.absorb(facts)
    sharing.absorb(facts)
    assert gateway.received == [
        ("circuit", "a/m", 12.5),
        ("circuit", "b/m", None),
        ("canary", "green", 2),
        ("active", "openai"),
    ]
    sharing.absorb({"active": Fact("openai 5f", 0.0)})  # chosen once more
    assert gateway.received[4:] == [("active", "openai")]


def test_a_gateway_does_not_receive_its_own_facts(store, sharing, gateway):
    sharing.active("openai")
    sharing.canary("green", 1)
    sharing.circuit(RouteChange("a/m", clock() + 30))
    sharing.absorb(store.facts)
    assert gateway.received == []
    other = Gateway()
    Sharing(store, other).absorb(store.facts)
    assert len(other.received) == 3


def test_the_same_choice_made_twice_is_two_facts(store, sharing):
    sharing.active("openai")
    before = store.facts["active"]
    sharing.active("openai")
    assert store.facts["active"] != before


def test_a_gateway_that_nobody_uses_is_not_kept_alive(store):
    gateway = Gateway()
    sharing, reference = Sharing(store, gateway), weakref.ref(gateway)
    del gateway
    gc.collect()
    assert reference() is None
    sharing.absorb({"active": Fact("openai 1f", 0.0)})  # reaches nobody, and no error


def test_an_announcement_reaches_every_gateway_of_the_store(server, gateway):
    store = Store(server.url)
    sharing = Sharing(store, gateway)
    assert announce("openai", server.url)
    store.exchange()
    assert gateway.received == [("active", "openai")]
    assert sharing is not None


def test_an_announcement_that_does_not_arrive_is_not_said_to_have(own_server):
    own_server.stop()
    assert not announce("openai", own_server.url)
