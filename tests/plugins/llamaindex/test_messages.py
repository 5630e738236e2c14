"""Blocks of a message: each is sent, or raises an error."""

import inspect
import re

import pytest
from llama_index.core.base.llms import types as blocks
from llama_index.core.llms import ChatMessage

from holysheep_core import (
    ConfigurationError,
)
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


REFUSED = {"VideoBlock", "CachePoint", "CitableBlock", "CitationBlock"}


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
