"""An outage on virtual time: two thousand clients, one bucket, and what reaches the server.

The big runs, and the page made of them, are in `tests/benchmarks/retry_storm`.
"""

import sys
from functools import cache, partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks/retry_storm"))

from simulation import FALLBACK, MODEL, REFUSED, Fleet, Trouble, simulate

from holysheep_core import RetryBudget

pytestmark = pytest.mark.real_waits  # on virtual time

WITH = Fleet("with")
WITHOUT = Fleet("without", budget=partial(RetryBudget, cost=0.0))

play = cache(partial(simulate, clients=2000))


def emptied():
    budget = RetryBudget()
    while budget.take():
        pass
    return budget


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.8, 0.5, 0.2])
@pytest.mark.parametrize("status", [503, 500, REFUSED])
def test_an_outage_multiplies_the_traffic_by_a_tenth_at_most_however_many_requests_fail(
    status, share
):
    tally = play(Trouble("", status, share), WITH)
    full_bucket = 50 / len(tally.calls())  # once
    assert tally.multiple() <= 1.1 + full_bucket
    assert tally.multiple() <= 1.1 or share == 0.2  # where answers earn the most


@pytest.mark.parametrize(("share", "times"), [(1.0, 4.0), (0.5, 1.8)])
def test_without_the_budget_the_traffic_is_several_times_more(share, times):
    assert play(Trouble("", share=share), WITHOUT).multiple() >= times


def test_nobody_comes_thundering_back():
    outage, calm = play(Trouble(""), WITH), play(Trouble("", share=0.0), WITH)
    assert outage.spike() <= 1.1 * calm.spike()
    assert play(Trouble(""), WITHOUT).spike() >= 3 * calm.spike()


def test_after_the_outage_no_call_is_lost():
    assert play(Trouble(""), WITH).lost_after() == 0


def test_an_empty_bucket_fills_with_answers_and_failures_are_tried_again():
    assert play(Trouble("", share=0.05), Fleet("", budget=emptied)).lost() == 0


@pytest.mark.parametrize("fleet", [WITH, Fleet("many", 100)], ids=["one", "many"])
def test_isolated_failures_are_always_tried_again(fleet):
    assert play(Trouble("", share=0.01), fleet).lost() == 0


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("status", [503, 500, REFUSED])
@pytest.mark.parametrize("budget", [RetryBudget, emptied])
def test_a_healthy_fallback_model_serves_every_call_even_when_the_bucket_is_empty(
    budget, status, share
):
    fleet = Fleet("", budget=budget, fallbacks=(FALLBACK,))
    tally = play(Trouble("", status, share, (MODEL,)), fleet)
    assert tally.lost() == 0
    assert tally.to_model[MODEL] <= len(tally.calls()) / 2
    assert tally.multiple() <= 1.25  # moves come on top


def test_two_models_that_both_fail_are_not_asked_in_turns():
    fleet = Fleet("", fallbacks=(FALLBACK,))
    assert play(Trouble("", 500), fleet).multiple() <= 1.1


def test_buckets_that_meet_once_a_second_bound_the_traffic_together():
    own, shared = Fleet("own", 100), Fleet("shared", 100, synced=1.0)
    trouble = Trouble("", share=0.5)
    assert play(trouble, shared).multiple() <= 1.1 + 50 / 2000
    assert play(trouble, own).multiple() > 1.5
