"""Calls from threads inside a workflow's step: whole, and their events in the workflow's stream."""

import asyncio
import json
import logging
import threading

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.async_utils import asyncio_run
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.schema import TextNode
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

from holysheep_core.simulator import cut
from llamaindex_holysheep import ResilienceEvent
from llamaindex_holysheep.step_stream import stream_of_step
from support.models import GO, llamaindex
from support.versions import since

pytestmark = [
    pytest.mark.skipif(
        not hasattr(Context, "get_step_context"), reason="workflows 2.18 tells its steps' context"
    ),
    pytest.mark.filterwarnings("error:coroutine .* was never awaited"),
]
TEXT = "열두 마리 양, counted twice."
EVENTS = [
    *("RequestSent", "FirstToken", "StreamCut", "RetryScheduled"),
    *("RequestSent", "FirstToken", "Resumed", "StreamCompleted"),
]


def complete(llm):
    return llm.complete("go").text


def read_stream(llm):
    return "".join(response.delta for response in llm.stream_chat(GO))


def query(llm):
    index = VectorStoreIndex([TextNode(text="x")], embed_model=MockEmbedding(embed_dim=2))
    return str(index.as_query_engine(llm=llm).query("go"))


def chat_engine(llm):
    return "".join(SimpleChatEngine.from_defaults(llm=llm).stream_chat("go").response_gen)


def loop_of_its_own(llm):
    return asyncio.run(llm.acomplete("go")).text


def llamaindexs_own_loop(llm):
    return asyncio_run(llm.achat(GO)).message.content


WAYS = (complete, read_stream, query, chat_engine, loop_of_its_own, llamaindexs_own_loop)
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def writers(monkeypatch):
    """Threads that wrote to a workflow's stream."""
    from workflows.plugins.basic import InternalAsyncioAdapter

    write, threads = InternalAsyncioAdapter.write_to_event_stream, set()

    async def noted(self, event):
        threads.add(threading.get_ident())
        await write(self, event)

    monkeypatch.setattr(InternalAsyncioAdapter, "write_to_event_stream", noted)
    return threads


async def told_by(handler):
    events = [event async for event in handler.stream_events()]
    told = [event.name for event in events if isinstance(event, ResilienceEvent)]
    return told, events


def unharmed(caplog, writers):
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    return not errors and writers == {threading.get_ident()}


@since("llama-index-core", "0.14.22", "the context of a step in the threads of its tools")
@every_way
async def test_a_def_tool_of_an_agent_answers_whole(play, caplog, writers, way):
    inner = llamaindex(play(TEXT, faults=[cut(7)]))
    outer = llamaindex(play("done", tool_calls=[("count", json.dumps({"what": "sheep"}))]))

    def count(what: str) -> str:
        """Count something."""
        return way(inner)

    handler = FunctionAgent(llm=outer, tools=[count]).run("Count.")
    told, events = await told_by(handler)
    [result] = [event for event in events if isinstance(event, ToolCallResult)]
    assert result.tool_output.content == TEXT
    assert not result.tool_output.is_error
    assert str(await handler) == "done"
    asking = ["RequestSent", "FirstToken", "StreamCompleted"]
    assert told == [*asking, *EVENTS, *asking]
    assert unharmed(caplog, writers)


@every_way
async def test_a_def_step_answers_whole(play, caplog, writers, way):
    llm = llamaindex(play(TEXT, faults=[cut(7)]))

    class Counting(Workflow):
        @step
        def count(self, event: StartEvent) -> StopEvent:
            return StopEvent(result=way(llm))

    handler = Counting(timeout=20).run()
    told, _ = await told_by(handler)
    assert (await handler, told) == (TEXT, EVENTS)
    assert unharmed(caplog, writers)


@pytest.mark.parametrize("way", [complete, read_stream, query, chat_engine])
async def test_a_sync_call_in_an_async_step_answers_whole(play, caplog, writers, way):
    llm = llamaindex(play(TEXT, faults=[cut(7)]))

    class Counting(Workflow):
        @step
        async def count(self, event: StartEvent) -> StopEvent:
            return StopEvent(result=way(llm))

    handler = Counting(timeout=20).run()
    told, _ = await told_by(handler)
    assert (await handler, sorted(told)) == (TEXT, sorted(EVENTS))
    assert unharmed(caplog, writers)


async def test_a_stream_made_in_a_step_and_read_in_a_bare_thread_is_whole(play, caplog, writers):
    llm = llamaindex(play(TEXT, faults=[cut(7)]))

    class Counting(Workflow):
        @step
        async def count(self, event: StartEvent) -> StopEvent:
            stream, read = llm.stream_chat(GO), []
            thread = threading.Thread(target=lambda: read.extend(each.delta for each in stream))
            thread.start()
            await asyncio.to_thread(thread.join)
            return StopEvent(result="".join(read))

    handler = Counting(timeout=20).run()
    told, _ = await told_by(handler)
    assert (await handler, told) == (TEXT, EVENTS)
    assert unharmed(caplog, writers)


def test_a_stream_that_outlives_its_workflow_and_loop_is_whole(play, caplog):
    llm, streams = llamaindex(play(TEXT, faults=[cut(7)])), []

    class Counting(Workflow):
        @step
        async def count(self, event: StartEvent) -> StopEvent:
            streams.append(llm.stream_chat(GO))
            return StopEvent(result="later")

    async def run():
        return await Counting(timeout=20).run()

    assert asyncio.run(run()) == "later"
    assert "".join(response.delta for response in streams[0]) == TEXT
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_the_loop_of_a_step_is_found_in_its_thread():
    seen = []

    class Asking(Workflow):
        @step
        def ask(self, event: StartEvent) -> StopEvent:
            seen.append(stream_of_step())
            return StopEvent(result=None)

    await Asking(timeout=20).run()
    assert callable(seen[0])
    assert stream_of_step() is None
