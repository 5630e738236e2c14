"""An assistant's turn goes back whole: its text, its calls, and what a server attached to both."""

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore

from holysheep_core.integrations.turns import ORIGIN, TURN_FIELDS
from llamaindex_holysheep.assistant_turns import assistant_message

SIGNATURE = {"extra_content": {"google": {"thought_signature": "S"}}}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "s"}
HI = TextBlock(text="hi")
CALL = ToolCallBlock(tool_call_id="c1", tool_name="f", tool_kwargs='{"x": 1}')
WIRE = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


def answer(*blocks, **extra):
    return ChatMessage(role="assistant", blocks=list(blocks), additional_kwargs=extra)


def thought(content="hm", **extra):
    return ThinkingBlock(content=content, additional_information=extra)


@pytest.mark.parametrize(
    ("thoughts", "fields"),
    [
        ([thought()], {"reasoning_content": "hm"}),
        ([thought("h"), thought("m")], {"reasoning_content": "hm"}),
        ([thought(None)], {}),
        ([thought(None, **SIGNATURE)], SIGNATURE),
        (
            [thought(reasoning_details=[{"data": "x"}], unknown=1)],
            {"reasoning_content": "hm", "reasoning_details": [{"data": "x"}]},
        ),
        (
            [thought(thinking_blocks=[THINKING, {"type": "redacted_thinking", "data": "x"}])],
            {
                "reasoning_content": "hm",
                "thinking_blocks": [THINKING, {"type": "redacted_thinking", "data": "x"}],
            },
        ),
        (
            [thought(signature="s"), thought("", type="redacted_thinking", data="x")],
            {"thinking_blocks": [THINKING, {"type": "redacted_thinking", "data": "x"}]},
        ),
    ],
)
def test_thinking_blocks_are_fields_again(thoughts, fields):
    assert assistant_message(answer(*thoughts, HI)) == {
        "role": "assistant",
        "content": "hi",
        **fields,
    }


@pytest.mark.parametrize("field", TURN_FIELDS)
def test_a_field_that_a_message_has_itself_goes_back_too(field):
    assert assistant_message(answer(HI, **{field: [{"x": 1}]}))[field] == [{"x": 1}]


def test_what_came_with_a_call_goes_back_with_it():
    for message in (
        answer(CALL, tool_calls=[{**WIRE, **SIGNATURE}]),
        answer(TextBlock(text=""), tool_calls=[{**WIRE, **SIGNATURE}]),
    ):
        assert assistant_message(message)["tool_calls"] == [{**WIRE, **SIGNATURE}]


def test_calls_are_matched_by_their_ids():
    other = ToolCallBlock(tool_call_id="c2", tool_name="g", tool_kwargs="{}")
    kept = [{**WIRE, "id": "c2", **SIGNATURE}, WIRE]
    first, second = assistant_message(answer(CALL, other, tool_calls=kept))["tool_calls"]
    assert "extra_content" not in first
    assert second["extra_content"] == SIGNATURE["extra_content"]


def test_a_turn_names_the_model_that_wrote_it():
    assert assistant_message(answer(HI, holysheep_model="gpt-4.1"))[ORIGIN] == "gpt-4.1"
    assert ORIGIN not in assistant_message(answer(HI))


def test_an_answer_without_text_has_the_words_of_its_refusal():
    assert assistant_message(answer(TextBlock(text=""), refusal="No."))["content"] == "No."


TURN = answer(
    thought(thinking_blocks=[THINKING], **SIGNATURE),
    HI,
    CALL,
    tool_calls=[{**WIRE, **SIGNATURE}],
    holysheep_model="gemini-3-pro",
)


def test_what_goes_back_survives_json():
    again = ChatMessage.model_validate_json(TURN.model_dump_json())
    assert assistant_message(again) == assistant_message(TURN)


async def test_what_goes_back_survives_a_chat_store():
    store = SQLAlchemyChatStore(table_name="messages")
    await store.add_message("a", TURN)
    [again] = await store.get_messages("a")
    assert assistant_message(again) == assistant_message(TURN)
