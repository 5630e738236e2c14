"""Names of LangChain's calls, limits that hold a batch back, and keywords of one call."""

import asyncio

import pytest
from limits import RateLimitItemPerMinute

from holysheep_core import RateLimits, Throttled
from holysheep_core.simulator import cut
from support.models import langchain


def total(chunks):
    chunks = list(chunks)
    return sum(chunks[1:], chunks[0])


async def gathered(parts):
    return [each async for each in parts]


WAYS = {
    "invoke": lambda llm, **given: llm.invoke("go", **given),
    "ainvoke": lambda llm, **given: asyncio.run(llm.ainvoke("go", **given)),
    "stream": lambda llm, **given: total(llm.stream("go", **given)),
    "astream": lambda llm, **given: total(asyncio.run(gathered(llm.astream("go", **given)))),
    "v3": lambda llm, **given: llm.stream_events("go", version="v3", **given).output,
}
every_way = pytest.mark.parametrize("way", WAYS)


# -- the call's name ------------------------------------------------------------------------


@every_way
def test_the_metadata_has_the_name_of_the_call(play, text, way):
    told = []
    script = play(faults=[cut(at=20)])
    message = WAYS[way](langchain(script, on_event=told.append), call_id="story-17")
    assert message.text == text
    assert message.response_metadata["resilience"]["call_id"] == "story-17"
    assert {event.call_id for event in told} == {"story-17"}
    assert all("call_id" not in request.body for request in script.requests)


@every_way
def test_a_call_without_a_name_has_the_one_that_its_events_have(play, way):
    told = []
    message = WAYS[way](langchain(play(), on_event=told.append))
    (name,) = {event.call_id for event in told}
    assert message.response_metadata["resilience"]["call_id"] == name != ""


@every_way
def test_the_name_in_the_metadata_finds_the_answer_in_the_journal(play, text, tmp_path, way):
    script = play(faults=[cut(at=20)])
    llm = langchain(script, journal=f"sqlite:///{tmp_path}/answers.db")
    named = WAYS[way](llm, call_id="story-17").response_metadata["resilience"]["call_id"]
    sent = len(script.requests)
    again = total(llm.resume_stream(named))
    assert again.text == text
    assert again.response_metadata["resilience"]["call_id"] == named
    assert len(script.requests) == sent


def test_a_bound_name_is_the_calls(play):
    message = langchain(play()).bind(call_id="story-18").invoke("go")
    assert message.response_metadata["resilience"]["call_id"] == "story-18"


# -- a batch behind a limit -----------------------------------------------------------------


@pytest.mark.parametrize("how", ["batch", "abatch", "batch_as_completed"])
def test_each_call_of_a_batch_that_waits_for_a_limit_says_so(play, text, monkeypatch, how):
    brief = RateLimitItemPerMinute.GRANULARITY._replace(seconds=1)
    monkeypatch.setattr(RateLimitItemPerMinute, "GRANULARITY", brief)
    told, config = [], {"max_concurrency": 4}
    llm = langchain(play(), rate_limits=RateLimits(requests_per_minute=1), on_event=told.append)
    if how == "batch":
        answers = llm.batch(["go"] * 4, config)
    elif how == "abatch":
        answers = asyncio.run(llm.abatch(["go"] * 4, config))
    else:
        answers = [answer for _, answer in llm.batch_as_completed(["go"] * 4, config)]
    assert [answer.text for answer in answers] == [text] * 4
    calls = {answer.response_metadata["resilience"]["call_id"] for answer in answers}
    held = [event for event in told if isinstance(event, Throttled)]
    assert len({event.call_id for event in held}) == 3  # all but the first
    assert {event.call_id for event in held} < calls
    assert {event.limit for event in held} == {"1 requests per minute"}
    assert all(event.wait > 0 for event in held)


# -- usage, of one call ---------------------------------------------------------------------


@pytest.mark.parametrize("way", ["stream", "astream", "v3"])
@pytest.mark.parametrize("of_model", [True, False])
@pytest.mark.parametrize("of_call", [True, False, None])
def test_a_call_says_whether_its_stream_has_the_usage(play, way, of_model, of_call):
    script = play()
    given = {} if of_call is None else {"stream_usage": of_call}
    message = WAYS[way](langchain(script, stream_usage=of_model), **given)
    shown = of_model if of_call is None else of_call
    assert (message.usage_metadata is not None) == shown
    asked = script.requests[0].body.get("stream_options")
    # What a model asks for, its totals and spend limit need, whatever one call shows.
    assert asked == ({"include_usage": True} if shown or of_model else None)
    assert "stream_usage" not in script.requests[0].body
