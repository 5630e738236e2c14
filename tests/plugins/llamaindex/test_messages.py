"""LlamaIndex messages in the OpenAI format; each block is sent, or raises an error."""

import asyncio
import inspect
import re

import pytest
from llama_index.core.base.llms import types as blocks
from llama_index.core.llms import ChatMessage

from holysheep_core import (
    ConfigurationError,
)
from holysheep_core.integrations.turns import warn_once
from llamaindex_holysheep.messages import to_wire
from support.models import GO
from support.models import llamaindex as model

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


BLOCKS = {
    "TextBlock": lambda: blocks.TextBlock(text="hi"),
    "ImageBlock": lambda: blocks.ImageBlock(image=PNG, image_mimetype="image/png"),
    "AudioBlock": lambda: blocks.AudioBlock(audio=b"RIFF", format="wav"),
    "VideoBlock": lambda: blocks.VideoBlock(video=b"\0\0\0\x18ftyp", video_mimetype="video/mp4"),
    "DocumentBlock": lambda: blocks.DocumentBlock(
        data=b"%PDF-1.4", title="a.pdf", document_mimetype="application/pdf"
    ),
    "CachePoint": lambda: blocks.CachePoint(cache_control=blocks.CacheControl(type="ephemeral")),
    "CitableBlock": lambda: blocks.CitableBlock(title="t", source="s", content=[]),
    "CitationBlock": lambda: blocks.CitationBlock(
        cited_content=blocks.TextBlock(text="x"), source="s", title="t", additional_location_info={}
    ),
    "ThinkingBlock": lambda: blocks.ThinkingBlock(content="hm"),
    "ToolCallBlock": lambda: blocks.ToolCallBlock(tool_name="f", tool_kwargs={}, tool_call_id="1"),
}


REFUSED = {"VideoBlock", "CitableBlock", "CitationBlock"}


def test_every_block_llama_index_has_is_known_here():
    union = str(inspect.get_annotations(blocks.ChatMessage)["blocks"]) + str(blocks.ContentBlock)
    named = set(re.findall(r"types\.(\w+)", union))
    assert {"TextBlock", "ToolCallBlock"} <= named <= set(BLOCKS)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_sent_or_raises_an_error(play, name):
    if not hasattr(blocks, name):
        pytest.skip(f"this llama-index-core has no {name}")
    script = play()
    role = "assistant" if name == "ToolCallBlock" else "user"
    message = ChatMessage(role=role, blocks=[blocks.TextBlock(text="see"), BLOCKS[name]()])
    if name in REFUSED:
        with pytest.raises(ConfigurationError, match=name):
            model(script).chat([message])
        assert not script.requests
    else:
        model(script).chat([message, *GO])
        assert script.requests[0].body["messages"][0]["role"] == role


def message(role, *content, **extra):
    return ChatMessage(role=role, blocks=list(content), additional_kwargs=extra)


def test_a_tools_name_is_left_off_only_where_an_id_tells_its_call():
    text = blocks.TextBlock(text="42")
    wire = to_wire(
        [
            message("user", text, name="dolly"),
            message("tool", text, tool_call_id="c9", name="f"),
            message("tool", text, name="f"),
        ]
    )
    assert wire == [
        {"role": "user", "content": "42", "name": "dolly"},
        {"role": "tool", "content": "42", "tool_call_id": "c9"},
        {"role": "tool", "content": "42", "name": "f"},
    ]


def test_the_images_of_tools_are_in_one_user_message_after_the_last_of_them(caplog):
    warn_once.cache_clear()
    text, image = blocks.TextBlock(text="one"), BLOCKS["ImageBlock"]()
    wire = to_wire(
        [
            message("assistant", text),
            message("tool", text, image, tool_call_id="c1"),
            message("tool", image, tool_call_id="c2"),
            message("user", text),
        ]
    )
    assert [each["role"] for each in wire] == ["assistant", "tool", "tool", "user", "user"]
    assert wire[2]["content"] == "See the image in the next message."
    said = [part.get("text") for part in wire[3]["content"]]
    assert said == ["Result of the tool call c1:", None, "Result of the tool call c2:", None]
    assert len(caplog.messages) == 1


async def drained(stream):
    return [each async for each in await stream]


CHATS = {
    "chat": lambda llm, messages: llm.chat(messages),
    "stream_chat": lambda llm, messages: list(llm.stream_chat(messages)),
    "start_chat": lambda llm, messages: llm.start_chat(messages),
    "achat": lambda llm, messages: asyncio.run(llm.achat(messages)),
    "astream_chat": lambda llm, messages: asyncio.run(drained(llm.astream_chat(messages))),
    "astart_chat": lambda llm, messages: asyncio.run(llm.astart_chat(messages)),
}


@pytest.mark.parametrize("way", CHATS)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            [{"role": "user", "content": "go"}],
            r"message of type dict: .*ChatMessage\(\*\*message\)",
        ),
        ([*GO, "go"], r"message of type str: .*ChatMessage\(role='user', content='…'\)"),
        ("go", "messages of type str: needs a list"),
        (GO[0], "messages of type ChatMessage: needs a list"),
        ([], "messages is empty"),
    ],
    ids=["dicts", "a string among them", "a string", "one message", "none"],
)
def test_what_is_no_message_is_refused_with_what_to_write(play, tmp_path, way, given, says):
    script = play()
    llm = model(script, journal=f"sqlite:///{tmp_path}/answers.db")
    with pytest.raises(ConfigurationError, match=says):
        CHATS[way](llm, given)
    assert not script.requests


@pytest.mark.parametrize("kind", ["complete", "stream_complete"])
def test_a_prompt_that_is_no_text_is_refused(play, kind):
    script = play()
    with pytest.raises(ConfigurationError, match="prompt of type int: needs a string"):
        list(getattr(model(script), kind)(3))
    assert not script.requests


@pytest.mark.parametrize("kind", ["ImageBlock", "AudioBlock", "DocumentBlock"])
def test_media_without_a_source_are_refused_with_what_to_give(play, kind):
    script = play()
    message = ChatMessage(role="user", blocks=[getattr(blocks, kind)()])
    with pytest.raises(ConfigurationError, match=f"{kind} without a source: needs url=…, path=…"):
        model(script).chat([message])
    assert not script.requests
    [sent] = to_wire([ChatMessage(role="tool", blocks=message.blocks)])
    assert "Left out" in str(sent["content"])
