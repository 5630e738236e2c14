"""A call that would cost too much ends with what was paid for, in every face."""

import pytest

from holysheep_core import (
    BudgetExceededError,
    Catalog,
    ConfigurationError,
    ModelCard,
    SpendLimit,
    StreamingRetryHandler,
)
from holysheep_core.simulator import cut
from support.calls import ASK
from support.models import handler_pieces, langchain_pieces, llamaindex_pieces

LONG = "word " * 400
PIECES = [handler_pieces, langchain_pieces, llamaindex_pieces]
PRICED = Catalog({"m": ModelCard(input_price=0.0, output_price=1_000_000.0)})  # a dollar a token


@pytest.mark.parametrize("face", PIECES)
@pytest.mark.parametrize(
    "settings",
    [
        {"spend_limit": SpendLimit(tokens=100)},
        {"spend_limit": SpendLimit(usd=100), "catalog": PRICED},
    ],
)
def test_a_runaway_is_stopped_and_the_reader_has_what_the_error_has(play, face, settings):
    seen = []
    with pytest.raises(BudgetExceededError) as caught:
        for text in face(play(text=LONG, delay=0.001), model="m", **settings):
            seen.append(text)
    said = "".join(seen)
    assert LONG.startswith(said)
    assert caught.value.partial == said
    assert 200 < len(said) <= 110 * 5
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize("face", PIECES)
def test_an_answer_within_its_limit_is_whole(play, face):
    settings = {"spend_limit": SpendLimit(usd=1000, tokens=1000), "catalog": PRICED}
    assert "".join(face(play(text=LONG), model="m", **settings)) == LONG


async def test_async_calls_stop_too(play):
    handler = StreamingRetryHandler(
        "k", base_url=play(text=LONG).base_url, spend_limit=SpendLimit(tokens=50)
    )
    with pytest.raises(BudgetExceededError):
        async for _ in handler.astream_with_retry("m", ASK):
            pass
    await handler.aclose()


def test_cut_requests_count_and_a_continuation_that_cannot_be_paid_is_not_sent(play):
    script = play(text=LONG, faults=[cut(at=1000)], delay=0.001)
    seen = []
    with pytest.raises(BudgetExceededError) as caught:
        for text in handler_pieces(script, model="m", spend_limit=SpendLimit(tokens=300)):
            seen.append(text)
    assert len(script.requests) == 1
    assert caught.value.partial == "".join(seen) == LONG[:1000]
    assert caught.value.first_cause is not None


def test_a_prompt_that_is_too_dear_is_not_sent(play):
    script = play(text=LONG)
    with pytest.raises(BudgetExceededError) as caught:
        list(handler_pieces(script, model="m", spend_limit=SpendLimit(tokens=3)))
    assert not script.requests
    assert caught.value.partial == ""


def test_a_limit_in_dollars_needs_a_price(play):
    script = play(text=LONG)
    with pytest.raises(ConfigurationError, match="price of 'm' is not known"):
        list(handler_pieces(script, model="m", spend_limit=SpendLimit(usd=1)))
    assert not script.requests


@pytest.mark.parametrize("wrong", [{}, {"usd": -1}, {"tokens": 0}, {"usd": "1"}, {"tokens": 1.5}])
def test_a_limit_without_a_meaning_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        SpendLimit(**wrong)
