"""Agents, workflows and engines: text once, tools run once and whole, memory right."""

import asyncio
import json
import time

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.agent.workflow import (
    AgentStream,
    AgentWorkflow,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
)
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from pydantic import BaseModel

import holysheep_core as core
from holysheep_core import Timeouts
from holysheep_core.simulator import cut, error_event, refuse, stall
from llamaindex_holysheep import ResilienceEvent
from support.models import llamaindex

TEXT = "Let me see to that for you: 잠시만요."
PAY = ("pay", json.dumps({"amount": 1000, "to": "양치기"}, ensure_ascii=False))
SING = ("sing", json.dumps({"song": "Baa"}))
PAID, SUNG = ("pay", 1000, "양치기"), ("sing", "Baa")
LASTING = {"times": None}
TOLD_IN_STREAMS = hasattr(Context, "get_step_context")  # from workflows 2.18 on
FORMS = {"ReAct": f"Thought: I can answer.\nAnswer: {TEXT}"}


def model(script, **settings):
    return llamaindex(script, **{"timeouts": Timeouts(read=1.5), **settings})


class Tools:
    def __init__(self):
        self.ran = []

        def pay(amount: int, to: str) -> str:
            """Pay somebody."""
            self.ran.append(("pay", amount, to))
            return "paid"

        def sing(song: str) -> str:
            """Sing a song."""
            self.ran.append(("sing", song))
            return "sung"

        self.tools = [FunctionTool.from_defaults(pay), FunctionTool.from_defaults(sing)]


def function_agent(llm, tools=()):
    return FunctionAgent(llm=llm, tools=list(tools))


def workflow(llm, tools=()):
    return AgentWorkflow(agents=[FunctionAgent(name="a", llm=llm, tools=list(tools))])


def react(llm, tools=()):
    return ReActAgent(llm=llm, tools=list(tools))


def code_act(llm, tools=()):
    return CodeActAgent(llm=llm, tools=list(tools), code_execute_fn=lambda code: code)


AGENTS = {"function": function_agent, "workflow": workflow, "ReAct": react, "CodeAct": code_act}
every_agent = pytest.mark.parametrize("kind", AGENTS)


async def run(agent):
    """Return the text shown turn by turn, engine events, and the final answer."""
    handler, shown, told = agent.run("Pay the shepherd."), "", []
    async for event in handler.stream_events():
        if isinstance(event, AgentStream):
            shown += event.delta
        elif isinstance(event, ResilienceEvent):
            told.append(event.name)
    return shown, told, str(await handler)


@every_agent
@pytest.mark.parametrize("by", ["rst", "eof"])
async def test_cut_in_the_text_it_is_seen_once(play, kind, by):
    text = FORMS.get(kind, TEXT)
    for at in range(1, len(text), 4):
        shown, told, answer = await run(AGENTS[kind](model(play(text, faults=[cut(at, by)]))))
        assert shown == text, at
        assert answer == TEXT, at
        if TOLD_IN_STREAMS:
            assert told.count("StreamCut") == told.count("Resumed") == 1, at


@pytest.mark.parametrize("kind", ["function", "workflow"])
@pytest.mark.parametrize("by", ["rst", "eof"])
async def test_cut_anywhere_each_tool_runs_once_and_whole(play, kind, by):
    for at in range(1, len(TEXT) + len(PAY[1]) + len(SING[1]) + 1, 3):
        tools = Tools()
        script = play(TEXT, tool_calls=[PAY, SING], faults=[cut(at, by)])
        shown, _, answer = await run(AGENTS[kind](model(script), tools.tools))
        assert sorted(tools.ran) == [PAID, SUNG], at
        assert (shown, answer) == (TEXT + TEXT, TEXT), at
        assert len(script.requests) == 3, at


