"""Message shapes on the wire: as LlamaIndex's OpenAI sends them, or otherwise for a reason."""

import json
import re
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.llms.openai.utils import to_openai_message_dict
from openai.types.chat import ChatCompletionMessageToolCall

from holysheep_core.integrations.turns import ORIGIN
from llamaindex_holysheep.messages import to_wire
from support.versions import skip_before

PAGE = Path(__file__).parents[3] / "docs/how-to/messages.md"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
URL = "https://x.example/a.png"
EPHEMERAL = {"type": "ephemeral"}
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
ARGUMENTS = {"x": "양", "y": [1, 2.5, None]}
WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SIGNED = {"extra_content": {"google": {"thought_signature": "S"}}}
MESSAGE_OF = {"a user": "user", "a system prompt": "system", "an answer": "assistant"}


def say(role, *blocks, **extra):
    return ChatMessage(role=role, blocks=list(blocks), additional_kwargs=extra)


def text(said, **more):
    return {"type": "text", "text": said, **more}


def t(said):
    return TextBlock(text=said)


def call(number=1, kwargs=ARGUMENTS):
    return ToolCallBlock(tool_call_id=f"c{number}", tool_name="f", tool_kwargs=kwargs)


def image(**more):
    return ImageBlock(url=URL, **more)


def result(*blocks, **extra):
    return say("tool", *blocks, tool_call_id="c1", **extra)


