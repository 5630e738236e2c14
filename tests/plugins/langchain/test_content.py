"""Every block of a LangChain message is sent in the OpenAI format, or raises an error."""

import logging

import pytest
from langchain_core.messages import (
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.turns import warn_once
from langchain_holysheep.content import content_of

TEXT = {"type": "text", "text": "hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
PDF = {
    "type": "file",
    "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
}
MARKS = [
    {"cache_control": {"type": "ephemeral"}},
    {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
    {"prompt_cache_breakpoint": {"mode": "explicit"}},
]
SENT = {
    "text": (TEXT, TEXT),
    "text with a server's own key": ({**TEXT, "odd": 1}, {**TEXT, "odd": 1}),
    "image": ({"type": "image", "base64": "AA==", "mime_type": "image/png"}, IMAGE),
    "image_url": (IMAGE, IMAGE),
    "image of Anthropic's": (
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
        },
        IMAGE,
    ),
    "image of Bedrock's": (
        {"type": "image", "image": {"format": "png", "source": {"bytes": b"\0"}}},
        IMAGE,
    ),
    "audio": (
        {"type": "audio", "base64": "AA==", "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ),
    "file": (
        {"type": "file", "base64": "AA==", "mime_type": "application/pdf", "filename": "a.pdf"},
        PDF,
    ),
    "file's id": (
        {"type": "file", "file_id": "file-1"},
        {"type": "file", "file": {"file_id": "file-1"}},
    ),
    "document of Anthropic's": (
        {
            "type": "document",
            "title": "a.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
        },
        PDF,
    ),
    "text of Anthropic's": (
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
        },
        TEXT,
    ),
    "plain text": ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, TEXT),
    "plain text in base64": (
        {"type": "text-plain", "base64": "aGk=", "mime_type": "text/plain"},
        TEXT,
    ),
    "a provider's own": (
        {"type": "non_standard", "value": {"type": "odd", "x": 1}},
        {"type": "odd", "x": 1},
    ),
}
REFUSED = [
    {"type": "video", "base64": "AA==", "mime_type": "video/mp4"},
    {"type": "audio", "url": "https://x.example/a.wav"},
    {"type": "file", "url": "https://x.example/a.pdf"},
    {"type": "text-plain", "url": "https://x.example/a.txt"},
    {"type": "image", "source": {"type": "file", "file_id": "f"}},
    {"type": "tool_call", "name": "f", "args": {}, "id": "1"},
    {"type": "text"},
    {"type": "wat"},
]
OF_ASSISTANTS = [
    {"type": "reasoning", "reasoning": "hm"},
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
]
SPEAKERS = {
    "user": HumanMessage,
    "system": SystemMessage,
    "tool": lambda content: ToolMessage(content, tool_call_id="1"),
    "developer": lambda content: ChatMessage(content, role="developer"),
}
every_speaker = pytest.mark.parametrize("role", SPEAKERS)


@every_speaker
@pytest.mark.parametrize("name", SENT)
def test_a_block_is_sent_as_the_protocol_has_it(role, name):
    block, sent = SENT[name]
    assert content_of(SPEAKERS[role]([block])) == [sent]


@every_speaker
@pytest.mark.parametrize("mark", MARKS, ids=str)
@pytest.mark.parametrize("name", [each for each in SENT if each != "a provider's own"])
def test_a_mark_of_the_prompts_cache_stays_on_its_part(role, name, mark):
    block, sent = SENT[name]
    assert content_of(SPEAKERS[role]([{**block, **mark}])) == [{**sent, **mark}]
    assert content_of(SPEAKERS[role]([{**block, "extras": mark}])) == [{**sent, **mark}] or (
        name == "image_url"  # in the API's own form keys are as the user wrote them
    )


@every_speaker
def test_text_is_never_joined_and_a_string_stays_one(role):
    assert content_of(SPEAKERS[role]("hi")) == "hi"
    blocks = [{"type": "text", "text": "Well, "}, "then.", {"type": "text", "text": ""}]
    sent = [{"type": "text", "text": each} for each in ("Well, ", "then.", "")]
    assert content_of(SPEAKERS[role](blocks)) == sent


@pytest.mark.parametrize("role", [each for each in SPEAKERS if each != "tool"])
@pytest.mark.parametrize("block", REFUSED, ids=str)
def test_a_block_that_the_protocol_does_not_accept_raises_an_error(role, block):
    with pytest.raises(ConfigurationError, match=r"message has a block of type.*Send text"):
        content_of(SPEAKERS[role]([block]))


@pytest.mark.parametrize("block", REFUSED, ids=str)
def test_a_block_of_a_tool_that_cannot_be_sent_is_named_in_its_place(block, caplog):
    warn_once.cache_clear()
    for _ in range(3):
        sent = content_of(SPEAKERS["tool"]([TEXT, block]))
        assert sent == [
            TEXT,
            {"type": "text", "text": f"(Left out: a block of type {block['type']!r}.)"},
        ]
    assert len(caplog.messages) == 1


@every_speaker
@pytest.mark.parametrize("block", OF_ASSISTANTS, ids=str)
def test_what_only_an_assistant_can_have_is_left_out_with_one_warning(role, block, caplog):
    warn_once.cache_clear()
    with caplog.at_level(logging.WARNING, logger="holysheep"):
        for _ in range(3):
            assert content_of(SPEAKERS[role]([block, TEXT])) == [TEXT]
    (warning,) = caplog.messages
    assert block["type"] in warning
    assert content_of(SPEAKERS[role]([block])) == ""


@pytest.mark.parametrize("where", [{"detail": "low"}, {"extras": {"detail": "low"}}])
def test_an_images_detail_is_kept(where):
    block = {"type": "image", "url": "https://x.example/a.png", **where}
    [part] = content_of(HumanMessage([block]))
    assert part["image_url"] == {"url": "https://x.example/a.png", "detail": "low"}


def test_the_blocks_of_the_caller_are_not_changed():
    block = {"type": "text", "text": "hi", "id": "lc_1", "extras": MARKS[0]}
    message = HumanMessage([block])
    content_of(message)
    assert message.content == [{"type": "text", "text": "hi", "id": "lc_1", "extras": MARKS[0]}]