@pytest.mark.parametrize(
    "fault",
    [stall(len(TEXT) + 14), error_event(len(TEXT) + 14), cut(len(TEXT) + len(PAY[1]), "fin")],
    ids=["stalled", "error event", "between two calls"],
)
async def test_a_tool_call_that_breaks_is_never_run_in_part(play, fault):
    tools = Tools()
    script = play(TEXT, tool_calls=[PAY, SING], faults=[fault])
    await run(function_agent(model(script), tools.tools))
    assert sorted(tools.ran) == [PAID, SUNG]


@every_agent
async def test_under_a_lasting_429_each_route_is_asked_once(play, kind):
    script = play(TEXT, faults=[refuse(429, retry_after=600, **LASTING)])
    with pytest.raises(core.RateLimitError):
        await run(AGENTS[kind](model(script)))
    assert len(script.requests) == 2


@every_agent
async def test_after_a_final_failure_the_exception_has_the_partial(play, kind):
    with pytest.raises(core.StreamInterruptedError) as caught:
        await run(AGENTS[kind](model(play(TEXT, faults=[cut(12, "fin", **LASTING)]), resume=False)))
    assert caught.value.partial == TEXT[:12]


@every_agent
async def test_cancelling_a_run_closes_the_connection_at_once(play, kind):
    script = play(TEXT * 20, delay=0.02)
    handler = AGENTS[kind](model(script)).run("go")
    while not script.requests:  # noqa: ASYNC110 - the simulator's thread has no asyncio.Event
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    cancelled = time.monotonic()
    await handler.cancel_run()
    while not script.requests[0].client_gone:
        assert time.monotonic() < cancelled + 2
        await asyncio.sleep(0.01)
    assert len(script.requests) == 1


async def test_memory_is_right_after_a_resume(play):
    script = play(TEXT, faults=[cut(10), cut(5)])
    agent, memory = function_agent(model(script)), ChatMemoryBuffer.from_defaults()
    await agent.run("one", memory=memory)
    await agent.run("two", memory=memory)
    contents = [message["content"] for message in script.requests[-1].body["messages"]]
    assert contents[-3:] == ["one", TEXT, "two"]


# engines --------------------------------------------------------------------------------------


def index():
    return VectorStoreIndex(nodes=[TextNode(text="Sheep eat.")], embed_model=MockEmbedding(8))


@pytest.mark.parametrize("at", range(1, len(TEXT), 5))
async def test_a_query_engine_gives_the_answer_whole_streaming_or_not(play, at):
    def engine(**settings):
        llm = model(play(TEXT, faults=[cut(at, "eof")]))
        return index().as_query_engine(llm=llm, **settings)

    assert str(engine().query("?")) == TEXT
    assert str(await engine().aquery("?")) == TEXT
    assert "".join(engine(streaming=True).query("?").response_gen) == TEXT
    streaming = await engine(streaming=True, use_async=True).aquery("?")
    assert "".join([token async for token in streaming.async_response_gen()]) == TEXT


@pytest.mark.parametrize("mode", ["simple", "context", "condense_plus_context"])
async def test_a_chat_engine_streams_once_and_remembers_the_whole(play, mode):
    def engine():
        llm = model(play(TEXT, faults=[cut(10, "eof")]))
        if mode == "simple":
            return SimpleChatEngine.from_defaults(llm=llm)
        return index().as_chat_engine(mode, llm=llm)

    talk = engine()
    assert "".join(talk.stream_chat("?").response_gen) == TEXT
    assert [message.content for message in talk.chat_history] == ["?", TEXT]
    talk = engine()
    assert str(talk.chat("?")) == TEXT
    talk = engine()
    streaming = await talk.astream_chat("?")
    assert "".join([token async for token in streaming.async_response_gen()]) == TEXT
    assert [message.content for message in talk.chat_history] == ["?", TEXT]


# structured output ----------------------------------------------------------------------------


class Pay(BaseModel):
    """A payment."""

    amount: int
    to: str


ASK = PromptTemplate("Pay 1000 to 'Baa'.")


