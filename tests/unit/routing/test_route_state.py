"""The state of a route after earlier answers."""

import threading

import pytest

from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.routing.circuit import PROBE_SECONDS, CircuitConfig, Health, Note, Outcome
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteChange, RouteStates

ONE, TWO = Provider("sk-1", name="one"), Provider("sk-2", name="two")
A, B = (Route(ONE, model) for model in ("deepseek-v3.2", "gemini-2.5-flash"))
A2 = Route(TWO, "deepseek-v3.2")


def failure(at):
    return Note(at, Outcome.FAILURE, None)


@pytest.mark.parametrize(("now", "cooling"), [(0, True), (9.9, True), (10, False), (11, False)])
def test_a_route_cools_until_its_time_and_no_longer(now, cooling):
    states = RouteStates()
    states.cool(A, 0.0, 10)
    assert (states.state(A, now) == "open") is cooling
    assert states.state(B, now) == "closed"
    assert states.state(A2, now) == "closed"


def test_a_shorter_cooldown_does_not_end_a_longer_one_but_a_success_does():
    states = RouteStates()
    assert states.cool(A, 0.0, 10) == RouteChange(A.key, 10)
    assert states.cool(A, 0.0, 5) == RouteChange(A.key, 10)
    assert states.state(A, 7) == "open"
    assert states.succeeded(A, sent=6) is None  # one good answer is not enough
    assert states.succeeded(A, sent=6) == RouteChange(A.key, None)
    assert states.state(A, 7) == "closed"


def test_content_for_an_older_request_does_not_close_a_circuit():
    states = RouteStates()
    states.cool(A, 5.0, 10)
    for _ in range(5):
        assert states.succeeded(A, sent=4.9) is None
    assert states.state(A, 7) == "open"


def test_a_route_nothing_is_known_of_is_free():
    states = RouteStates()
    assert states.is_available(A, 0.0)
    assert states.take_probe(A, 0.0)
    assert states.succeeded(A, 0.0) is None
    assert states.health(ONE) == Health(0, 0, None, None, None)


def test_a_half_open_route_has_one_probe_and_a_question_does_not_take_it():
    states = RouteStates()
    states.cool(A, 0.0, 10)
    assert not states.is_available(A, 9.0)
    assert not states.take_probe(A, 9.0)
    assert [states.is_available(A, 10.0) for _ in range(3)] == [True] * 3
    assert [states.take_probe(A, 10.0) for _ in range(3)] == [True, False, False]
    assert not states.is_available(A, 10.0)


@pytest.mark.parametrize("probing", [True, False])
def test_a_request_that_ends_frees_its_probe_unless_content_did_already(probing):
    states = RouteStates()
    states.cool(A, 0.0, 10)
    states.take_probe(A, 10.0)
    states.ended(A, None, probing=probing)
    assert states.is_available(A, 11.0) is probing
    assert states.is_available(A, 10.0 + PROBE_SECONDS)  # of a caller that went away


def test_of_many_threads_one_gets_the_probe():
    states = RouteStates()
    states.cool(A, 0.0, 10)
    barrier, got = threading.Barrier(16), []

    def take():
        barrier.wait()
        got.append(states.take_probe(A, 11.0))

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 15 + [True]


def test_failures_say_when_a_circuit_must_open_and_do_not_open_it():
    states = RouteStates(CircuitConfig(failures=3, window=10.0))
    assert [states.ended(A, failure(at), probing=True) for at in (1, 2, 3)] == [False, False, True]
    assert states.state(A, 3) == "closed"
    assert not states.ended(B, failure(3), probing=True)
    assert not states.ended(A, failure(30), probing=True)  # the others are past the window


def test_a_failed_probe_says_that_the_circuit_must_open_again():
    states = RouteStates()
    states.cool(A, 0.0, 10)
    assert states.ended(A, failure(11.0), probing=True)


def test_health_is_by_provider_model_and_time():
    states = RouteStates()
    for route, note in (
        (A, Note(1, Outcome.SUCCESS, 0.5)),
        (A, failure(2)),
        (B, Note(3, Outcome.DISTURBED, 2.0)),
        (A2, failure(4)),
    ):
        states.ended(route, note, probing=False)
    assert states.health(ONE) == Health(3, 2, 2.0, 2.0, 2.0)
    assert states.health(ONE, model=A.model) == Health(2, 1, 0.5, 0.5, 0.5)
    assert states.health(ONE, since=2) == Health(2, 2, 2.0, 2.0, 2.0)
    assert states.health(TWO).requests == 1
    assert states.health(TWO, model="deepseek") == Health(0, 0, None, None, None)


def test_a_circuit_opens_and_closes_by_its_key_as_in_another_process():
    states = RouteStates()
    states.open(A.key, 0.0, 10)
    assert (states.state(A, 5), states.state(B, 5)) == ("open", "closed")
    states.close(A.key)
    assert states.state(A, 5) == "closed"


def test_a_rejected_prefill_is_remembered_for_that_route():
    states = RouteStates()
    assert not states.rejects_prefill(A)
    states.learn_no_prefill(A)
    assert [states.rejects_prefill(each) for each in (A, B, A2)] == [True, False, False]


def test_the_last_word_of_a_server_about_its_limits_is_kept():
    states, left = RouteStates(), Allowance(5, None, 30.0)
    assert states.left(ONE) is None
    states.note_allowance(ONE, left)
    states.note_allowance(ONE, None)  # a response that does not say
    assert (states.left(ONE), states.left(TWO)) == (left, None)
