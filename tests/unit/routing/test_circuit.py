"""The circuit breaker: closed, open, half-open; and its health figures."""

import pytest

from holysheep_core import CircuitConfig, ConfigurationError
from holysheep_core.routing.circuit import PROBE_SECONDS, Circuit, Health, Note, Outcome

GOOD, CUT, BAD = Outcome.SUCCESS, Outcome.DISTURBED, Outcome.FAILURE


def circuit(*outcomes, now=0.0, **config):
    made = Circuit(CircuitConfig(**config))
    return made, [made.note(Note(now, outcome, 0.1)) for outcome in outcomes]


def test_five_failures_that_are_half_of_the_answers_open_it():
    assert circuit(*[BAD] * 5)[1] == [False] * 4 + [True]
    assert circuit(*[GOOD] * 5, *[BAD] * 5)[1] == [False] * 9 + [True]


def test_fewer_failures_or_a_smaller_share_do_not():
    assert not any(circuit(*[BAD] * 4)[1])
    assert not any(circuit(*[GOOD] * 6, *[BAD] * 5)[1])


def test_cuts_and_rate_limits_count_as_errors_but_do_not_open_it():
    made, opened = circuit(*[CUT] * 20)
    assert not any(opened)
    assert Health.of(made.notes).error_rate == 1.0


def test_failures_longer_ago_than_the_window_are_forgotten():
    made, _ = circuit(*[BAD] * 4)
    assert not made.note(Note(31.0, BAD, None))
    assert [made.note(Note(32.0, BAD, None)) for _ in range(4)][-1]


def test_a_first_token_that_is_too_late_counts_as_a_failure_if_so_wished():
    made = Circuit(CircuitConfig(failures=1, slow_first_token=2.0))
    assert not made.note(Note(0.0, GOOD, 1.9))
    assert made.note(Note(0.0, GOOD, 2.1))


def test_it_goes_from_closed_to_open_to_half_open_to_closed():
    made = Circuit(CircuitConfig())
    assert (made.state(0.0), made.take_probe(0.0)) == ("closed", True)
    made.open(0.0, 10.0)
    assert (made.state(9.9), made.take_probe(9.9)) == ("open", False)
    assert (made.state(10.0), made.take_probe(10.0)) == ("half-open", True)
    assert not made.succeeded(sent=10.0)
    assert made.state(11.0) == "half-open"
    assert made.take_probe(11.0)
    assert made.succeeded(sent=11.0)
    assert made.state(11.0) == "closed"


@pytest.mark.parametrize("probes", [1, 3])
def test_half_open_it_lets_a_limited_number_through(probes):
    made = Circuit(CircuitConfig(probes=probes))
    made.open(0.0, 10.0)
    assert [made.take_probe(10.0) for _ in range(10)].count(True) == probes
    made.released()
    assert [made.take_probe(10.1) for _ in range(10)].count(True) == 1
    assert [made.take_probe(10.2 + PROBE_SECONDS) for _ in range(10)].count(True) == probes


def test_the_failure_of_a_probe_opens_it_again():
    made = Circuit(CircuitConfig())
    made.open(0.0, 10.0)
    made.take_probe(10.0)
    assert made.note(Note(10.5, BAD, None))


def test_the_success_of_a_request_older_than_the_trouble_says_nothing():
    made = Circuit(CircuitConfig(successes=1))
    made.open(5.0, 10.0)
    assert not made.succeeded(sent=4.9)
    assert made.state(6.0) == "open"
    assert made.succeeded(sent=5.1)  # it was asked all the same: there was nobody else
    assert made.state(6.0) == "closed"


def test_zero_failures_turn_it_off():
    assert not any(circuit(*[BAD] * 50, failures=0)[1])


def test_health_has_percentiles_that_really_occurred():
    notes = [Note(0.0, GOOD, wait / 100) for wait in range(1, 101)]
    health = Health.of([*notes, Note(0.0, BAD, None)])
    assert (health.requests, health.errors) == (101, 1)
    assert (health.first_token_p50, health.first_token_p95) == (0.51, 0.96)
    assert health.first_token_p99 == 1.0
    assert Health.of([]).error_rate == 0.0
    assert Health.of([]).first_token_p50 is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures": -1},
        {"error_rate": 0},
        {"error_rate": 1.5},
        {"window": 0},
        {"probes": 0},
        {"successes": 0},
        {"slow_first_token": "2"},
    ],
)
def test_a_setting_that_cannot_be_is_named_at_once(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        CircuitConfig(**wrong)
