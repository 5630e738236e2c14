"""Engine events in LangChain's and LangGraph's callbacks and streams."""

import asyncio
import sys

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph

from holysheep_core import Timeouts
from holysheep_core.simulator import cut, refuse, slow, stall
from langchain_holysheep.callbacks import NAME
from support.models import langchain as model

CUT = ["RequestSent", "FirstToken", "StreamCut", "RetryScheduled", "RequestSent", "FirstToken"]
CUT += ["Resumed", "StreamCompleted"]
async_context = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="LangChain's context does not reach tasks before 3.11"
)


class Listener(BaseCallbackHandler):
    def __init__(self):
        self.told, self.retries = [], []

    def on_custom_event(self, name, data, **_):
        assert name == NAME
        self.told.append(data)

    def on_retry(self, retry_state, **_):
        self.retries.append(retry_state)


class AsyncListener(AsyncCallbackHandler):
    def __init__(self):
        self.told, self.retries = [], []

    async def on_custom_event(self, name, data, **_):
        await asyncio.sleep(0.001)
        self.told.append(data)

    async def on_retry(self, retry_state, **_):
        self.retries.append(retry_state)


def names(told):
    return [data["event"] for data in told]


def test_handlers_of_a_chain_get_events_in_order(play, text):
    listener = Listener()
    chain = model(play(faults=[cut(30)])) | StrOutputParser()
    assert "".join(chain.stream("go", {"callbacks": [listener]})) == text
    assert names(listener.told) == CUT
    assert {data["type"] for data in listener.told} == {NAME}
    assert all(data["message"] and data["call_id"] for data in listener.told)


def test_callbacks_of_invoke_get_events_and_retries_of_a_bare_model(play, text):
    listener = Listener()
    llm = model(play(faults=[cut(30)]))
    assert llm.invoke("go", {"callbacks": [listener]}).text == text
    assert names(listener.told) == CUT
    assert [state.attempt_number for state in listener.retries] == [1]
    assert "StreamCutError" in str(listener.retries[0].outcome.exception())


@async_context
@pytest.mark.parametrize("chained", [True, False])
async def test_async_handlers_are_awaited_and_in_order(play, text, chained):
    listener = AsyncListener()
    llm = model(play(faults=[cut(30)]))
    answer = await (llm | (lambda m: m) if chained else llm).ainvoke(
        "go", {"callbacks": [listener]}
    )
    assert answer.text == text
    assert names(listener.told) == CUT
    assert len(listener.retries) == 1


@async_context
async def test_stream_events_v2_shows_them(play, text):
    chain = RunnableLambda(lambda x: x) | model(play(faults=[cut(30)]))
    events = [event async for event in chain.astream_events("go", version="v2")]
    told = [event["data"] for event in events if event["event"] == "on_custom_event"]
    assert names(told) == CUT
    chunks = [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(chunks) == text


def test_a_bare_model_that_streams_has_on_event(play, text):
    told = []
    llm = model(play(faults=[cut(30)]), on_event=told.append)
    assert "".join(chunk.text for chunk in llm.stream("go")) == text
    assert [type(event).__name__ for event in told] == CUT


def written(parts):
    """Our events in a custom stream: each is under our name, and nothing else is beside it."""
    told = [data for mode, data in parts if mode == "custom"]
    assert {tuple(data) for data in told} <= {(NAME,)}
    return [data[NAME] for data in told]


def graph_of(llm, *, with_async=False):
    def node(state):
        return {"messages": [llm.invoke(state["messages"])]}

    async def anode(state):
        return {"messages": [await llm.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", anode if with_async else node)
    graph.add_edge(START, "model")
    return graph.compile()


ASKED = {"messages": [("user", "go")]}


def test_a_graph_writes_them_to_its_custom_stream(play, text):
    graph = graph_of(model(play(faults=[cut(30)])))
    parts = list(graph.stream(ASKED, stream_mode=["custom", "messages"]))
    assert names(written(parts)) == CUT
    assert "".join(data[0].text for mode, data in parts if mode == "messages") == text


@async_context
async def test_an_async_graph_writes_them_to_its_custom_stream(play, text):
    graph = graph_of(model(play(faults=[cut(30)])), with_async=True)
    parts = [part async for part in graph.astream(ASKED, stream_mode=["custom", "messages"])]
    assert names(written(parts)) == CUT
    assert "".join(data[0].text for mode, data in parts if mode == "messages") == text


@async_context
@pytest.mark.parametrize("with_async", [False, True])
async def test_a_custom_stream_can_be_kept_free_of_them(play, text, with_async):
    listener, told = Listener(), []
    llm = model(play(faults=[cut(30)]), events_in_stream=False, on_event=told.append)
    graph, config = graph_of(llm, with_async=with_async), {"callbacks": [listener]}
    modes = ["custom", "messages"]
    if with_async:
        parts = [part async for part in graph.astream(ASKED, config, stream_mode=modes)]
    else:
        parts = list(graph.stream(ASKED, config, stream_mode=modes))
    assert {mode for mode, _ in parts} == {"messages"}
    assert "".join(data[0].text for mode, data in parts if mode == "messages") == text
    assert names(listener.told) == [type(event).__name__ for event in told] == CUT


def test_a_front_end_that_reads_its_own_keys_finds_nothing_of_ours(play):
    from langgraph.config import get_stream_writer

    llm = model(play(faults=[cut(30)]))

    def node(state):
        get_stream_writer()({"type": "progress", "message": "half", "model": "mine"})
        return {"messages": [llm.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", node)
    graph.add_edge(START, "model")
    parts = list(graph.compile().stream(ASKED, stream_mode="custom"))
    for key in ("type", "message", "model"):
        assert len([part for part in parts if key in part]) == 1
    assert [part[NAME]["event"] for part in parts if NAME in part] == CUT


@pytest.mark.real_waits
@async_context
async def test_no_idle_timeout_fires_without_them_either(play, text):
    from langgraph.types import TimeoutPolicy

    llm = model(play(faults=[slow(5)]), timeouts=Timeouts(read=30), events_in_stream=False)

    async def node(state):
        return {"messages": [await llm.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", node, timeout=TimeoutPolicy(idle_timeout=4.0))
    graph.add_edge(START, "model")
    state = await graph.compile().ainvoke(ASKED)
    assert state["messages"][-1].text == text


@pytest.mark.slow
@pytest.mark.real_waits
@async_context
@pytest.mark.parametrize(
    "fault",
    [refuse(429, retry_after=5), slow(5), stall(20, 5), stall(20, 5, keepalive=True)],
    ids=["Retry-After", "slow first token", "silence", "comments"],
)
async def test_a_long_wait_shows_life_so_that_no_idle_timeout_fires(play, text, fault):
    from langgraph.types import TimeoutPolicy

    llm = model(play(faults=[fault]), timeouts=Timeouts(read=30))

    async def node(state):
        return {"messages": [await llm.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", node, timeout=TimeoutPolicy(idle_timeout=4.0))
    graph.add_edge(START, "model")
    parts = [p async for p in graph.compile().astream(ASKED, stream_mode=["custom", "values"])]
    assert "StillWaiting" in names(written(parts))
    assert parts[-1][1]["messages"][-1].text == text
