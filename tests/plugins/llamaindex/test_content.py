"""Blocks of LlamaIndex messages as content parts: never joined, marks of the cache kept."""

from base64 import b64decode

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    VideoBlock,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.parts import note_left_out
from holysheep_core.integrations.turns import warn_once
from llamaindex_holysheep.content import content_of

POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
MARK = {"cache_control": {"type": "ephemeral"}}
HI, THERE = TextBlock(text="hi"), TextBlock(text="there")
every_role = pytest.mark.parametrize("role", ["user", "system", "assistant", "tool"])


def text(said, **more):
    return {"type": "text", "text": said, **more}


def content(role, *blocks, **extra):
    return content_of(ChatMessage(role=role, blocks=list(blocks), additional_kwargs=extra))


@every_role
def test_one_text_is_a_string_and_several_stay_several(role):
    assert content(role) == ""
    assert content(role, HI) == "hi"
    assert content(role, HI, THERE) == [text("hi"), text("there")]


@every_role
def test_a_cache_point_marks_the_block_before_it(role):
    assert content(role, HI, POINT) == [text("hi", **MARK)]
    assert content(role, HI, POINT, THERE) == [text("hi", **MARK), text("there")]
    hour = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
    assert content(role, HI, THERE, hour)[1]["cache_control"]["ttl"] == "1h"


@every_role
@pytest.mark.parametrize("name", ["cache_control", "prompt_cache_breakpoint"])
def test_a_mark_of_a_message_is_on_its_last_part(role, name):
    mark = {name: {"type": "ephemeral"}}
    assert content(role, HI, **mark) == [text("hi", **mark)]
    assert content(role, HI, THERE, **mark) == [text("hi"), text("there", **mark)]


@every_role
def test_a_block_s_own_mark_comes_before_that_of_the_message(role):
    marked = content(role, HI, POINT, cache_control={"type": "other"})
    assert marked == [text("hi", **MARK)]


def test_a_cache_point_with_nothing_before_it_is_left_out_with_one_warning(caplog):
    warn_once.cache_clear()
    for _ in range(3):
        assert content("user", POINT, HI) == "hi"
    (warning,) = caplog.messages
    assert "cache point" in warning


@pytest.mark.parametrize("role", ["user", "system", "tool"])
def test_thinking_is_an_assistants_alone(role, caplog):
    warn_once.cache_clear()
    for _ in range(3):
        assert content(role, ThinkingBlock(content="hm"), HI) == "hi"
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "made",
    [
        ImageBlock(url="https://x.example/a.png"),
        DocumentBlock(data=b"%PDF-1.4"),
        VideoBlock(url="https://x.example/a.mp4"),
    ],
    ids=lambda block: block.block_type,
)
def test_what_an_assistant_made_is_left_out_with_one_warning(made, caplog):
    note_left_out.cache_clear()
    for _ in range(3):
        assert content("assistant", HI, made) == "hi"
    (warning,) = caplog.messages
    assert made.block_type in warning


def test_an_image_in_a_system_prompt_is_refused_with_the_way_out():
    with pytest.raises(ConfigurationError, match="send it in a user message"):
        content("system", HI, ImageBlock(url="https://x.example/a.png"))


def test_a_block_of_a_tool_that_cannot_be_sent_is_named_in_its_place():
    said = content("tool", HI, VideoBlock(url="https://x.example/a.mp4"))
    assert said == [text("hi"), text("(Left out: a block of type 'video'.)")]
    with pytest.raises(ConfigurationError, match="VideoBlock"):
        content("user", HI, VideoBlock(url="https://x.example/a.mp4"))


TYPES = {
    "a text": (b"Baa.", {}, "text/plain"),
    "a text of Korean": ("양 세 마리".encode(), {}, "text/plain"),
    "a CSV by its title": (b"a,b\n1,2", {"title": "flock.csv"}, "text/csv"),
    "Markdown by its title": (b"# Sheep", {"title": "Read Me.MD"}, "text/markdown"),
    "JSON by its title": (b"{}", {"title": "a.json"}, "application/json"),
    "a PDF by its bytes": (b"%PDF-1.7 x", {}, "application/pdf"),
    "a PDF whatever its title": (b"%PDF-1.7 x", {"title": "a.txt"}, "application/pdf"),
    "a PDF after white space": (b"\n\n%PDF-1.7 x", {}, "application/pdf"),
    "bytes of no known type": (b"\xff\xfe\x00\x81", {}, "application/octet-stream"),
    "the given type": (
        b"Baa.",
        {"document_mimetype": "application/x-sheep"},
        "application/x-sheep",
    ),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_document_is_sent_with_its_real_type(name):
    data, about, kind = TYPES[name]
    block = DocumentBlock(data=data, **about)
    [part] = content("user", block)
    head, _, encoded = part["file"]["file_data"].partition(";base64,")
    assert head == f"data:{kind}"
    assert b64decode(encoded) == data
    again = DocumentBlock.model_validate_json(block.model_dump_json())
    assert content("user", again) == [part]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("flock.csv", "text/csv"),
        ("notes.md", "text/markdown"),
        ("page.html", "text/html"),
        ("sheep.txt", "text/plain"),
        ("table.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("sheep", "text/plain"),
    ],
)
def test_a_document_of_a_path_is_sent_with_its_real_type(tmp_path, file, kind):
    path = tmp_path / file
    path.write_bytes(b"Baa.")
    [part] = content("user", DocumentBlock(path=path))
    assert part["file"]["file_data"].startswith(f"data:{kind};base64,")
