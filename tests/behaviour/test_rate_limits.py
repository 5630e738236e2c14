"""Limits of one's own, from the keyword to the socket: sync, async, LangChain, LlamaIndex."""

import pytest

from holysheep_core import (
    LocalRateLimitError,
    Provider,
    RateLimits,
    StreamingRetryHandler,
    Throttled,
    Timeouts,
)
from holysheep_core.limits.limiter import limiter_of
from holysheep_core.simulator import cut, reply
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK
from support.models import (
    handler_astream,
    handler_stream,
    langchain_stream,
    llamaindex_complete,
)


@pytest.fixture(params=[handler_stream, handler_astream, langchain_stream, llamaindex_complete])
def ask(request):
    return request.param


def test_what_is_over_the_limit_is_not_sent(play, text, ask):
    script, limits = play(), RateLimits(requests_per_minute=2, max_wait=0)
    for _ in range(2):
        assert ask(script, rate_limits=limits) == text
    with pytest.raises(LocalRateLimitError, match="2 requests per minute") as caught:
        ask(script, rate_limits=limits)
    assert len(script.requests) == 2
    assert caught.value.attempts == ()


def test_continuations_count_too_and_what_arrived_is_not_lost(play, text, ask):
    script = play(faults=[cut(12, "fin")])
    with pytest.raises(LocalRateLimitError) as caught:
        ask(script, rate_limits=RateLimits(requests_per_minute=1, max_wait=0))
    assert caught.value.partial == text[:12]
    assert len(script.requests) == 1


def test_over_the_limit_another_provider_goes_on_in_mid_answer(play, text, ask):
    script, other = play(faults=[cut(at=12)]), play()
    settings = {
        "rate_limits": RateLimits(requests_per_minute=1, max_wait=0),
        "providers": [Provider("k", other.base_url, name="other")],
    }
    assert ask(script, **settings) == text
    assert (len(script.requests), len(other.requests)) == (1, 1)


def test_a_wait_is_bounded_by_the_calls_own_time_and_is_not_begun_in_vain(play, ask):
    script = play()
    settings = {
        "rate_limits": RateLimits(requests_per_minute=1),
        "timeouts": Timeouts(total=3.0),
    }
    ask(script, **settings)
    with pytest.raises(LocalRateLimitError):
        ask(script, **settings)


def test_tokens_of_a_cut_attempt_are_counted_as_what_they_were(play, ask):
    script = play(faults=[cut(12, "fin")])
    limits = RateLimits(tokens_per_day=100_000, expected_tokens=5000)
    ask(script, rate_limits=limits)
    limiter = limiter_of(Provider("k", script.base_url, rate_limits=limits), None)
    [item] = limiter._counters._tokens
    used = limiter._counters._memory.get(item.key_for(limiter._counters._account))
    assert 20 < used < 500  # not twice the 5,000 that were reserved
    assert len(script.requests) == 2


def test_a_reader_who_goes_away_gives_back_what_was_not_used(play):
    script, limits = play(delay=0.01), RateLimits(tokens_per_day=100_000, expected_tokens=5000)
    with StreamingRetryHandler("k", base_url=script.base_url, rate_limits=limits) as handler:
        stream = handler.stream_with_retry("gpt-4.1", ASK)
        next(stream)
        stream.close()
    limiter = limiter_of(handler.gateway.providers[0], None)
    [item] = limiter._counters._tokens
    assert 0 < limiter._counters._memory.get(item.key_for(limiter._counters._account)) < 100


def test_what_the_server_says_is_left_holds_the_next_request_back(play, text, ask):
    body = (
        b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    headers = {
        "content-type": "text/event-stream",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "30s",
    }
    script = play(faults=[reply(200, body, headers)])
    limits = RateLimits(requests_per_minute=60, max_wait=0)
    handler = StreamingRetryHandler("k", base_url=script.base_url, rate_limits=limits)
    with handler:
        assert handler.complete("gpt-4.1", ASK).text == "Hi"
        with pytest.raises(LocalRateLimitError, match="as the server counts them"):
            handler.complete("gpt-4.1", ASK)


def test_waiting_is_told_and_is_no_part_of_the_first_tokens_latency(play, monkeypatch):
    from limits import RateLimitItemPerMinute

    brief = RateLimitItemPerMinute.GRANULARITY._replace(seconds=2)
    monkeypatch.setattr(RateLimitItemPerMinute, "GRANULARITY", brief)
    script, events = play(), []
    limits = RateLimits(requests_per_minute=1)
    with StreamingRetryHandler(
        "k", base_url=script.base_url, rate_limits=limits, on_event=events.append
    ) as handler:
        handler.complete("gpt-4.1", ASK)
        completion = handler.complete("gpt-4.1", ASK)
    [held] = [event for event in events if isinstance(event, Throttled)]
    assert held.limit == "1 requests per minute"
    assert script.requests[1].at - script.requests[0].at > 1.9
    assert completion.attempts[0].first_token < 1


@pytest.mark.parametrize("model", [ChatHolySheep, HolySheep])
def test_a_tier_is_named_by_its_name(model):
    llm = model(model="gpt-4.1", api_key="k", rate_limits="starter")
    assert llm._handler.gateway.providers[0].limits.requests_per_minute == 200
