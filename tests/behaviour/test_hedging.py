"""A second request beside one whose first token is late: `FallbackConfig(hedge=…)`."""

import asyncio
import threading
import time

import pytest

from holysheep_core import (
    FallbackConfig,
    RateLimits,
    RetryBudget,
    SpendLimit,
)
from holysheep_core.simulator import cut, refuse, slow
from support.calls import ASK, MODEL, handler
from support.models import every_way, handler_astream, handler_stream
from support.raw_server import RawServer

M, F = MODEL, "gemini-2.5-flash"
TEXT = "양 한 마리, 양 두 마리, 양 세 마리가 울타리를 넘었다."
LATE, LATER = slow(1.5, model=M, times=None), slow(2.5, model=F, times=None)
either = pytest.mark.parametrize("ask", [handler_stream, handler_astream])


def hedged(seconds=0.15, **settings):
    return {"fallback": FallbackConfig(hedge=seconds, models=[F]), **settings}


def asked(script):
    return [request.body["model"] for request in script.requests]


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def complete(script, **settings):
    with handler(script, **settings) as client:
        return client.complete(MODEL, ASK)


def acomplete(script, **settings):
    async def run():
        async with handler(script, **settings) as client:
            return await client.acomplete(MODEL, ASK)

    return asyncio.run(run())


completing = pytest.mark.parametrize("ask", [complete, acomplete])


@every_way
def test_the_one_that_has_content_first_answers_and_the_other_is_closed(ask, play):
    script = play(text=TEXT, faults=[LATE])
    assert ask(script, **hedged()) == TEXT
    assert asked(script) == [M, F]
    assert until(lambda: script.requests[0].client_gone)
    assert not script.requests[1].client_gone


@completing
def test_both_requests_are_in_the_record_with_the_prompt_that_was_paid_for(ask, play):
    completion = ask(play(text=TEXT, faults=[LATE]), **hedged())
    loser, winner = completion.attempts
    assert (loser.model, loser.outcome, loser.first_token) == (M, "overtaken", None)
    assert loser.usage.input_tokens > 0
    assert loser.usage.estimated
    assert (winner.technique, winner.model, winner.outcome) == ("hedge", F, "completed")
    assert winner.first_token is not None
    assert (completion.model, completion.downgrades) == (F, (F,))
    assert completion.usage.input_tokens == loser.usage.input_tokens + winner.usage.input_tokens


@completing
def test_the_first_one_may_still_be_first(ask, play):
    script = play(text=TEXT, faults=[slow(0.5, model=M, times=None), LATER])
    completion = ask(script, **hedged())
    first, second = completion.attempts
    assert (first.model, first.outcome) == (M, "completed")
    assert (second.model, second.technique, second.outcome) == (F, "hedge", "overtaken")
    assert completion.model == M
    assert completion.downgrades == ()
    assert until(lambda: script.requests[1].client_gone)


@every_way
def test_a_first_token_in_time_costs_no_second_request(ask, play):
    script = play(text=TEXT)
    assert ask(script, **hedged(5.0)) == TEXT
    assert asked(script) == [M]


@every_way
def test_a_second_request_that_fails_changes_nothing(ask, play):
    script = play(text=TEXT, faults=[slow(0.6, model=M), refuse(500, model=F, times=None)])
    assert ask(script, **hedged()) == TEXT
    assert asked(script) == [M, F]


REFUSED = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}"
EVENT = '{"choices":[{"delta":{"content":"양 한 마리"},"finish_reason":"stop"}]}'
ANSWER = (
    f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {EVENT}\n\ndata: [DONE]\n\n"
)


def after(seconds, answer):
    return [{"after_s": seconds, "bytes": answer}]


@every_way
@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([after(0.4, REFUSED), after(0.6, ANSWER)], 2),  # the first fails while the second runs
        ([after(0.6, ANSWER), after(0.1, REFUSED)], 2),  # the second fails
        ([after(0.4, REFUSED), after(0.5, REFUSED), after(0.0, ANSWER)], 3),
        ([after(0.6, REFUSED), after(0.1, REFUSED), after(0.0, ANSWER)], 3),
    ],
)
def test_of_two_requests_one_may_fail_and_after_both_the_table_of_failures_decides(
    ask, answers, requests
):
    server = RawServer(answers)
    assert ask(server.url, **hedged()) == "양 한 마리"
    assert server.requests == requests
    server.close()


@every_way
def test_a_failure_before_the_time_is_retried_as_ever(ask, play):
    script = play(text=TEXT, faults=[refuse(500, model=M)])
    assert ask(script, **hedged(5.0)) == TEXT
    assert asked(script) == [M, M]


@either
def test_never_more_than_one_in_a_call(ask, play):
    script = play(text=TEXT, faults=[slow(0.7, times=None)])
    fallback = FallbackConfig(hedge=0.1, models=[F, "deepseek-v3.2"])
    assert ask(script, fallback=fallback) == TEXT
    assert asked(script) == [M, F]


@every_way
def test_an_answer_of_the_second_request_is_resumed_after_cuts(ask, play):
    script = play(text=TEXT, faults=[LATE, cut(5, model=F), cut(11, model=F)])
    assert ask(script, **hedged()) == TEXT


@either
@pytest.mark.parametrize(
    "settings",
    [
        {"budget": RetryBudget(capacity=0)},
        {"spend_limit": SpendLimit(tokens=10_000)},
        {"rate_limits": RateLimits(requests_per_minute=600)},
    ],
    ids=["no retry budget", "a spend limit", "a rate limit"],
)
def test_where_it_may_not_be_paid_there_is_no_second_request(ask, play, settings):
    script = play(text=TEXT, faults=[slow(0.5, model=M)])
    assert ask(script, **hedged(**settings)) == TEXT
    assert asked(script) == [M]


def test_nothing_is_left_when_the_reader_leaves_during_the_race(play):
    script = play(text=TEXT, faults=[LATE, slow(1.5, model=F, times=None)])

    async def leave():
        async with handler(script, **hedged(0.1)) as client:
            reading = asyncio.create_task(client.acomplete(MODEL, ASK))
            assert await asyncio.to_thread(until, lambda: len(script.requests) == 2)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            return [t for t in asyncio.all_tasks() if t.get_name() == "holysheep-hedge"]

    assert asyncio.run(leave()) == []
    assert until(lambda: all(request.client_gone for request in script.requests))


def test_the_thread_of_the_one_that_lost_ends(play):
    script = play(text=TEXT, faults=[slow(30.0, model=M, times=None)])
    assert handler_stream(script, **hedged()) == TEXT
    assert until(
        lambda: not any(each.name == "holysheep-hedge" for each in threading.enumerate()), 2.0
    )
