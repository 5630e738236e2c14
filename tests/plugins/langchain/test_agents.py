"""Agents, graphs and LangChain's own retries: text once, tools run once and whole, no multiplying."""

import asyncio
import json
import time
from typing import ClassVar

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import (
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelTimeoutError,
)
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

import holysheep_core as core
from holysheep_core import Timeouts
from holysheep_core.simulator import cut, error_event, refuse, slow, stall
from support.models import langchain
from support.versions import skip_where_tasks_have_no_context

ASKED = {"messages": [("user", "Pay the shepherd.")]}
PAY = ("pay", json.dumps({"amount": 1000, "to": "양치기"}, ensure_ascii=False))
SING = ("sing", json.dumps({"song": "Baa"}))
TEXT = "Let me see to that for you: 잠시만요."
LASTING = {"times": None}


class Tools:
    def __init__(self):
        self.ran = ran = []

        @tool
        def pay(amount: int, to: str) -> str:
            """Pay somebody."""
            ran.append(("pay", amount, to))
            return "paid"

        @tool
        def sing(song: str) -> str:
            """Sing a song."""
            ran.append(("sing", song))
            return "sung"

        self.tools = [pay, sing]


PAID = ("pay", 1000, "양치기")
SUNG = ("sing", "Baa")


def model(script, **settings):
    return langchain(script, **{"timeouts": Timeouts(read=0.4), **settings})


def run(agent, config=None):
    return agent.invoke(ASKED, config)


def arun(agent, config=None):
    return asyncio.run(agent.ainvoke(ASKED, config))


either = pytest.mark.parametrize("run", [run, arun])
EVERYWHERE = range(1, len(TEXT) + len(PAY[1]) + len(SING[1]) + 1, 3)


@either
@pytest.mark.parametrize("by", ["rst", "eof"])
def test_cut_anywhere_each_tool_runs_once_and_whole(play, run, by):
    for at in EVERYWHERE:
        tools = Tools()
        script = play(TEXT, tool_calls=[PAY, SING], faults=[cut(at, by)])
        state = run(create_agent(model(script), tools.tools))
        assert sorted(tools.ran) == [PAID, SUNG], at
        assert [m.text for m in state["messages"] if m.type == "ai"] == [TEXT, TEXT], at
        assert len(script.requests) == 3, at  # two turns, one of them resumed


@pytest.mark.parametrize(
    "fault",
    [
        cut(len(TEXT) + 14, "eof"),
        stall(len(TEXT) + 14),
        error_event(len(TEXT) + 14),
        cut(len(TEXT) + len(PAY[1]), "fin"),  # between the two calls
    ],
    ids=["truncated", "stalled", "error event", "between two calls"],
)
def test_a_tool_call_that_breaks_is_never_run_in_part(play, fault):
    tools = Tools()
    script = play(TEXT, tool_calls=[PAY, SING], faults=[fault])
    create_agent(model(script), tools.tools).invoke(ASKED)
    assert sorted(tools.ran) == [PAID, SUNG]


def test_cut_while_reasoning_the_reasoning_is_shown_once(play):
    tools = Tools()
    script = play(TEXT, reasoning="Hm, a thousand?", tool_calls=[PAY], faults=[cut(8)])
    agent = create_agent(model(script), tools.tools)
    parts = list(agent.stream(ASKED, stream_mode="messages"))
    turns = {}
    for message, _ in parts:
        thought = message.additional_kwargs.get("reasoning_content", "")
        turns[message.id] = turns.get(message.id, "") + thought
    assert "Hm, a thousand?" in turns.values()
    assert all(thought in ("", "Hm, a thousand?") for thought in turns.values())
    assert tools.ran == [PAID]


@pytest.mark.parametrize("at", [3, 20, len(TEXT)])
def test_streaming_by_messages_updates_and_custom_shows_the_text_once(play, at):
    tools = Tools()
    script = play(TEXT, tool_calls=[PAY], faults=[cut(at), cut(at)])
    agent = create_agent(model(script), tools.tools)
    seen, updates, told = {}, [], []
    for mode, data in agent.stream(ASKED, stream_mode=["messages", "updates", "custom"]):
        if mode == "messages" and data[0].type != "tool":
            message = data[0]
            seen[message.id] = seen.get(message.id, "") + message.text
        elif mode == "updates":
            updates.append(data)
        elif mode == "custom":
            told.append(data["holysheep"]["event"])
    assert list(seen.values()) == [TEXT, TEXT]  # one id per turn, and nothing twice
    assert [list(update) for update in updates] == [["model"], ["tools"], ["model"]]
    assert told.count("StreamCut") == 2
    assert tools.ran == [PAID]