WIRE_IMAGE = {"type": "image_url", "image_url": {"url": URL}}
CITED = CitationBlock(
    cited_content=t("x"), source="s", title="t", additional_location_info={"start_index": 1}
)
SHAPES = {
    # user
    "a user's string": ChatMessage("hi"),
    "a user's empty string": ChatMessage(""),
    "a user's white space": ChatMessage(" hi\n"),
    "a user's Korean": ChatMessage("안녕 👋"),
    "a user's block": say("user", t("hi")),
    "a user's blocks": say("user", t("hi"), t("there")),
    "a user without blocks": say("user"),
    "a user's name": say("user", t("hi"), name="dolly"),
    "a user's cache point": say("user", t("hi"), POINT),
    "a user's cache point in the middle": say("user", t("hi"), POINT, t("there")),
    "a user's cache point of an hour": say(
        "user", t("hi"), CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
    ),
    "a user's cache point at the beginning": say("user", POINT, t("hi")),
    "a user's cache_control": say("user", t("hi"), cache_control=EPHEMERAL),
    "a user's breakpoint": say("user", t("hi"), prompt_cache_breakpoint={"mode": "explicit"}),
    "an image's address": say("user", t("see"), image()),
    "an image's detail": say("user", image(detail="low")),
    "an image's bytes": say("user", ImageBlock(image=PNG, image_mimetype="image/png")),
    "an image's bytes and detail": say(
        "user", t("see"), ImageBlock(image=PNG, image_mimetype="image/jpeg", detail="high")
    ),
    "two images": say("user", image(), image(), t("compare")),
    "a marked image": say("user", t("see"), image(), POINT),
    "audio": say("user", AudioBlock(audio=b"RIFF", format="wav")),
    "audio after text": say("user", t("hear"), AudioBlock(audio=b"RIFF", format="mp3")),
    "a document": say(
        "user", DocumentBlock(data=b"%PDF-1.4", title="a.pdf", document_mimetype="application/pdf")
    ),
    "a document after text": say(
        "user",
        t("read"),
        DocumentBlock(data=b"%PDF-1.4", title="a.pdf", document_mimetype="application/pdf"),
    ),
    "a document without a title": say(
        "user", DocumentBlock(data=b"%PDF-1.4", document_mimetype="application/pdf")
    ),
    "text after an image": say("user", image(), t("What is it?")),
    "thinking in a user's message": say("user", ThinkingBlock(content="hm"), t("hi")),
    # system
    "a system prompt": ChatMessage(role="system", content="Be kind."),
    "a system prompt's blocks": say("system", t("Be kind."), t("Be brief.")),
    "a system prompt's cache point": say("system", t("Be kind."), POINT),
    "a system prompt's cache_control": say("system", t("Be kind."), cache_control=EPHEMERAL),
    "a developer's prompt": ChatMessage(role="developer", content="Be kind."),
    "a function's result": say("function", t("42"), name="f"),
    # assistant
    "an answer": ChatMessage(role="assistant", content="hi"),
    "an empty answer": ChatMessage(role="assistant", content=""),
    "an answer without blocks": say("assistant"),
    "an answer's blocks": say("assistant", t("hi"), t("there")),
    "an answer's cache point": say("assistant", t("hi"), POINT),
    "an answer's name": say("assistant", t("hi"), name="shepherd"),
    "an answer of a chatbot": ChatMessage(role="chatbot", content="hi"),
    "an answer of a model": ChatMessage(role="model", content="hi"),
    "a call": say("assistant", call()),
    "a call after text": say("assistant", t("Well."), call()),
    "a call after empty text": say("assistant", t(""), call()),
    "two calls": say("assistant", call(), call(2)),
    "two calls after text": say("assistant", t("Well."), call(), call(2)),
    "a call without arguments": say("assistant", call(kwargs={})),
    "a call with a string": say("assistant", call(kwargs='{"x": "양"}')),
    "a call with half a string": say("assistant", call(kwargs='{"x": ')),
    "a call in both places": say("assistant", t("Well."), call(), tool_calls=[WIRE_CALL]),
    "a call in additional_kwargs": say("assistant", t(""), tool_calls=[WIRE_CALL]),
    "a call in additional_kwargs after text": say("assistant", t("Well."), tool_calls=[WIRE_CALL]),
    "a call's object of OpenAI's": say(
        "assistant",
        t(""),
        tool_calls=[ChatCompletionMessageToolCall.model_validate(WIRE_CALL)],
    ),
    "a call's extra content": say("assistant", call(), tool_calls=[{**WIRE_CALL, **SIGNED}]),
    "a call's extra content alone": say("assistant", t(""), tool_calls=[{**WIRE_CALL, **SIGNED}]),
    "a function call": say("assistant", t(""), function_call={"name": "f", "arguments": "{}"}),
    "thinking": say("assistant", ThinkingBlock(content="hm"), t("hi")),
    "empty thinking": say("assistant", ThinkingBlock(), t("hi")),
    "thinking before a call": say("assistant", ThinkingBlock(content="hm"), t(""), call()),
    "signed thinking": say(
        "assistant", ThinkingBlock(content="hm", additional_information={"signature": "s"}), t("hi")
    ),
    "thinking with details": say(
        "assistant",
        ThinkingBlock(content="hm", additional_information={"reasoning_details": [{"data": "x"}]}),
        t("hi"),
    ),
    "an answer's audio by id": say("assistant", t(""), reference_audio_id="audio-1"),
    "an answer's audio": say("assistant", t("hear"), AudioBlock(audio=b"RIFF", format="wav")),
    "an answer's image": say("assistant", t("Look:"), image()),
    "an answer's citation": say("assistant", t("hi"), CITED),
    "an answer's refusal": say("assistant", t(""), refusal="No."),
    "an answer from another model": say("assistant", t("hi"), holysheep_model="gpt-4.1"),
    # tool
    "a tool's result": result(t("42")),
    "a tool's empty result": result(t("")),
    "a tool's name": result(t("42"), name="f"),
    "a tool's name without an id": say("tool", t("42"), name="f"),
    "a tool's blocks": result(t("4"), t("2")),
    "a tool's cache point": result(t("42"), POINT),
    "a tool's image": result(t("See:"), image()),
    "a tool's image alone": result(image()),
    "a tool's video": result(t("See:"), VideoBlock(video=b"\0\0\0\x18ftyp")),
}
PARTS = "several text blocks stay a list of text parts"
CACHED = "a mark of the prompt's cache is kept"
BACK = "what came with an answer goes back"
NAMES = "a name is sent, but not beside a tool's id"
MEDIA = "media of a tool are in a user message after it"
ROLES = "an assistant has one role"
HI = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "hi"}
CALLS = [{**WIRE_CALL, "function": {"name": "f", "arguments": ARGUMENTS}}]
DIFFERS = {
    "a user's blocks": (PARTS, {"role": "user", "content": [text("hi"), text("there")]}),
    "a system prompt's blocks": (
        PARTS,
        {"role": "system", "content": [text("Be kind."), text("Be brief.")]},
    ),
    "an answer's blocks": (PARTS, {"role": "assistant", "content": [text("hi"), text("there")]}),
    "a tool's blocks": (
        PARTS,
        {"role": "tool", "content": [text("4"), text("2")], "tool_call_id": "c1"},
    ),
    "a user's name": (NAMES, {**HI, "name": "dolly"}),
    "an answer's name": (NAMES, {**ANSWER, "name": "shepherd"}),
    "a function's result": (NAMES, {"role": "function", "content": "42", "name": "f"}),
    "a tool's name without an id": (NAMES, {"role": "tool", "content": "42", "name": "f"}),
    "a user's cache point": (CACHED, {**HI, "content": [text("hi", cache_control=EPHEMERAL)]}),
    "a user's cache point in the middle": (
        CACHED,
        {**HI, "content": [text("hi", cache_control=EPHEMERAL), text("there")]},
    ),
    "a user's cache point of an hour": (
        CACHED,
        {**HI, "content": [text("hi", cache_control={**EPHEMERAL, "ttl": "1h"})]},
    ),
    "a user's cache point at the beginning": (
        "a cache point with nothing before it is left out",
        HI,
    ),
    "a user's cache_control": (CACHED, {**HI, "content": [text("hi", cache_control=EPHEMERAL)]}),
    "a user's breakpoint": (
        CACHED,
        {**HI, "content": [text("hi", prompt_cache_breakpoint={"mode": "explicit"})]},
    ),
    "a marked image": (
        CACHED,
        {**HI, "content": [text("see"), {**WIRE_IMAGE, "cache_control": EPHEMERAL}]},
    ),
    "a system prompt's cache point": (
        CACHED,
        {"role": "system", "content": [text("Be kind.", cache_control=EPHEMERAL)]},
    ),
    "a system prompt's cache_control": (
        CACHED,
        {"role": "system", "content": [text("Be kind.", cache_control=EPHEMERAL)]},
    ),
    "an answer's cache point": (
        CACHED,
        {**ANSWER, "content": [text("hi", cache_control=EPHEMERAL)]},
    ),
    "a tool's cache point": (
        CACHED,
        {"role": "tool", "content": [text("42", cache_control=EPHEMERAL)], "tool_call_id": "c1"},
    ),
    "a user without blocks": None,
    "thinking in a user's message": ("thinking in a user's message is left out", HI),
    "an answer of a chatbot": (ROLES, ANSWER),
    "an answer of a model": (ROLES, ANSWER),
    "a call's extra content": (
        BACK,
        {"role": "assistant", "content": None, "tool_calls": [{**CALLS[0], **SIGNED}]},
    ),
    "thinking": (BACK, {**ANSWER, "reasoning_content": "hm"}),
    "thinking before a call": (
        BACK,
        {"role": "assistant", "content": None, "tool_calls": CALLS, "reasoning_content": "hm"},
    ),
    "signed thinking": (
        BACK,
        {
            **ANSWER,
            "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
        },
    ),
    "thinking with details": (
        BACK,
        {**ANSWER, "reasoning_content": "hm", "reasoning_details": [{"data": "x"}]},
    ),
    "an answer's citation": ("citations of an answer are not sent back", ANSWER),
    "an answer's refusal": (
        "an answer without text has the words of its refusal or its audio",
        {"role": "assistant", "content": "No."},
    ),
    "a tool's image": (
        MEDIA,
        [
            {"role": "tool", "content": [text("See:")], "tool_call_id": "c1"},
            {"role": "user", "content": [WIRE_IMAGE]},
        ],
    ),
    "a tool's image alone": (
        MEDIA,
        [
            {"role": "tool", "content": "See the image in the next message.", "tool_call_id": "c1"},
            {"role": "user", "content": [WIRE_IMAGE]},
        ],
    ),
    "a tool's video": (
        "a block of a tool that cannot be sent is named in its place",
        {
            "role": "tool",
            "content": [text("See:"), text("(Left out: a block of type 'video'.)")],
            "tool_call_id": "c1",
        },
    ),
}
DIFFERS = {shape: row for shape, row in DIFFERS.items() if row}


def theirs(message):
    try:
        return [alike(to_openai_message_dict(message))]
    except ValueError as error:
        return [str(error)]


def ours(message):
    return [alike(wire) for wire in to_wire([message])]


def alike(wire):
    """Arguments are compared as values: JSON may have spaces or not. The engine removes `ORIGIN`."""
    wire = {key: value for key, value in wire.items() if key != ORIGIN}
    if "tool_calls" in wire:
        wire["tool_calls"] = [_read(each) for each in wire["tool_calls"]]
    return wire


def _read(each):
    each = each if isinstance(each, dict) else each.model_dump(exclude_none=True)
    try:
        read = json.loads(each["function"]["arguments"])
    except (ValueError, TypeError):
        return each
    return {**each, "function": {**each["function"], "arguments": read}}


def test_there_are_enough_shapes():
    assert len(SHAPES) >= 60
    assert DIFFERS.keys() <= SHAPES.keys()


@pytest.mark.parametrize("shape", [each for each in SHAPES if each not in DIFFERS])
def test_a_shape_is_sent_as_llama_indexs_openai_sends_it(shape):
    if shape.startswith("a document"):
        skip_before("llama-index-core", "0.14.18", "the given type of a document to its OpenAI")
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
