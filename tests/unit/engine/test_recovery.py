"""After a failure: limits meet here, and nothing goes on for ever."""

import pytest

from holysheep_core import (
    APIConnectionError,
    RateLimitError,
    RetryBudget,
    RetryConfig,
    ServerError,
    StreamFailed,
)
from holysheep_core.routing.route_state import RouteStates
from support.engine import BIG, SMALL, exchange, parts


@pytest.fixture
def make():
    def make(**settings):
        call = parts(**settings)
        make.events = call.events
        return call.recovery, exchange(call)

    return make


def test_whatever_breaks_and_however_often_it_ends(make):
    recovery, exchange = make(retry=RetryConfig(max_retries=7))
    answers = []
    while not answers or isinstance(answers[-1], float):
        answers.append(recovery.after(APIConnectionError(), exchange, float(len(answers))))
    assert len(answers) <= 7 + 2
    assert isinstance(make.events[-1], StreamFailed)


def test_a_call_starts_below_a_model_that_is_cooling_down_and_says_so(make):
    route_states = RouteStates()
    route_states.cool(BIG, 0.0, 10.0)
    recovery, _ = make(route_states=route_states)
    assert recovery.route == SMALL
    assert "cooling down" in str(make.events[0])


def test_an_empty_budget_ends_a_call_that_has_nowhere_else_to_go(make):
    recovery, exchange = make(budget=RetryBudget(capacity=10, cost=10), routes=(BIG,))
    recovery.after(ServerError(status_code=500), exchange, 0.0)
    error = recovery.after(ServerError(status_code=500), exchange, 1.0)
    assert isinstance(error, ServerError)
    assert isinstance(error.first_cause, ServerError)
    assert "budget is used up" in str(error)


def test_with_an_empty_budget_a_call_moves_at_once_and_the_others_begin_there(make):
    route_states, budget = RouteStates(), RetryBudget(capacity=0, cost=10)
    recovery, exchange = make(budget=budget, route_states=route_states)
    assert recovery.after(ServerError(status_code=500), exchange, 0.0) == 0.0
    assert recovery.route == SMALL
    assert make(budget=budget, route_states=route_states)[0].route == SMALL
    assert isinstance(recovery.after(ServerError(status_code=500), exchange, 0.1), ServerError)


@pytest.mark.parametrize(
    ("failures", "tokens"),
    [
        ([ServerError(status_code=500)], 90),  # a plain retry is spent
        ([RateLimitError(status_code=429)], 100),  # a server that limits is well
        ([ServerError(status_code=500)] * 3, 80),  # two plain ones, and a move that worked
    ],
)
def test_content_brings_back_what_was_lent_but_not_what_plain_retries_cost(make, failures, tokens):
    budget = RetryBudget(capacity=100, cost=10)
    recovery, exchange = make(budget=budget)
    for failure in failures:
        recovery.after(failure, exchange, 0.0)
    assert budget.tokens == 100 - 10 * len(failures)
    recovery.progressed()
    recovery.progressed()  # once is enough
    assert budget.tokens == tokens
