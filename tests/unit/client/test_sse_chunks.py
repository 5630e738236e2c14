"""Chunks of LangChain and LlamaIndex as server-sent events."""

import asyncio
import threading
from contextlib import aclosing, closing

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage

from holysheep_core import StreamingRetryHandler, asse_chunks, sse_chunks
from holysheep_core.client.sse_events import HEARTBEAT
from holysheep_core.simulator import cut, refuse, stall
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK, MODEL
from support.events import parse, text_of
from support.waiting import wait_until

TEXT = "Let me see, 양 한 마리. "
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


def langchain(script):
    llm = ChatHolySheep(model=MODEL, api_key="k", base_url=script.base_url, fallback_models=[])
    return llm.bind(tools=TOOLS)


def llamaindex(script):
    return HolySheep(model=MODEL, api_key="k", api_base=script.base_url, fallback_models=[])


def by_handler(script):
    client = StreamingRetryHandler("k", base_url=script.base_url, fallback_models=[])
    return client.stream_with_retry(MODEL, ASK)


def by_langchain(script):
    return langchain(script).stream("go")


def by_llamaindex(script):
    from llama_index.core.llms import ChatMessage

    return llamaindex(script).stream_chat([ChatMessage("go")], tools=TOOLS)


def by_completion(script):
    return llamaindex(script).stream_complete("go", tools=TOOLS)


async def aby_langchain(script):
    async for chunk in langchain(script).astream("go"):
        yield chunk


async def aby_llamaindex(script):
    from llama_index.core.llms import ChatMessage

    stream = await llamaindex(script).astream_chat([ChatMessage("go")], tools=TOOLS)
    async for chunk in stream:
        yield chunk


@pytest.mark.parametrize("stream", [by_langchain, by_llamaindex, aby_langchain, aby_llamaindex])
def test_the_chunks_of_a_framework_have_the_events_of_the_handler(play, stream):
    script = play(
        text=TEXT, reasoning="Hm. ", tool_calls=[("look", '{"at": "양"}')], faults=[cut(12)]
    )
    events = parse(sent(stream(script)))
    assert text_of(events) == TEXT
    assert "".join(data.get("reasoning", "") for _, _, data in events) == "Hm. "
    kind, _, end = events[-1]
    assert kind == "done"
    assert (end["finish_reason"], end["model"], end["resumes"]) == ("tool_calls", MODEL, 1)
    assert (end["requested_model"], end["downgrades"]) == (MODEL, [])
    assert end["usage"]["total_tokens"] > end["usage"]["output_tokens"] > 0
    [call] = end["tool_calls"]
    assert (call["name"], call["arguments"]) == ("look", '{"at": "양"}')


def sent(chunks, **settings):
    if hasattr(chunks, "__aiter__"):

        async def read():
            return [each async for each in asse_chunks(chunks, **settings)]

        return asyncio.run(read())
    return list(sse_chunks(chunks, **settings))


@pytest.mark.parametrize("stream", [by_handler, by_completion])
def test_text_alone_is_sent_too_and_has_ids_if_it_has_a_name(play, stream):
    events = parse(sent(stream(play(text=TEXT)), call_id="a"))
    assert text_of(events) == TEXT
    assert events[-1][:2] == ("done", f"a:{len(TEXT)}")


def test_a_graph_s_tools_and_people_are_not_its_answer():
    said = [
        AIMessageChunk("", tool_call_chunks=[piece("look", "{", "c1")]),
        AIMessageChunk("", tool_call_chunks=[piece(None, '"at": 1}', None)]),
        ToolMessage("a sheep", tool_call_id="c1"),
        HumanMessage("go on"),
        AIMessageChunk("It is "),
        AIMessage("a sheep", tool_calls=[{"name": "baa", "args": {"n": 1}, "id": "c2"}]),
    ]
    events = parse(sse_chunks((each, {"langgraph_node": "model"}) for each in said))
    assert text_of(events) == "It is a sheep"
    calls = events[-1][2]["tool_calls"]
    assert [(call["name"], call["arguments"]) for call in calls] == [
        ("look", '{"at": 1}'),
        ("baa", '{"n":1}'),
    ]


def piece(name, arguments, call_id):
    return {"name": name, "args": arguments, "id": call_id, "index": 0, "type": "tool_call_chunk"}


@pytest.mark.parametrize("stream", [by_langchain, aby_langchain])
def test_comments_come_while_nothing_does_and_an_error_is_an_event(play, stream):
    pieces = sent(stream(play(text=TEXT, faults=[stall(8, 0.7)])), heartbeat=0.1)
    assert pieces.count(HEARTBEAT) >= 2
    assert text_of(parse(pieces)) == TEXT
    [(kind, _, data)] = parse(sent(stream(play(faults=[refuse(400, times=None)]))))
    assert (kind, data["type"]) == ("error", "BadRequestError")


@pytest.mark.parametrize("way", ["sync", "async"])
def test_another_error_is_told_without_its_words_and_raised(way):
    def chunks():
        yield "Hi"
        raise ValueError("the password is 1234")

    async def achunks():
        for each in chunks():
            yield each

    got = []

    async def read():
        async for each in asse_chunks(achunks()):
            got.append(each)

    with pytest.raises(ValueError, match="password"):
        if way == "async":
            asyncio.run(read())
        for each in sse_chunks(chunks()):
            got.append(each)
    events = parse(got)
    assert events[0][2] == {"text": "Hi"}
    assert events[1][2] == {"type": "ValueError", "message": "The server has failed."}


def threads():
    return [each for each in threading.enumerate() if each.name == "holysheep-chunks"]


@pytest.mark.parametrize("pieces", [0, 1, 2, 5])
def test_closing_it_closes_the_chunks(play, pieces):
    script = play(text=TEXT * 100, delay=0.01)
    with closing(sse_chunks(by_langchain(script))) as body:
        for _ in range(pieces):
            next(body)
    wait_until(lambda: not threads())
    if pieces > 1:
        wait_until(lambda: script.requests[0].client_gone, 2)


@pytest.mark.parametrize("pieces", [0, 1, 2, 5])
async def test_closing_it_closes_async_chunks_at_once(play, pieces):
    script = play(text=TEXT * 100, delay=0.01, faults=[stall(12)])
    async with aclosing(asse_chunks(aby_langchain(script), heartbeat=0.05)) as body:
        for _ in range(pieces):
            await anext(body)
    assert len(asyncio.all_tasks()) == 1
    if pieces > 1:
        await asyncio.to_thread(wait_until, lambda: script.requests[0].client_gone, 2)
