"""LangChain messages in the OpenAI format: roles, names, ids, and where a tool's media go."""

import json

import pytest
from langchain_core.load import dumpd, load
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.turns import warn_once
from langchain_holysheep.messages import to_wire

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
CALLS = [{"name": "f", "args": {}, "id": "c1"}, {"name": "f", "args": {}, "id": "c2"}]


def test_a_tools_name_is_left_off_only_where_an_id_tells_its_call():
    wire = to_wire(
        [
            HumanMessage("hi", name="dolly"),
            ToolMessage("42", tool_call_id="c9", name="f"),
            ToolMessage("42", tool_call_id="", name="f"),
        ]
    )
    assert wire == [
        {"role": "user", "content": "hi", "name": "dolly"},
        {"role": "tool", "content": "42", "tool_call_id": "c9"},
        {"role": "tool", "content": "42", "name": "f"},
    ]


def test_every_message_has_the_role_it_was_given():
    developer = SystemMessage("a", additional_kwargs={"__openai_role__": "developer"})
    given = [SystemMessage("a"), developer, ChatMessage("a", role="critic"), HumanMessage("a")]
    roles = [wire["role"] for wire in to_wire(given)]
    assert roles == ["system", "developer", "critic", "user"]


def test_a_message_that_is_none_raises_an_error():
    with pytest.raises(ConfigurationError, match="RemoveMessage"):
        to_wire([RemoveMessage(id="1")])


def test_the_images_of_tools_are_in_one_user_message_after_the_last_of_them(caplog):
    warn_once.cache_clear()
    wire = to_wire(
        [
            AIMessage("", tool_calls=CALLS),
            ToolMessage([{"type": "text", "text": "one"}, IMAGE], tool_call_id="c1"),
            ToolMessage([IMAGE], tool_call_id="c2"),
            HumanMessage("go on"),
        ]
    )
    assert wire[1]["content"] == [{"type": "text", "text": "one"}]
    assert wire[2]["content"] == "See the image in the next message."
    assert wire[3]["role"] == "user"
    said = [part.get("text") for part in wire[3]["content"]]
    assert said == ["Result of the tool call c1:", None, "Result of the tool call c2:", None]
    assert wire[4] == {"role": "user", "content": "go on"}
    assert len(caplog.messages) == 1


def test_a_tools_results_in_a_users_message_are_tool_messages():
    block = {"type": "tool_result", "tool_use_id": "c1", "content": [IMAGE]}
    wire = to_wire([HumanMessage([block])])
    assert [each["role"] for each in wire] == ["tool", "user"]
    assert wire[0]["tool_call_id"] == "c1"


THINKING = {"type": "thinking", "thinking": "hm", "signature": "s"}
TURNS = {
    "additional_kwargs": AIMessage(
        "hi",
        additional_kwargs={
            "reasoning_content": "hm",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "index": 0}],
            "thinking_blocks": [THINKING],
            "extra_content": {"google": {"thought_signature": "S"}},
            "tool_call_fields": {"c1": {"extra_content": {"google": {"thought_signature": "S"}}}},
        },
        tool_calls=CALLS,
        response_metadata={"model_name": "gemini-3-pro"},
    ),
    "blocks": AIMessage(
        [
            {"type": "reasoning", "reasoning": "hm", "extras": {"thinking_blocks": THINKING}},
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            {
                "type": "tool_call",
                **CALLS[0],
                "extras": {"extra_content": {"google": {"thought_signature": "S"}}},
            },
        ],
        tool_calls=CALLS,
        response_metadata={"output_version": "v1", "model": "claude-sonnet-4.5"},
    ),
}
STORES = {
    "message_to_dict": lambda message: messages_from_dict(
        json.loads(json.dumps([message_to_dict(message)]))
    )[0],
    "dumpd": lambda message: load(json.loads(json.dumps(dumpd(message))), allowed_objects="core"),
    "pydantic": lambda message: AIMessage.model_validate_json(message.model_dump_json()),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("store", STORES)
def test_what_goes_back_with_a_turn_survives_every_way_to_store_it(turn, store):
    message = TURNS[turn]
    assert to_wire([STORES[store](message)]) == to_wire([message])
