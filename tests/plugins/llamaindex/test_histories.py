"""Histories that other integrations wrote are sent in the OpenAI format."""

import json
from types import SimpleNamespace

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall
from openai.types.chat.chat_completion_message_tool_call import ChatCompletionMessageToolCall
from openai.types.responses import ResponseFunctionToolCall

from llamaindex_holysheep.histories import arguments_of, openai_call, result_id
from llamaindex_holysheep.messages import to_wire
from support.models import llamaindex
from support.openai_like import openai_like

ARGUMENTS = {"city": "서울"}
SAID = json.dumps(ARGUMENTS, ensure_ascii=False)
FUNCTION = {"name": "weather", "arguments": SAID}
EXPECTED = {"id": "c1", "type": "function", "function": FUNCTION}

CALLS = {
    "OpenAI, a dict": EXPECTED,
    "OpenAI, of a stream's dump": {"index": 0, **EXPECTED},
    "OpenAI, its class": ChatCompletionMessageToolCall(**EXPECTED),
    "OpenAI, its class for streams": ChoiceDeltaToolCall(index=0, **EXPECTED),
    "OpenAI's responses": ResponseFunctionToolCall(
        id="fc_1", call_id="c1", name="weather", arguments=SAID, type="function_call"
    ),
    "OpenAI's responses, a dict": {
        "id": "fc_1",
        "call_id": "c1",
        "type": "function_call",
        "name": "weather",
        "arguments": SAID,
    },
    "Anthropic": {"type": "tool_use", "id": "c1", "name": "weather", "input": ARGUMENTS},
    "Anthropic, an object": SimpleNamespace(
        type="tool_use", id="c1", name="weather", input=ARGUMENTS
    ),
    "Bedrock": {"toolUseId": "c1", "name": "weather", "input": ARGUMENTS},
    "Bedrock, nested": {"toolUse": {"toolUseId": "c1", "name": "weather", "input": ARGUMENTS}},
    "Gemini": {"id": "c1", "name": "weather", "args": ARGUMENTS},
    "Gemini, an object": SimpleNamespace(id="c1", name="weather", args=ARGUMENTS),
    "Ollama": {"id": "c1", "function": {"name": "weather", "arguments": ARGUMENTS}},
    "LlamaIndex's selection": {
        "tool_call_id": "c1",
        "tool_name": "weather",
        "tool_kwargs": ARGUMENTS,
    },
}
RESULTS = {
    "tool_call_id": {"tool_call_id": "c1"},
    "call_id": {"call_id": "c1"},
    "toolUseId": {"toolUseId": "c1"},
    "tool_use_id": {"tool_use_id": "c1"},
}


def read(call):
    function = {**call["function"], "arguments": json.loads(call["function"]["arguments"])}
    return {**call, "function": function}


@pytest.mark.parametrize("made_by", CALLS)
def test_a_call_is_understood(made_by):
    given = CALLS[made_by]
    before = repr(given)
    assert read(openai_call(given)) == read(EXPECTED)
    message = ChatMessage(role="assistant", additional_kwargs={"tool_calls": [given]})
    [wire] = to_wire([message])
    assert read(wire["tool_calls"][0]) == read(EXPECTED)
    assert wire["content"] is None
    assert repr(given) == before


@pytest.mark.parametrize("made_by", CALLS)
def test_a_block_beside_it_is_the_same_call(made_by):
    block = ToolCallBlock(tool_call_id="c1", tool_name="weather", tool_kwargs=ARGUMENTS)
    extra = {"tool_calls": [CALLS[made_by]]}
    [wire] = to_wire([ChatMessage(role="assistant", blocks=[block], additional_kwargs=extra)])
    assert [read(call) for call in wire["tool_calls"]] == [read(EXPECTED)]


@pytest.mark.parametrize("where", RESULTS)
def test_a_result_names_its_call(where):
    result = ChatMessage(role="tool", content="4", additional_kwargs=RESULTS[where])
    assert to_wire([result]) == [{"role": "tool", "content": "4", "tool_call_id": "c1"}]
    assert result_id(RESULTS[where]) == "c1"


@pytest.mark.parametrize("given", [{}, None, "x", 3, {"id": "c1"}, {"name": ""}, {"function": {}}])
def test_what_names_no_tool_is_no_call(given):
    assert openai_call(given) is None


@pytest.mark.parametrize(("given", "said"), [("", "{}"), ({}, "{}"), (None, "{}"), ("{", "{")])
def test_arguments_are_json_or_what_the_model_wrote(given, said):
    assert arguments_of(given) == said


def test_two_calls_without_ids_and_their_results_are_told_apart():
    calls = [{"function": {"name": "weather", "arguments": {"city": c}}} for c in "ab"]
    results = [
        ChatMessage(role="tool", content=c, additional_kwargs={"tool_call_id": "weather"})
        for c in "AB"
    ]
    asking = ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls})
    wire = to_wire([asking, *results, asking, *results])
    for turn in (wire[:3], wire[3:]):
        ids = [call["id"] for call in turn[0]["tool_calls"]]
        assert len(set(ids)) == 2
        assert [result["tool_call_id"] for result in turn[1:]] == ids
        assert [result["content"] for result in turn[1:]] == ["A", "B"]


def test_an_id_that_a_later_turn_uses_again_is_left_alone():
    call = ChatMessage(role="assistant", additional_kwargs={"tool_calls": [EXPECTED]})
    result = ChatMessage(role="tool", content="4", additional_kwargs={"tool_call_id": "c1"})
    wire = to_wire([call, result, call, result])
    assert [message.get("tool_call_id") for message in wire] == [None, "c1", None, "c1"]


async def chat(llm, messages):
    return [await llm.achat(messages)]


async def stream(llm, messages):
    return [response async for response in await llm.astream_chat(messages)]


@pytest.mark.parametrize("way", [chat, stream])
async def test_a_history_of_openai_like_goes_on_here(play, text, way):
    """What the ordinary class really returned, streamed or not, is the history of the next call."""
    calling = play("", tool_calls=[("weather", SAID)])
    messages = [ChatMessage("Weather?")]
    async with openai_like(calling) as theirs:
        *_, last = await way(theirs, messages)
    call_id = last.message.blocks[-1].tool_call_id
    result = ChatMessage(role="tool", content="4", additional_kwargs={"tool_call_id": call_id})
    script = play()
    again = llamaindex(script).chat([*messages, last.message, result])
    assert again.message.content == text
    [sent] = script.requests[0].body["messages"][1]["tool_calls"]
    assert sent.keys() == {"id", "type", "function"}
    assert json.loads(sent["function"]["arguments"]) == ARGUMENTS
    assert script.requests[0].body["messages"][2]["tool_call_id"] == call_id == sent["id"]


def test_text_beside_a_call_stays():
    message = ChatMessage(
        role="assistant",
        blocks=[TextBlock(text="I look.")],
        additional_kwargs={"tool_calls": [CALLS["Anthropic"]]},
    )
    assert to_wire([message])[0]["content"] == "I look."
