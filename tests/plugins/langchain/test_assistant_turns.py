"""An assistant's turn goes back whole: its text, its calls, and what a server attached to both."""

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from holysheep_core.integrations.parts import note_left_out
from holysheep_core.integrations.turns import ORIGIN, TURN_FIELDS
from langchain_holysheep.assistant_turns import assistant_message

SIGNATURE = {"extra_content": {"google": {"thought_signature": "S"}}}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "s"}
HIDDEN = {"type": "redacted_thinking", "data": "x"}
DETAILS = [{"type": "reasoning.text", "text": "hm"}, {"type": "reasoning.encrypted", "data": "x"}]
CALL = {"name": "f", "args": {"x": "양"}, "id": "c1"}


def test_text_and_calls_go_back_as_they_came():
    message = AIMessage(
        [
            {"type": "reasoning", "reasoning": "hm"},
            {"type": "text", "text": "Well, "},
            "then.",
            {"type": "tool_call", **CALL},
        ],
        name="shepherd",
        tool_calls=[CALL],
        invalid_tool_calls=[{"name": "g", "args": '{"y": ', "id": "c2", "error": "cut"}],
    )
    broken = {"id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"y": '}}
    assert assistant_message(message) == {
        "role": "assistant",
        "content": [{"type": "text", "text": "Well, "}, {"type": "text", "text": "then."}],
        "name": "shepherd",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": '{"x":"양"}'},
            },
            broken,
        ],
        "reasoning_content": "hm",
    }


@pytest.mark.parametrize("field", TURN_FIELDS)
def test_a_field_of_the_message_goes_back_as_the_server_wrote_it(field):
    value = [{"odd": [1, {"x": None}]}]
    wire = assistant_message(AIMessage("hi", additional_kwargs={field: value}))
    assert wire == {"role": "assistant", "content": "hi", field: value}


@pytest.mark.parametrize(
    "field", ["images", "annotations", "sources", "content_parts", "audio", "refusal", "parsed"]
)
def test_what_no_server_takes_back_stays_here(field):
    wire = assistant_message(AIMessage("hi", additional_kwargs={field: {"x": 1}}))
    assert wire == {"role": "assistant", "content": "hi"}


@pytest.mark.parametrize(
    ("blocks", "fields"),
    [
        ([{"type": "reasoning", "reasoning": "hm"}], {"reasoning_content": "hm"}),
        (
            [{"type": "reasoning", "reasoning": "h"}, {"type": "reasoning", "reasoning": "m"}],
            {"reasoning_content": "hm"},
        ),
        ([{"type": "reasoning"}], {}),
        (
            [
                {"type": "reasoning", "reasoning": "", "extras": {"reasoning_details": each}}
                for each in DETAILS
            ],
            {"reasoning_details": DETAILS},
        ),
        (
            [
                {"type": "reasoning", "reasoning": "hm", "extras": {"thinking_blocks": each}}
                for each in (THINKING, HIDDEN)
            ],
            {"thinking_blocks": [THINKING, HIDDEN]},
        ),
        (
            [{"type": "reasoning", "reasoning": "", "extras": SIGNATURE}],
            SIGNATURE,
        ),
        (
            [{"type": "reasoning", "reasoning": "hm", "extras": {"unknown": 1}}],
            {"reasoning_content": "hm"},
        ),
        ([{**THINKING, "index": 0}, HIDDEN], {"thinking_blocks": [THINKING, HIDDEN]}),
        (
            [{"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}}],
            {"thinking_blocks": [THINKING]},
        ),
        ([{"type": "thinking", "thinking": "hm"}], {"reasoning_content": "hm"}),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}],
            {"reasoning_content": "hm"},
        ),
        (
            [{"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": "s"}}],
            {"thinking_blocks": [THINKING]},
        ),
    ],
)
def test_thoughts_among_the_blocks_are_fields_again(blocks, fields):
    wire = assistant_message(AIMessage([*blocks, {"type": "text", "text": "hi"}]))
    text = [{"type": "text", "text": "hi"}]
    assert wire == {"role": "assistant", "content": text, **fields}


