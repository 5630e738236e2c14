"""What a call may still spend, request by request."""

import pytest

from holysheep_core import BudgetExceededError, Catalog, ConfigurationError, ModelCard, SpendLimit
from holysheep_core.engine.spend import SpendTracker
from holysheep_core.types import Attempt, ChatRequest, Usage

CATALOG = Catalog(
    {
        "m": ModelCard(input_price=1.0, output_price=10.0),  # US$ for a million tokens
        "free": ModelCard(input_price=0.0, output_price=0.0),
        "unknown": ModelCard(),
    }
)


class Spent:
    """A ledger after one request that used so much."""

    def __init__(self, usage=None, cost=0.0):
        self.usage = usage or Usage()
        self.attempts = (
            Attempt(1, "p", "m", "request", 0.0, 1.0, 0.1, 200, None, "", 0, self.usage, cost),
        )


def tracker(**limit):
    return SpendTracker(SpendLimit(**limit), CATALOG)


def refusal(made, spent, prompt, *, model="m", characters=0):
    """Why a request with a prompt of so many tokens may not go out."""
    request = ChatRequest(model, [{"role": "user", "content": "a" * 4 * (prompt - 4)}])
    return made.refusal(request, model, spent, characters)


@pytest.mark.parametrize(("prompt", "goes"), [(5, True), (39, True), (40, False), (99, False)])
def test_what_was_spent_and_the_next_prompt_count_against_the_tokens(prompt, goes):
    assert (refusal(tracker(tokens=100), Spent(Usage(40, 20)), prompt) is None) is goes


@pytest.mark.parametrize(("pieces", "characters", "empty"), [(10, 0, False), (11, 0, True)])
def test_an_answer_is_counted_by_its_deltas(pieces, characters, empty):
    made = tracker(tokens=30)
    assert refusal(made, Spent(), 20) is None
    assert (made.overspent(pieces, characters) is not None) is empty


def test_an_answer_in_large_deltas_is_counted_by_its_characters_without_those_from_before():
    made = tracker(tokens=30)
    refusal(made, Spent(), 20, characters=1000)
    assert made.overspent(1, 1000 + 43) is None
    assert made.overspent(1, 1000 + 44) is not None


def test_dollars_are_turned_into_tokens_of_the_model_that_is_asked():
    made = tracker(usd=0.001)
    assert refusal(made, Spent(cost=0.0005), 100) is None  # 0.0004 are left: 40 tokens of output
    assert made.overspent(40, 0) is None
    assert made.overspent(41, 0) is not None
    assert isinstance(refusal(made, Spent(cost=0.001), 5), BudgetExceededError)


def test_a_model_without_a_price_never_empties_it_and_one_with_an_unknown_price_is_refused():
    made = tracker(usd=1)
    assert refusal(made, Spent(), 10**5, model="free") is None
    assert made.overspent(10**9, 0) is None
    refused = refusal(made, Spent(), 5, model="unknown")
    assert isinstance(refused, ConfigurationError)
    assert "price of 'unknown' is not known" in str(refused)


def test_the_error_names_the_limit():
    error = tracker(usd=2, tokens=5).overspent(1, 0)
    assert isinstance(error, BudgetExceededError)
    assert "US$ 2 and 5 tokens" in str(error)
