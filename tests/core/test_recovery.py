"""After a failure: limits meet here, and nothing goes on for ever."""

import pytest

from holysheep_core import (
    APIConnectionError,
    RetryBudget,
    RetryConfig,
    ServerError,
    StreamFailed,
)
from holysheep_core.exchange import Exchange
from holysheep_core.ledger import Ledger
from holysheep_core.leg import Leg
from holysheep_core.memory import RouteMemory
from holysheep_core.providers import Provider, Route
from holysheep_core.recovery import Recovery
from holysheep_core.routes import Ladder
from holysheep_core.settings import Settings
from holysheep_core.transcript import Transcript
from holysheep_core.types import ChatRequest

REQUEST = ChatRequest("gpt-4.1", [{"role": "user", "content": "go"}])
PROVIDER = Provider("k", "https://one.test/v1")
BIG, SMALL = Route(PROVIDER, "gpt-4.1"), Route(PROVIDER, "gemini-2.5-flash")


@pytest.fixture
def make():
    def make(*, memory=None, routes=(BIG, SMALL), **settings):
        settings = Settings(**{"budget": RetryBudget(), **settings})
        ledger = Ledger("c", 0.0, events.append)
        transcript = Transcript(REQUEST, settings.resume)
        ladder = Ladder(routes, memory or RouteMemory())
        recovery = Recovery(ladder, settings, ledger, transcript, 0.0, lambda: 0.0)
        return recovery, Exchange(transcript.question(), Leg(), transcript, ledger)

    events = []
    make.events = events
    return make


def test_whatever_breaks_and_however_often_it_ends(make):
    recovery, exchange = make(retry=RetryConfig(max_retries=7))
    answers = []
    while not answers or isinstance(answers[-1], float):
        answers.append(recovery.after(APIConnectionError(), exchange, float(len(answers))))
    assert len(answers) <= 7 + 2
    assert isinstance(make.events[-1], StreamFailed)


def test_a_call_starts_below_a_model_that_is_cooling_down_and_says_so(make):
    memory = RouteMemory()
    memory.cool(BIG, 0.0, 10.0)
    recovery, _ = make(memory=memory)
    assert recovery.route == SMALL
    assert "cooling down" in str(make.events[0])


def test_an_empty_budget_ends_a_call_and_a_success_fills_it(make):
    budget = RetryBudget(capacity=10, cost=10)
    recovery, exchange = make(budget=budget)
    assert isinstance(recovery.after(ServerError(status_code=500), exchange, 0.0), float)
    assert budget.tokens == 0
    recovery.progressed()
    assert budget.tokens == 10
    recovery, exchange = make(budget=budget)
    recovery.after(ServerError(status_code=500), exchange, 0.0)
    error = recovery.after(ServerError(status_code=500), exchange, 1.0)
    assert isinstance(error, ServerError)
    assert isinstance(error.first_cause, ServerError)
    assert "budget is used up" in str(error)