@pytest.mark.parametrize("by", ["fin", "eof"])
def test_parallel_calls_streamed_by_messages_cut_at_every_character(play, by):
    for at in range(len(TEXT) - 2, len(TEXT) + len(PAY[1]) + len(SING[1]) + 1):
        tools = Tools()
        agent = create_agent(
            model(play(TEXT, tool_calls=[PAY, SING], faults=[cut(at, by)])), tools.tools
        )
        turns = {}
        for message, _ in agent.stream(ASKED, stream_mode="messages"):
            turns[message.id] = turns[message.id] + message if message.id in turns else message
        first, second = [turn for turn in turns.values() if turn.type != "tool"]
        assert (first.text, second.text) == (TEXT, TEXT), at
        called = [(call["name"], call["args"]) for call in first.tool_calls]
        assert called == [(name, json.loads(args)) for name, args in (PAY, SING)], at
        assert sorted(tools.ran) == [PAID, SUNG], at


@either
def test_a_downgrade_in_the_middle_of_a_run_is_seen_in_the_messages(play, run):
    tools = Tools()
    refused = refuse(429, retry_after=600, model="gpt-4.1")
    script = play(TEXT, tool_calls=[PAY], faults=[cut(10), refused])
    state = run(create_agent(model(script), tools.tools))
    names = [m.response_metadata["model_name"] for m in state["messages"] if m.type == "ai"]
    assert names == ["gemini-2.5-flash", "gemini-2.5-flash"]  # gpt-4.1 cools down
    assert tools.ran == [PAID]


async def test_cancelling_a_run_closes_the_connection_at_once(play):
    script = play(TEXT * 20, delay=0.02)
    agent = create_agent(model(script), Tools().tools)
    task = asyncio.ensure_future(agent.ainvoke(ASKED))
    while not script.requests:  # noqa: ASYNC110 - the simulator's thread has no asyncio.Event
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    cancelled = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not script.requests[0].client_gone:
        assert time.monotonic() < cancelled + 2
        await asyncio.sleep(0.01)
    assert len(script.requests) == 1


@either
def test_a_graph_continues_from_its_checkpoint_without_running_a_tool_again(play, run):
    tools = Tools()
    # The first turn is well; the second is cut for good, until the graph is resumed.
    broken = play(TEXT, tool_calls=[PAY], faults=[slow(0.0), cut(5, "fin", **LASTING)])
    saver, config = InMemorySaver(), {"configurable": {"thread_id": "1"}}
    with pytest.raises(core.StreamInterruptedError) as caught:
        run(create_agent(model(broken, resume=False), tools.tools, checkpointer=saver), config)
    assert caught.value.partial == TEXT[:5]
    assert tools.ran == [PAID]
    well = play(TEXT, tool_calls=[PAY])
    agent = create_agent(model(well), tools.tools, checkpointer=saver)
    state = asyncio.run(agent.ainvoke(None, config)) if run is arun else agent.invoke(None, config)
    assert state["messages"][-1].text == TEXT
    assert tools.ran == [PAID]
    assert len(well.requests) == 1


# LangChain's own retries over ours ------------------------------------------------------------


def bare(llm):
    return llm


def with_retry(llm):
    return llm.with_retry(stop_after_attempt=3, wait_exponential_jitter=False)


def middleware(*wrappers):
    def wrapped(llm):
        return create_agent(llm, Tools().tools, middleware=list(wrappers))

    return wrapped


RETRIES = ModelRetryMiddleware(
    max_retries=2, initial_delay=0.01, on_failure="error", retry_on=lambda e: e.is_retryable
)


def seen_of(runnable, got):
    if hasattr(runnable, "get_graph") and hasattr(runnable, "stream_mode"):
        for message, _ in runnable.stream(ASKED, stream_mode="messages"):
            got.append(message.text)
    else:
        for chunk in runnable.stream("go"):
            got.append(chunk.text)


async def aseen_of(runnable, got):
    if hasattr(runnable, "get_graph") and hasattr(runnable, "stream_mode"):
        async for message, _ in runnable.astream(ASKED, stream_mode="messages"):
            got.append(message.text)
    else:
        async for chunk in runnable.astream("go"):
            got.append(chunk.text)


def seen_by_asyncio(runnable, got):
    asyncio.run(aseen_of(runnable, got))


in_both = pytest.mark.parametrize("seen_of", [seen_of, seen_by_asyncio], ids=["sync", "async"])

WAYS = {
    "bare": bare,
    "with_retry": with_retry,
    "retry middleware": middleware(RETRIES),
    "default retry middleware": middleware(
        ModelRetryMiddleware(initial_delay=0.01, on_failure="error")
    ),
}
WAY_OF = {way: name for name, way in WAYS.items()}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@in_both
@every_way
def test_cut_once_the_reader_sees_it_whole_and_two_requests_are_sent(play, way, seen_of):
    script, got = play(TEXT, faults=[cut(12)]), []
    seen_of(way(model(script)), got)
    assert "".join(got) == TEXT
    assert len(script.requests) == 2


