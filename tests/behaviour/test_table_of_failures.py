"""The table of failures, row by row: who is asked, how often, and what comes of it.

Sync and async, LangChain and LlamaIndex.
"""

import random
import socket

import pytest

import holysheep_core as core
from holysheep_core import Provider, Timeouts
from holysheep_core.catalog import Catalog
from holysheep_core.engine.actions import Wait
from holysheep_core.engine.session import Session
from holysheep_core.engine.settings import Settings
from holysheep_core.retry_budget import RetryBudget
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import build_chain
from holysheep_core.simulator import cut, error_event, malformed, refuse, reply, slow, stall
from holysheep_core.types import ChatRequest
from support.calls import ASK, MODEL
from support.models import (
    every_way,
    handler_astream,
    handler_stream,
    langchain_stream,
    llamaindex_stream,
)

M, F = MODEL, "gemini-2.5-flash"
FOR_GOOD = {"times": None, "model": M}
EVERYWHERE = {"times": None}

GOOGLE = """[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Exceeded your current
quota, please check your plan and billing details.", "details": [{"@type":
"type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.01s"}]}}]""".replace("\n", " ")

SERVED = {
    **{
        f"{status} once": ([refuse(status)], [M, M])
        for status in (408, 409, 424, 425, 499, 500, 502, 504, 520, 524, 530, 503, 529)
    },
    **{
        f"{status} for good": ([refuse(status, **FOR_GOOD)], [M, M, M, F])
        for status in (408, 409, 424, 425, 500, 502, 504)
    },
    **{f"{status} for good": ([refuse(status, **FOR_GOOD)], [M, M, F]) for status in (503, 529)},
    "429 with a short wait": ([refuse(429, retry_after=0.01)], [M, M]),
    "429 with a short wait, for good": (
        [refuse(429, retry_after=0.01, **FOR_GOOD)],
        [M, M, M, F],
    ),
    "429 with a long wait": ([refuse(429, retry_after=600, **FOR_GOOD)], [M, F]),
    "429 with a long wait in a reset header": (
        [refuse(429, headers={"x-ratelimit-reset-tokens": "6m0s"}, **FOR_GOOD)],
        [M, F],
    ),
    "429 without a hint": ([refuse(429, **FOR_GOOD)], [M, M, F]),
    "context too long": ([refuse(400, code="context_length_exceeded", **FOR_GOOD)], [M, F]),
    "context too long, in words": (
        [refuse(400, message="prompt is too long: 208310 tokens > 200000 maximum", **FOR_GOOD)],
        [M, F],
    ),
    "Google's list with RetryInfo": (
        [reply(429, GOOGLE, {"content-type": "application/json"})],
        [M, M],
    ),
    "rate limit sent as a 400": (
        [refuse(400, message="Rate limit reached, please try again in 10ms")],
        [M, M],
    ),
    "rate limit without a second try": (
        [refuse(429, headers={"x-should-retry": "false"}, **FOR_GOOD)],
        [M, F],
    ),
    "no first token": ([slow(4.0, **FOR_GOOD)], [M, F]),
    "reset in mid-answer": ([cut(20, "rst")], [M, M]),
    "closed in mid-answer": ([cut(20, "fin")], [M, M]),
    "truncated": ([cut(20, "eof")], [M, M]),
    "stall": ([stall(20)], [M, M]),
    "stall with comments": ([stall(20, keepalive=True)], [M, M]),
    "damaged event": ([malformed(20)], [M, M]),
    "error event in mid-answer": ([error_event(20)], [M, F]),
    **{
        f"a fallback's own {status}": (
            [refuse(429, retry_after=8, model=M), refuse(status, times=None, model=F)],
            [M, F, M],
        )
        for status in (400, 403, 404, 422)
    },
}


@every_way
@pytest.mark.parametrize("row", SERVED)
def test_a_row_that_ends_well_asks_whom_the_table_says(play, text, ask, row):
    faults, asked = SERVED[row]
    script = play(faults=faults)
    # Short clocks only where one is to run out: a busy machine is slow too.
    late = any(fault.kind in ("slow", "stall") for fault in faults)
    timeouts = Timeouts(read=1.0 if late else 30)
    assert ask(script.base_url, timeouts=timeouts) == text
    assert [request.body["model"] for request in script.requests] == asked


@every_way
@pytest.mark.parametrize("status", [400, 403, 404])
def test_with_only_a_fallback_that_refuses_the_first_cause_is_raised(play, ask, status):
    script = play(faults=[refuse(429, retry_after=600, **FOR_GOOD), refuse(status, times=None)])
    with pytest.raises(core.HolySheepError) as caught:
        ask(script.base_url)
    assert isinstance(caught.value, core.RateLimitError)
    assert next(attempt.outcome for attempt in caught.value.attempts) == "RateLimitError"
    assert [request.body["model"] for request in script.requests] == [M, F]