def grown(objects):
    """Return the last of the objects, of which none shows half a number."""
    assert {each.amount for each in objects if hasattr(each, "amount")} <= {None, 1000}
    return objects[-1]


async def structured(llm, form):
    if form == "predict":
        return llm.structured_predict(Pay, ASK)
    if form == "apredict":
        return await llm.astructured_predict(Pay, ASK)
    if form == "stream":
        return grown(list(llm.stream_structured_predict(Pay, ASK)))
    if form == "astream":
        return grown([p async for p in await llm.astream_structured_predict(Pay, ASK)])
    if form == "as_structured_llm":
        return llm.as_structured_llm(Pay).complete("Pay 1000 to 'Baa'.").raw
    response = await llm.as_structured_llm(Pay).achat([ChatMessage("Pay 1000 to 'Baa'.")])
    return response.raw


@pytest.mark.parametrize(
    "form", ["predict", "apredict", "stream", "astream", "as_structured_llm", "achat"]
)
async def test_structured_output_is_whole_cut_at_every_third_character(play, form):
    arguments = json.dumps({"amount": 1000, "to": "Baa"})
    as_text = form in ("stream", "astream")  # else as a tool call
    for at in range(1, len(arguments), 3):
        calls = [] if as_text else [("Pay", arguments)]
        script = play(arguments if as_text else "", tool_calls=calls, faults=[cut(at, "eof")])
        assert await structured(model(script), form) == Pay(amount=1000, to="Baa"), at


@pytest.mark.parametrize("wanted", [Pay, {"type": "json_object"}], ids=["a model", "a dict"])
async def test_response_format_is_sent_and_the_json_is_whole(play, wanted):
    answer = json.dumps({"amount": 1000, "to": "Baa"})
    for at in range(1, len(answer), 3):
        script = play(answer, faults=[cut(at, "eof")])
        llm = model(script)
        assert Pay.model_validate_json(llm.complete("go", response_format=wanted).text), at
        sent = script.requests[0].body["response_format"]
        assert sent["type"] == ("json_schema" if wanted is Pay else "json_object")
        if wanted is Pay:
            assert set(sent["json_schema"]["schema"]["properties"]) == {"amount", "to"}
        script = play(answer, faults=[cut(at, "eof")])
        stream = await model(script).astream_complete("go", response_format=wanted)
        text = "".join([response.delta async for response in stream])
        assert json.loads(text) == json.loads(answer), at


@pytest.mark.parametrize("at", [3, 8, 15, 20, 30])
async def test_cut_while_reasoning_the_reasoning_is_shown_once(play, at):
    thought, llm = (
        "Hm, a thousand?",
        model(play(TEXT, reasoning="Hm, a thousand?", faults=[cut(at)])),
    )
    responses = [r async for r in await llm.astream_chat([ChatMessage("go")])]
    deltas = [r.additional_kwargs.get("thinking_delta", "") for r in responses]
    assert "".join(deltas) == thought
    thinking, text = responses[-1].message.blocks
    assert (thinking.content, text.text) == (thought, TEXT)


async def test_predict_and_call_runs_the_tool_once(play):
    for at in range(1, len(PAY[1]), 3):
        tools = Tools()
        script = play("", tool_calls=[PAY], faults=[cut(at, "eof")])
        assert model(script).predict_and_call(tools.tools, "pay").response == "paid"
        script = play("", tool_calls=[PAY], faults=[cut(at, "eof")])
        answer = await model(script).apredict_and_call(tools.tools, "pay")
        assert answer.response == "paid"
        assert tools.ran == [PAID, PAID], at


def test_tool_choice_and_required_reach_the_server(play):
    tools = Tools().tools
    for given, sent in [
        ({"tool_required": True}, "required"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": "pay"}, {"type": "function", "function": {"name": "pay"}}),
        ({}, "auto"),
    ]:
        script = play(TEXT)
        model(script).chat_with_tools(tools, "go", **given)
        assert script.requests[0].body["tool_choice"] == sent
