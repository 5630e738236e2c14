"""Message shapes on the wire: as ChatOpenAI sends them, or otherwise for a reason given here."""

import json
import re
from pathlib import Path

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_openai.chat_models._compat import _convert_from_v1_to_chat_completions
from langchain_openai.chat_models.base import _convert_message_to_dict

from holysheep_core.integrations.turns import ORIGIN
from langchain_holysheep.messages import to_wire

PAGE = Path(__file__).parents[3] / "docs/how-to/messages.md"
PNG = "data:image/png;base64,AA=="
MARK = {"cache_control": {"type": "ephemeral"}}
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit"}}
CALL = {"name": "f", "args": {"x": "양", "y": [1, 2.5, None]}, "id": "c1", "type": "tool_call"}
OTHER = {"name": "g", "args": {}, "id": "c2", "type": "tool_call"}
BROKEN = {"name": "g", "args": '{"y": ', "id": "c3", "error": "cut", "type": "invalid_tool_call"}
OLD = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": "양"}'}}


def text(said, **more):
    return {"type": "text", "text": said, **more}


def image(**more):
    return {"type": "image_url", "image_url": {"url": PNG, **more}}


SHAPES = {
    # user
    "a user's string": HumanMessage("hi"),
    "a user's empty string": HumanMessage(""),
    "a user's white space": HumanMessage(" hi\n"),
    "a user's name": HumanMessage("hi", name="dolly"),
    "a user's name in additional_kwargs": HumanMessage("hi", additional_kwargs={"name": "dolly"}),
    "a user's message with an id": HumanMessage("hi", id="m1"),
    "a user's text block": HumanMessage([text("hi")]),
    "a user's text blocks": HumanMessage([text("hi"), text("there")]),
    "a user's marked text block": HumanMessage([text("hi", **MARK)]),
    "a user's breakpoint": HumanMessage([text("hi", **BREAK), text("there")]),
    "a user's breakpoint in extras": HumanMessage([text("hi", extras=BREAK)]),
    "a user's mark in extras": HumanMessage([text("hi", extras=MARK)]),
    "a user's block with LangChain's id": HumanMessage([text("hi", id="lc_1")]),
    "a user's strings in a list": HumanMessage(["hi", "there"]),
    "a user's empty list": HumanMessage([]),
    "a user's image_url": HumanMessage([text("see"), image()]),
    "an image's detail": HumanMessage([image(detail="low")]),
    "a marked image_url": HumanMessage([{**image(), **MARK}]),
    "an image_url that is a string": HumanMessage([{"type": "image_url", "image_url": PNG}]),
    "an image of LangChain's form": HumanMessage(
        [{"type": "image", "base64": "AA==", "mime_type": "image/png"}]
    ),
    "an image of LangChain's older form": HumanMessage(
        [{"type": "image", "source_type": "base64", "data": "AA==", "mime_type": "image/png"}]
    ),
    "an image's address in LangChain's form": HumanMessage(
        [{"type": "image", "url": "https://x.example/a.png"}]
    ),
    "an image's breakpoint in extras": HumanMessage(
        [{"type": "image", "url": "https://x.example/a.png", "extras": BREAK}]
    ),
    "a marked image of LangChain's form": HumanMessage(
        [{"type": "image", "url": "https://x.example/a.png", **MARK}]
    ),
    "an image's detail in LangChain's form": HumanMessage(
        [{"type": "image", "url": "https://x.example/a.png", "detail": "low"}]
    ),
    "an image of Anthropic's form": HumanMessage(
        [
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
            }
        ]
    ),
    "an image's address in Anthropic's form": HumanMessage(
        [{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]
    ),
    "audio": HumanMessage(
        [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]
    ),
    "audio of LangChain's form": HumanMessage(
        [{"type": "audio", "base64": "AA==", "mime_type": "audio/wav"}]
    ),
    "a file": HumanMessage(
        [{"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}]
    ),
    "a file's id": HumanMessage([{"type": "file", "file": {"file_id": "file-1"}}]),
    "a file's id in LangChain's form": HumanMessage([{"type": "file", "file_id": "file-1"}]),
    "a file's id in LangChain's older form": HumanMessage(
        [{"type": "file", "source_type": "id", "id": "file-1"}]
    ),
    "a file of LangChain's form": HumanMessage(
        [
            {
                "type": "file",
                "base64": "AA==",
                "mime_type": "application/pdf",
                "filename": "a.pdf",
            }
        ]
    ),
    "thinking in a user's message": HumanMessage(
        [{"type": "thinking", "thinking": "hm", "signature": "s"}, text("hi")]
    ),
    "a call in a user's message": HumanMessage(
        [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}, text("hi")]
    ),
    "text after a tool's result of Anthropic's form": HumanMessage(
        [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}, text("hi")]
    ),
    # system
    "a system prompt": SystemMessage("Be kind."),
    "a developer's prompt": SystemMessage(
        "Be kind.", additional_kwargs={"__openai_role__": "developer"}
    ),
    "a system prompt's name": SystemMessage("Be kind.", name="rules"),
    "a system prompt's blocks": SystemMessage([text("Be kind."), text("Be brief.", **MARK)]),
    "a chat message": ChatMessage("hi", role="user"),
    "a chat message's role": ChatMessage("hi", role="developer"),
    "a chat message's name": ChatMessage("hi", role="user", name="dolly"),
    "an assistant's chat message": ChatMessage("hi", role="assistant"),
    "a function's result": FunctionMessage("42", name="f"),
    # assistant
    "an answer": AIMessage("hi"),
    "an empty answer": AIMessage(""),
    "an answer's name": AIMessage("hi", name="shepherd"),
    "an answer in pieces": AIMessageChunk("hi"),
    "an answer's blocks": AIMessage([text("hi"), text("there")]),
    "an answer's marked block": AIMessage([text("hi", **MARK)]),
    "an answer's strings": AIMessage(["hi", text("there")]),
    "an answer's annotations": AIMessage(
        [text("hi", annotations=[{"type": "citation", "url": "https://x.example"}])]
    ),
    "an answer with an id": AIMessage([text("hi", id="msg_1")]),
    "a call": AIMessage("", tool_calls=[CALL]),
    "a call after text": AIMessage("Well.", tool_calls=[CALL]),
    "two calls": AIMessage("", tool_calls=[CALL, OTHER]),
    "a call with invalid arguments": AIMessage("", tool_calls=[CALL], invalid_tool_calls=[BROKEN]),
    "a call in additional_kwargs": AIMessage("", additional_kwargs={"tool_calls": [OLD]}),
    "a call among blocks": AIMessage([text("Well."), CALL], tool_calls=[CALL]),
    "a call alone among blocks": AIMessage([CALL], tool_calls=[CALL]),
    "a call of Anthropic's form": AIMessage(
        [text("Well."), {"type": "tool_use", "id": "c1", "name": "f", "input": CALL["args"]}],
        tool_calls=[CALL],
    ),
    "a function call": AIMessage(
        "", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}}
    ),
    "thinking of Anthropic's form": AIMessage(
        [{"type": "thinking", "thinking": "hm", "signature": "s"}, text("hi")]
    ),
    "a hidden thought": AIMessage([{"type": "redacted_thinking", "data": "x"}, text("hi")]),
    "reasoning among blocks": AIMessage([{"type": "reasoning", "reasoning": "hm"}, text("hi")]),
    "reasoning beside the text": AIMessage("hi", additional_kwargs={"reasoning_content": "hm"}),
    "a refusal among blocks": AIMessage([{"type": "refusal", "refusal": "No."}]),
    "a refusal beside the text": AIMessage("", additional_kwargs={"refusal": "No."}),
    "audio of an answer": AIMessage(
        "", additional_kwargs={"audio": {"id": "audio-1", "transcript": "Baa."}}
    ),
    "an image of an answer": AIMessage([text("Look:"), image()]),
    "an answer from another model": AIMessage("hi", response_metadata={"model_name": "gpt-4.1"}),
    # tool
    "a tool's result": ToolMessage("42", tool_call_id="c1"),
    "a tool's name": ToolMessage("42", tool_call_id="c1", name="f"),
    "a tool's empty result": ToolMessage("", tool_call_id="c1"),
    "a tool's artifact": ToolMessage("42", tool_call_id="c1", artifact={"x": 1}),
    "a tool's failure": ToolMessage("No.", tool_call_id="c1", status="error"),
    "a tool's blocks": ToolMessage([text("4"), text("2")], tool_call_id="c1"),
    "a tool's block with an id": ToolMessage([text("42", id="lc_1")], tool_call_id="c1"),
    "a tool's breakpoint": ToolMessage([text("42", **BREAK)], tool_call_id="c1"),
    "a tool's marked block": ToolMessage([text("42", **MARK)], tool_call_id="c1"),
    "a tool's image": ToolMessage([text("See:"), image()], tool_call_id="c1"),
    "a tool's image alone": ToolMessage([image()], tool_call_id="c1"),
}
ADDRESS = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
CACHED = "a mark of the prompt's cache is kept"
KEYS = "keys of LangChain's own are left out"
WORDS = "an answer without text has the words of its refusal or its audio"
BACK = "what came with an answer goes back"
DIFFERS = {
    "a user's mark in extras": (CACHED, {"role": "user", "content": [text("hi", **MARK)]}),
    "a marked image of LangChain's form": (
        CACHED,
        {"role": "user", "content": [{**ADDRESS, **MARK}]},
    ),
    "an answer's marked block": (CACHED, {"role": "assistant", "content": [text("hi", **MARK)]}),
    "a tool's marked block": (
        CACHED,
        {"role": "tool", "content": [text("42", **MARK)], "tool_call_id": "c1"},
    ),
    "a user's block with LangChain's id": (KEYS, {"role": "user", "content": [text("hi")]}),
    "a user's strings in a list": (
        "a string in a list is a text part",
        {"role": "user", "content": [text("hi"), text("there")]},
    ),
    "an answer's strings": (
        "a string in a list is a text part",
        {"role": "assistant", "content": [text("hi"), text("there")]},
    ),
    "a user's empty list": ("an empty list is an empty string", {"role": "user", "content": ""}),
    "an image_url that is a string": (
        "an image's address is an object",
        {"role": "user", "content": [image()]},
    ),
    "an image's detail in LangChain's form": (
        "an image's detail is kept",
        {
            "role": "user",
            "content": [
                {**ADDRESS, "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
            ],
        },
    ),
    "text after a tool's result of Anthropic's form": (
        "a tool's result of Anthropic's form is a tool message",
        [
            {"role": "tool", "content": "42", "tool_call_id": "c1"},
            {"role": "user", "content": [text("hi")]},
        ],
    ),
    "thinking of Anthropic's form": (
        BACK,
        {
            "role": "assistant",
            "content": [text("hi")],
            "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
        },
    ),
    "a hidden thought": (
        BACK,
        {
            "role": "assistant",
            "content": [text("hi")],
            "thinking_blocks": [{"type": "redacted_thinking", "data": "x"}],
        },
    ),
    "reasoning among blocks": (
        BACK,
        {"role": "assistant", "content": [text("hi")], "reasoning_content": "hm"},
    ),
    "reasoning beside the text": (
        BACK,
        {"role": "assistant", "content": "hi", "reasoning_content": "hm"},
    ),
    "a refusal among blocks": (WORDS, {"role": "assistant", "content": "No."}),
    "a refusal beside the text": (WORDS, {"role": "assistant", "content": "No."}),
    "audio of an answer": (WORDS, {"role": "assistant", "content": "Baa."}),
    "an image of an answer": (
        "media of an answer are not sent back",
        {"role": "assistant", "content": [text("Look:")]},
    ),
    "a tool's image": (
        "media of a tool are in a user message after it",
        [
            {"role": "tool", "content": [text("See:")], "tool_call_id": "c1"},
            {"role": "user", "content": [image()]},
        ],
    ),
    "a tool's image alone": (
        "media of a tool are in a user message after it",
        [
            {
                "role": "tool",
                "content": "See the image in the next message.",
                "tool_call_id": "c1",
            },
            {"role": "user", "content": [image()]},
        ],
    ),
}


def theirs(message):
    given = _convert_from_v1_to_chat_completions(message) if message.type == "ai" else message
    return [alike(_convert_message_to_dict(given))]


def ours(message):
    return [alike(wire) for wire in to_wire([message])]


def alike(wire):
    """Arguments are compared as values: JSON may have spaces or not. The engine removes `ORIGIN`."""
    wire = {key: value for key, value in wire.items() if key != ORIGIN}
    if "tool_calls" in wire:
        wire["tool_calls"] = [_read(call) for call in wire["tool_calls"]]
    return wire


def _read(call):
    try:
        read = json.loads(call["function"]["arguments"])
    except ValueError:
        return call
    return {**call, "function": {**call["function"], "arguments": read}}


def test_there_are_enough_shapes():
    assert len(SHAPES) >= 60
    assert DIFFERS.keys() <= SHAPES.keys()


@pytest.mark.parametrize("shape", [each for each in SHAPES if each not in DIFFERS])
def test_a_shape_is_sent_as_chat_openai_sends_it(shape):
    assert ours(SHAPES[shape]) == theirs(SHAPES[shape])


@pytest.mark.parametrize("shape", DIFFERS)
def test_a_shape_is_sent_otherwise_for_a_reason(shape):
    expected = DIFFERS[shape][1]
    expected = expected if isinstance(expected, list) else [expected]
    assert ours(SHAPES[shape]) == [alike(wire) for wire in expected]
    assert ours(SHAPES[shape]) != theirs(SHAPES[shape]), "this row is out of date"


def test_every_reason_is_on_the_page_for_users():
    page = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8")).lower()
    assert not [reason for reason, _ in DIFFERS.values() if reason.lower() not in page]