def test_what_is_in_both_places_is_sent_once():
    blocks = [{"type": "reasoning", "reasoning": "hm", "extras": {"reasoning_details": DETAILS[0]}}]
    extra = {"reasoning_content": "hm", "reasoning_details": DETAILS}
    wire = assistant_message(AIMessage([*blocks, "hi"], additional_kwargs=extra))
    assert wire["reasoning_details"] == DETAILS
    assert wire["reasoning_content"] == "hm"


OLD = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PLACES = {
    "tool_call_fields": AIMessage(
        "", tool_calls=[CALL], additional_kwargs={"tool_call_fields": {"c1": SIGNATURE}}
    ),
    "extras of a block": AIMessage(
        [{"type": "tool_call", **CALL, "extras": SIGNATURE}], tool_calls=[CALL]
    ),
    "a block's own key": AIMessage([{"type": "tool_call", **CALL, **SIGNATURE}]),
    "another integration's": AIMessage(
        "", tool_calls=[CALL], additional_kwargs={"tool_calls": [{**OLD, **SIGNATURE}]}
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_came_with_a_call_goes_back_with_it(place):
    [call] = assistant_message(PLACES[place])["tool_calls"]
    assert call == {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": '{"x":"양"}'},
        **SIGNATURE,
    }


def test_an_invalid_call_has_its_fields_too():
    message = AIMessage(
        "",
        invalid_tool_calls=[{"name": "f", "args": None, "id": "c1", "error": None}],
        additional_kwargs={"tool_call_fields": {"c1": SIGNATURE}},
    )
    [call] = assistant_message(message)["tool_calls"]
    assert call["extra_content"] == SIGNATURE["extra_content"]
    assert call["function"] == {"name": "f", "arguments": ""}


@pytest.mark.parametrize(
    ("metadata", "model"),
    [
        ({"resilience": {"attempts": [{"model": "a"}, {"model": "b"}]}, "model_name": "c"}, "b"),
        ({"resilience": {"attempts": []}, "model_name": "c"}, "c"),
        ({"resilience": None, "model_name": "c", "model": "d"}, "c"),
        ({"model": "d"}, "d"),
        ({}, None),
    ],
)
def test_a_turn_names_the_model_that_wrote_it(metadata, model):
    wire = assistant_message(AIMessage("hi", response_metadata=metadata))
    assert wire.get(ORIGIN) == model
    assert (ORIGIN in wire) is (model is not None)


def test_what_goes_back_survives_the_merging_of_chunks():
    chunks = [
        AIMessageChunk("", additional_kwargs={"reasoning_content": "h"}),
        AIMessageChunk("", additional_kwargs={"reasoning_content": "m"}),
        AIMessageChunk("hi"),
        AIMessageChunk(
            "",
            tool_call_chunks=[
                {
                    "name": "f",
                    "args": '{"x":"양"}',
                    "id": "c1",
                    "index": 0,
                    "type": "tool_call_chunk",
                }
            ],
            additional_kwargs={"tool_call_fields": {"c1": SIGNATURE}},
        ),
        AIMessageChunk(
            "",
            additional_kwargs={"reasoning_details": DETAILS, **SIGNATURE},
            response_metadata={"model_name": "gemini-3-pro"},
            chunk_position="last",
        ),
    ]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert assistant_message(whole) == {
        "role": "assistant",
        "content": "hi",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": '{"x":"양"}'},
                **SIGNATURE,
            }
        ],
        "reasoning_content": "hm",
        "reasoning_details": DETAILS,
        **SIGNATURE,
        ORIGIN: "gemini-3-pro",
    }


@pytest.mark.parametrize("kind", ["image", "audio", "video", "file", "server_tool_call", "wat"])
def test_what_an_assistant_made_is_left_out_with_one_warning(kind, caplog):
    note_left_out.cache_clear()
    text = {"type": "text", "text": "Look:"}
    made = AIMessage([text, {"type": kind, "base64": "AA=="}])
    for _ in range(3):
        assert assistant_message(made) == {"role": "assistant", "content": [text]}
    (warning,) = caplog.messages
    assert kind in warning
    assert "user message" in warning


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", additional_kwargs={"refusal": "No."}),
        AIMessage([{"type": "refusal", "refusal": "No."}]),
        AIMessage("", additional_kwargs={"audio": {"id": "a", "transcript": "No."}}),
    ],
)
def test_an_answer_without_text_has_the_words_it_was_given_otherwise(message):
    assert assistant_message(message)["content"] == "No."