REFUSED = {
    "out of quota": (refuse(429, code="insufficient_quota", **EVERYWHERE), core.QuotaExceededError),
    "spend limit": (
        refuse(429, code="project_spend_limit_exceeded", **EVERYWHERE),
        core.QuotaExceededError,
    ),
    "out of quota, in words": (
        refuse(429, message="用户额度不足", type="new_api_error", **EVERYWHERE),
        core.QuotaExceededError,
    ),
    "no credit, as a 400": (
        refuse(400, message="Your credit balance is too low to access the API.", **EVERYWHERE),
        core.QuotaExceededError,
    ),
    "501": (refuse(501, **EVERYWHERE), core.ServerError),
    "no second try wanted": (
        refuse(500, headers={"x-should-retry": "false"}, **EVERYWHERE),
        core.ServerError,
    ),
    "402": (refuse(402, **EVERYWHERE), core.QuotaExceededError),
    "401": (refuse(401, **EVERYWHERE), core.AuthenticationError),
    "403": (refuse(403, **EVERYWHERE), core.PermissionDeniedError),
    "400": (refuse(400, **EVERYWHERE), core.BadRequestError),
    "404": (refuse(404, **EVERYWHERE), core.NotFoundError),
    "422": (refuse(422, **EVERYWHERE), core.BadRequestError),
    "content policy": (
        refuse(400, code="content_policy_violation", **EVERYWHERE),
        core.ContentPolicyError,
    ),
    "HTML": (reply(200, "<html>", {"content-type": "text/html"}, **EVERYWHERE), Exception),
}


@every_way
@pytest.mark.parametrize("row", REFUSED)
def test_a_row_that_is_raised_at_once_asks_once(play, ask, row):
    fault, error = REFUSED[row]
    script = play(faults=[fault])
    with pytest.raises(core.HolySheepError) as caught:
        ask(script.base_url)
    assert isinstance(caught.value, error)
    assert len(script.requests) == 1


@every_way
@pytest.mark.parametrize(
    "error",
    [
        {"code": "content_filter", "message": "The response was filtered.", "status": 400},
        {"code": "content_policy_violation", "message": "Blocked by our usage policies."},
    ],
    ids=["filtered", "policy"],
)
def test_a_content_policy_in_mid_answer_is_raised_at_once_with_the_partial(play, text, ask, error):
    script = play(faults=[error_event(20, error, times=None)])
    with pytest.raises(core.HolySheepError) as caught:
        ask(script.base_url)
    assert isinstance(caught.value, core.ContentPolicyError)
    assert caught.value.partial == text[:20]
    assert len(script.requests) == 1


@every_way
@pytest.mark.parametrize("row", ["out of quota", "spend limit", "402", "401", "403"])
def test_what_is_wrong_with_one_key_goes_to_the_next_provider(play, text, ask, row):
    first, second = play(faults=[REFUSED[row][0]]), play()
    providers = [Provider("other-key", second.base_url, name="second")]
    assert ask(first.base_url, providers=providers) == text
    assert (len(first.requests), len(second.requests)) == (1, 1)
    assert second.requests[0].headers["authorization"] == "Bearer other-key"


@every_way
def test_no_connection_goes_to_the_next_provider(play, text, ask):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        script = play()
        providers = [Provider("other-key", script.base_url, name="second")]
        settings = {"providers": providers, "fallback_models": []}
        assert ask(nowhere, **settings) == text
    assert len(script.requests) == 1


@pytest.mark.slow
@pytest.mark.real_waits
@pytest.mark.parametrize(
    "ask", [handler_stream, handler_astream, langchain_stream, llamaindex_stream]
)
@pytest.mark.parametrize("status", [503, 429])
def test_a_lasting_refusal_asks_the_primary_thrice_at_most_and_four_times_in_three_seconds(
    play, ask, status
):
    script = play(faults=[refuse(status, **EVERYWHERE)])
    with pytest.raises(core.HolySheepError):
        ask(script.base_url, timeouts=Timeouts(total=3))
    models = [request.body["model"] for request in script.requests]
    assert models.count(M) <= 3
    assert 2 <= len(models) <= 4


@pytest.mark.real_waits
@pytest.mark.parametrize("status", [503, 429])
def test_so_it_is_with_any_jitter_on_virtual_time(status):
    for seed in range(300):
        sent = requests_of(status, random.Random(seed).random)
        assert sum(is_primary for _, is_primary in sent) <= 3
        assert sum(at <= 3 for at, _ in sent) <= 4
        assert sent[-1][0] > 3  # and it does go on later


def requests_of(status, rng):
    """When a call under a lasting refusal sends its requests, and whether to the primary."""
    request, settings, now, sent = ChatRequest(M, ASK), Settings(budget=RetryBudget()), 0.0, []
    chain = build_chain(request, [Provider("k")], settings.fallback, RouteStates(), Catalog())
    session = Session(request, chain, settings, now=now, rng=rng)
    while True:
        try:
            action = session.next_action(now)
        except core.APIError:
            return sent
        if isinstance(action, Wait):
            now += action.seconds
            continue
        sent.append((now, M.encode() in action.body))
        now += 0.01
        session.receive_response(status, {}, now)
        session.receive_eof(now)


@every_way
def test_a_silent_route_is_asked_once_and_then_the_next(play, text, ask):
    script = play(faults=[stall(0, **FOR_GOOD)])
    assert ask(script.base_url, timeouts=Timeouts(read=1.0)) == text
    assert [request.body["model"] for request in script.requests] == [M, F]
