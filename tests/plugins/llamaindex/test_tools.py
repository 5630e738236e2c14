"""Tools: the request fields that offer them, and the tool calls of a response."""

import asyncio

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from holysheep_core import ConfigurationError
from llamaindex_holysheep.tools import (
    json_schema,
    only_first_call,
    selections_of,
    tool_params,
    why_no_call,
)
from support.models import GO, llamaindex

PAY = FunctionTool.from_defaults(fn=lambda amount: amount, name="pay")


@pytest.mark.parametrize(
    ("required", "choice", "sent"),
    [
        (False, None, "auto"),
        (True, None, "required"),
        (True, "none", "none"),
        (False, "pay", {"type": "function", "function": {"name": "pay"}}),
        (False, {"type": "function"}, {"type": "function"}),
        (False, "any", "required"),
        (False, True, "required"),
        (True, False, "required"),
        (False, "", "auto"),
    ],
)
def test_the_choice_is_sent_as_the_api_takes_it(required, choice, sent):
    params = tool_params([PAY], parallel=False, required=required, choice=choice)
    assert params["tool_choice"] == sent
    assert params["parallel_tool_calls"] is False
    assert [tool["function"]["name"] for tool in params["tools"]] == ["pay"]


def pay(amount: int) -> int:
    return amount


ASKING = {
    "chat_with_tools": lambda llm, tools, **more: llm.chat_with_tools(tools, "go", **more),
    "predict_and_call": lambda llm, tools, **more: llm.predict_and_call(tools, "go", **more),
    "stream": lambda llm, tools, **more: list(llm.stream_chat_with_tools(tools, "go", **more)),
    "achat_with_tools": lambda llm, tools, **more: asyncio.run(
        llm.achat_with_tools(tools, "go", **more)
    ),
    "apredict_and_call": lambda llm, tools, **more: asyncio.run(
        llm.apredict_and_call(tools, "go", **more)
    ),
}


@pytest.mark.parametrize("way", ASKING)
@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ([pay], r"A tool of type function: .*FunctionTool\.from_defaults\(pay\)"),
        ([PAY, {"type": "function"}], r"A tool of type dict: .*llm\.chat\(messages, tools=\[…\]\)"),
        ([3], "A tool of type int: "),
        ({"pay": PAY}, "tools of type dict: needs a list"),
    ],
    ids=["a function", "a dict", "a number", "a dict of tools"],
)
def test_what_is_no_tool_is_refused_with_what_to_write(play, way, tools, says):
    script = play()
    with pytest.raises(ConfigurationError, match=says):
        ASKING[way](llamaindex(script), tools)
    assert not script.requests


@pytest.mark.parametrize("choice", ["nope", {"type": "function", "function": {"name": "nope"}}])
@pytest.mark.parametrize("way", ["chat_with_tools", "stream", "achat_with_tools"])
def test_a_choice_of_a_tool_that_is_not_offered_is_refused(play, way, choice):
    script = play()
    with pytest.raises(ConfigurationError, match="'nope', which is not offered; tools are 'pay'"):
        ASKING[way](llamaindex(script), [PAY], tool_choice=choice)
    assert not script.requests


def test_a_choice_of_a_chat_is_sent_as_the_api_takes_it(play):
    script = play()
    tools = [PAY.metadata.to_openai_tool()]
    for choice in ("any", "pay", False):
        llamaindex(script).chat(GO, tools=tools, tool_choice=choice)
    sent = [request.body.get("tool_choice") for request in script.requests]
    assert sent == ["required", {"type": "function", "function": {"name": "pay"}}, None]


def test_without_tools_nothing_is_sent():
    assert tool_params([], parallel=True, required=True, choice="pay") == {}


def response(*blocks):
    message = ChatMessage(role="assistant", blocks=list(blocks))
    message.additional_kwargs["tool_calls"] = ["first", "second"]
    return ChatResponse(message=message)


def call(name, arguments):
    return ToolCallBlock(tool_call_id=name, tool_name=name, tool_kwargs=arguments)


def test_calls_are_read_with_their_arguments_as_a_dict():
    both = response(TextBlock(text="a"), call("pay", '{"amount": 1}'), call("look", {}))
    assert [(each.tool_name, each.tool_kwargs) for each in selections_of(both)] == [
        ("pay", {"amount": 1}),
        ("look", {}),
    ]


def test_only_the_first_call_is_left_and_the_text_stays():
    left = only_first_call(response(call("pay", {}), TextBlock(text="a"), call("look", {})))
    assert [type(block).__name__ for block in left.message.blocks] == ["ToolCallBlock", "TextBlock"]
    assert left.message.additional_kwargs["tool_calls"] == ["first"]


def test_a_schema_is_asked_for_by_the_models_name():
    class Sheep(BaseModel):
        legs: int

    wanted = json_schema(Sheep)
    assert (wanted["type"], wanted["json_schema"]["name"]) == ("json_schema", "Sheep")
    assert wanted["json_schema"]["schema"]["required"] == ["legs"]


class Node(BaseModel):
    name: str
    children: list["Node"] = []


def test_a_response_format_has_an_object_at_the_top_even_of_a_class_that_contains_itself():
    schema = json_schema(Node)["json_schema"]["schema"]
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize(
    ("extra", "words"),
    [({"refusal": "I cannot."}, "refused to answer: I cannot."), ({}, "with text: 'Well.'")],
)
def test_an_error_for_a_missing_call_has_the_models_words(extra, words):
    message = ChatMessage(role="assistant", content="Well.", additional_kwargs=extra)
    assert words in why_no_call(ChatResponse(message=message))
