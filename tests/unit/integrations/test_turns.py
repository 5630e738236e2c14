"""What the plugins' messages have in common."""

import pytest

from holysheep_core.families import turns
from holysheep_core.integrations.turns import (
    ORIGIN,
    TurnFields,
    call_fields,
    is_filtered,
    media_after_tools,
    part_of_thinking,
    warn_once,
)

IMAGE = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "f"}}
TEXT = {"type": "text", "text": "See:"}
USER = {"role": "user", "content": "go on"}


def tool(*parts, number=1):
    return {"role": "tool", "content": list(parts), "tool_call_id": f"c{number}"}


def test_the_names_are_those_of_the_engine():
    assert ORIGIN is turns.ORIGIN


def test_a_field_that_no_server_wants_back_is_not_added():
    fields = TurnFields()
    assert not fields.add("images", [{}])
    assert not fields.add("reasoning_content", "")
    assert fields.found == {}


def test_pieces_of_a_field_are_joined_by_their_type():
    fields = TurnFields()
    for name, value in (
        ("thinking_blocks", {"a": 1}),
        ("thinking_blocks", [{"b": 2}]),
        ("extra_content", {"a": 1}),
        ("extra_content", {"b": 2}),
        ("reasoning", "h"),
        ("reasoning", "m"),
    ):
        assert fields.add(name, value)
    assert fields.found == {
        "thinking_blocks": [{"a": 1}, {"b": 2}],
        "extra_content": {"a": 1, "b": 2},
        "reasoning": "hm",
    }


def test_a_field_of_the_whole_message_takes_the_place_of_its_pieces():
    fields = TurnFields()
    fields.add("reasoning_content", "h")
    fields.add("reasoning", "m")
    assert fields.under({"reasoning_content": "hm", "images": [1], "reasoning": ""}) == {
        "reasoning_content": "hm",
        "reasoning": "m",
    }


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        ({"signature": "s"}, {"type": "thinking", "thinking": "hm", "signature": "s"}),
        (
            {"type": "redacted_thinking", "data": "x"},
            {"type": "redacted_thinking", "data": "x"},
        ),
        ({}, None),
        ({"signature": ""}, None),
        ({"signature": 1}, None),
        ({"data": "x"}, None),
    ],
)
def test_a_thought_is_claudes_if_it_is_signed_or_hidden(extra, part):
    assert part_of_thinking("hm", extra) == part


def test_fields_of_a_call_are_those_that_servers_want_back():
    call = {"id": "c", "type": "function", "function": {}, "extra_content": {"x": 1}, "odd": 1}
    assert call_fields(call) == {"extra_content": {"x": 1}}
    assert call_fields(call, only_known=False) == {"extra_content": {"x": 1}, "odd": 1}
    assert call_fields(None) == {}


@pytest.mark.parametrize(
    ("reason", "filtered"),
    [("content_filter", True), ("SAFETY", True), ("stop", False), (None, False), (3, False)],
)
def test_a_filtered_answer_is_told_by_its_finish_reason(reason, filtered):
    assert is_filtered(reason) is filtered


@pytest.mark.parametrize(
    ("part", "kind"), [(IMAGE, "image"), (AUDIO, "audio"), (FILE, "file")], ids=["i", "a", "f"]
)
def test_media_of_a_tool_are_in_a_user_message_after_it(part, kind):
    after = media_after_tools([tool(TEXT, part), USER])
    assert after == [tool(TEXT), {"role": "user", "content": [part]}, USER]
    [alone, _] = media_after_tools([tool(part)])
    assert alone["content"] == f"See the {kind} in the next message."


def test_media_of_several_calls_name_their_call_and_come_after_the_last():
    after = media_after_tools([tool(IMAGE), tool(TEXT, number=2), tool(FILE, number=3)])
    assert [message["role"] for message in after] == ["tool", "tool", "tool", "user"]
    assert after[-1]["content"] == [
        {"type": "text", "text": "Result of the tool call c1:"},
        IMAGE,
        {"type": "text", "text": "Result of the tool call c3:"},
        FILE,
    ]


def test_messages_without_media_are_as_they_were():
    messages = [USER, tool(TEXT), {"role": "tool", "content": "42"}, USER]
    assert media_after_tools(messages) == messages
    marked = {**USER, "content": [IMAGE]}
    assert media_after_tools([marked]) == [marked]


def test_the_messages_given_are_not_changed():
    given = tool(TEXT, IMAGE)
    media_after_tools([given])
    assert given == tool(TEXT, IMAGE)


def test_a_warning_is_given_once(caplog):
    warn_once.cache_clear()
    for _ in range(3):
        warn_once("100% of it is left out.")
    assert caplog.messages == ["100% of it is left out."]