@in_both
@every_way
def test_cut_for_good_nothing_is_seen_twice_and_nothing_is_multiplied(play, way, seen_of):
    if seen_of is seen_by_asyncio and "middleware" in WAY_OF[way]:
        skip_where_tasks_have_no_context()
    script, got = play(TEXT, faults=[cut(12), *[cut(30)] * 99]), []
    alone = play(TEXT, faults=[cut(12), *[cut(30)] * 99])
    with pytest.raises(core.StreamInterruptedError):
        model(alone, fallback_models=[]).invoke("go")
    with pytest.raises(core.StreamInterruptedError) as caught:
        seen_of(way(model(script, fallback_models=[])), got)
    assert TEXT.startswith("".join(got))
    assert caught.value.partial == "".join(got)
    assert len(script.requests) == len(alone.requests)


@in_both
@every_way
def test_under_a_lasting_429_the_requests_are_not_multiplied(play, way, seen_of):
    script, got = play(TEXT, faults=[refuse(429, retry_after=600, **LASTING)]), []
    with pytest.raises(ModelRateLimitError) as caught:
        seen_of(way(model(script)), got)
    assert isinstance(caught.value, core.RateLimitError)
    assert not got
    assert len(script.requests) == 2  # the model and its fallback, once each


def test_with_fallbacks_another_model_answers_when_ours_cannot_begin(play):
    limited, other = play(TEXT, faults=[refuse(429, retry_after=600, **LASTING)]), play("Other.")
    got = []
    seen_of(model(limited).with_fallbacks([model(other)]), got)
    assert "".join(got) == "Other."
    assert (len(limited.requests), len(other.requests)) == (2, 1)


def test_with_fallbacks_a_begun_answer_is_never_followed_by_another(play):
    broken, other, got = play(TEXT, faults=[cut(12, **LASTING)]), play("Other."), []
    with pytest.raises(core.StreamInterruptedError):
        seen_of(model(broken, resume=False).with_fallbacks([model(other)]), got)
    assert "".join(got) == TEXT[:12]
    assert not other.requests


def test_fallback_middleware_asks_the_other_model_once(play):
    limited, other = play(TEXT, faults=[refuse(429, retry_after=600, **LASTING)]), play("Other.")
    way = middleware(ModelFallbackMiddleware(model(other)))
    state = way(model(limited)).invoke(ASKED)
    assert state["messages"][-1].text == "Other."
    assert (len(limited.requests), len(other.requests)) == (2, 1)


# errors -----------------------------------------------------------------------------------------


class Errors(BaseCallbackHandler):
    def __init__(self):
        self.errors, self.responses = [], []

    def on_llm_error(self, error, *, response=None, **_):
        self.errors.append(error)
        self.responses.append(response)


class TestErrors:
    KINDS: ClassVar = {
        "cut": (cut(12, "fin", **LASTING), core.StreamCutError, ModelConnectionError),
        "stall": (stall(12, **LASTING), core.StreamStalledError, ModelTimeoutError),
        "429": (
            refuse(429, retry_after=600, headers={"x-request-id": "r-1"}, **LASTING),
            core.RateLimitError,
            ModelRateLimitError,
        ),
    }

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("streaming", [True, False])
    def test_an_error_has_two_parents_and_reaches_the_handler_with_its_partial(
        self, play, kind, streaming
    ):
        fault, ours, theirs = self.KINDS[kind]
        handler, llm = Errors(), model(play(TEXT, faults=[fault]), resume=False)
        config = {"callbacks": [handler]}
        with pytest.raises(ModelError) as caught:
            list(llm.stream("go", config)) if streaming else llm.invoke("go", config)
        assert isinstance(caught.value, ours)
        assert isinstance(caught.value, theirs)
        assert not caught.value.is_retryable
        [error] = handler.errors
        assert error is caught.value
        assert error.partial == ("" if kind == "429" else TEXT[:12])

    def test_a_refusal_is_traced_with_status_and_request_id(self, play):
        handler = Errors()
        fault = self.KINDS["429"][0]
        with pytest.raises(core.RateLimitError):
            model(play(TEXT, faults=[fault])).invoke("go", {"callbacks": [handler]})
        [[generation]] = handler.responses[0].generations
        metadata = generation.message.response_metadata
        assert (metadata["status_code"], metadata["request_id"]) == (429, "r-1")
        assert metadata["headers"]["x-request-id"] == "r-1"
        assert metadata["body"]["error"]["message"]
