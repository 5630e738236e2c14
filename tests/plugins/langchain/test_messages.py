"""Every block of a LangChain message is sent in the OpenAI format, or raises an error."""

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.parts import note_left_out
from langchain_holysheep.messages import to_wire

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SENT = {
    "text": ({"type": "text", "text": "hi"}, None),
    "image": ({"type": "image", "base64": "AA==", "mime_type": "image/png"}, IMAGE),
    "image_url": (IMAGE, IMAGE),
    "audio": (
        {"type": "audio", "base64": "AA==", "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ),
    "file": (
        {"type": "file", "base64": "AA==", "mime_type": "application/pdf", "filename": "a.pdf"},
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
        },
    ),
    "plain text": ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, None),
    "plain text in base64": (
        {"type": "text-plain", "base64": "aGk=", "mime_type": "text/plain"},
        None,
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
    {"type": "tool_call", "name": "f", "args": {}, "id": "1"},
    {"type": "reasoning", "reasoning": "hm"},
    {"type": "wat"},
]
SPEAKERS = {
    "user": HumanMessage,
    "system": SystemMessage,
    "tool": lambda content: ToolMessage(content, tool_call_id="1"),
    "developer": lambda content: ChatMessage(content, role="developer"),
}


@pytest.mark.parametrize("role", SPEAKERS)
@pytest.mark.parametrize("name", SENT)
def test_a_block_is_sent_as_the_protocol_has_it(role, name):
    block, sent = SENT[name]
    [wire] = to_wire([SPEAKERS[role]([block])])
    assert wire["role"] == role
    assert wire["content"] == ("hi" if sent is None else [sent])


@pytest.mark.parametrize("role", SPEAKERS)
@pytest.mark.parametrize("block", REFUSED, ids=lambda block: block["type"])
def test_a_block_that_the_protocol_does_not_accept_raises_an_error(role, block):
    with pytest.raises(ConfigurationError, match="message"):
        to_wire([SPEAKERS[role]([block])])


def test_an_assistants_message_goes_back_as_its_answer_and_its_calls():
    message = AIMessage(
        [
            {"type": "reasoning", "reasoning": "hm"},
            {"type": "text", "text": "Well, "},
            "then.",
            {"type": "tool_call", "name": "f", "args": {"x": "양"}, "id": "c1"},
        ],
        name="shepherd",
        tool_calls=[{"name": "f", "args": {"x": "양"}, "id": "c1"}],
        invalid_tool_calls=[{"name": "g", "args": '{"y": ', "id": "c2", "error": "cut"}],
    )
    assert to_wire([message]) == [
        {
            "role": "assistant",
            "content": "Well, then.",
            "name": "shepherd",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"x":"양"}'},
                },
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"y": '}},
            ],
        }
    ]


@pytest.mark.parametrize("kind", ["image", "audio", "video", "file"])
def test_what_an_assistant_made_is_left_out_with_one_warning(kind, caplog):
    note_left_out.cache_clear()
    made = AIMessage([{"type": "text", "text": "Look:"}, {"type": kind, "base64": "AA=="}])
    for _ in range(3):
        assert to_wire([made]) == [{"role": "assistant", "content": "Look:"}]
    (warning,) = caplog.messages
    assert kind in warning
    assert "user message" in warning


def test_an_unknown_block_of_an_assistant_is_refused_rather_than_forgotten():
    with pytest.raises(ConfigurationError, match="wat"):
        to_wire([AIMessage([{"type": "wat", "base64": "AA=="}])])


def test_names_and_tool_ids_are_kept():
    wire = to_wire([HumanMessage("hi", name="dolly"), ToolMessage("42", tool_call_id="c9")])
    assert wire[0]["name"] == "dolly"
    assert wire[1] == {"role": "tool", "content": "42", "tool_call_id": "c9"}
