"""A schema reaches the server as it was given, in every form that LangChain takes."""

from __future__ import annotations

import copy

import pytest
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_holysheep.schemas import response_format_of, tool_of

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
NAMED = {"name": "Sheep", "description": "One.", "schema": SCHEMA, "strict": True}


class Sheep(BaseModel):
    """A sheep."""

    name: str


class Node(BaseModel):
    """A node."""

    title: str = Field(description="Its heading.")
    children: list[Node] = []


class Tree(BaseModel):
    root: Node


class Left(BaseModel):
    right: Right | None = None


class Right(BaseModel):
    left: Left | None = None


class Farm(TypedDict):
    """A farm."""

    sheep: int


@tool
def count(flock: str) -> int:
    """Count a flock."""
    return len(flock)


@tool
def plant(tree: Node) -> str:
    """Plant a tree."""
    return tree.title


JSON_SCHEMA = {"title": "Sheep", **SCHEMA}
OPENAI_TOOL = {"type": "function", "function": {"name": "Sheep", "parameters": SCHEMA}}
EASY = {
    "class": Sheep,
    "nested": Farm,
    "schema": JSON_SCHEMA,
    "tool": OPENAI_TOOL,
    "function": count,
}


@pytest.mark.parametrize(
    ("given", "strict"),
    [
        pytest.param(given, strict, id=f"{name}-{strict}")
        for name, given in EASY.items()
        for strict in (None, True)
        if given is not OPENAI_TOOL or not strict  # a finished tool is not changed
    ],
)
def test_what_langchain_converts_rightly_is_as_langchain_has_it(given, strict):
    assert tool_of(given, strict=strict) == convert_to_openai_tool(given, strict=strict)
    inner = response_format_of(given, strict=strict)["json_schema"]
    assert inner["schema"] == convert_to_json_schema(given, strict=strict)


@pytest.mark.parametrize("given", [NAMED, {"type": "json_schema", "json_schema": NAMED}])
def test_a_named_schema_keeps_its_schema(given):
    before = copy.deepcopy(given)
    assert response_format_of(given) == {"type": "json_schema", "json_schema": NAMED}
    assert response_format_of(given, strict=True) == response_format_of(given)
    function = {"name": "Sheep", "description": "One.", "parameters": SCHEMA, "strict": True}
    assert tool_of(given) == {"type": "function", "function": function}
    assert given == before


def test_a_named_schema_without_strict_takes_the_calls():
    given = {"name": "Sheep", "schema": SCHEMA}
    assert "strict" not in response_format_of(given)["json_schema"]
    assert response_format_of(given, strict=False)["json_schema"]["strict"] is False
    assert tool_of(given, strict=True)["function"]["strict"] is True


@pytest.mark.parametrize("convert", [response_format_of, tool_of])
def test_two_words_on_strict_that_differ_are_refused(convert):
    with pytest.raises(ValueError, match="strict"):
        convert(NAMED, strict=False)


def schemas_of(given, strict=None):
    yield tool_of(given, strict=strict)["function"]["parameters"]
    yield response_format_of(given, strict=strict)["json_schema"]["schema"]


@pytest.mark.parametrize("given", [Node, Tree, Left])
@pytest.mark.parametrize("strict", [None, True])
def test_a_class_that_contains_itself_keeps_its_schema(given, strict):
    for schema in schemas_of(given, strict):
        assert schema["type"] == "object"
        assert "$ref" not in schema
        assert schema["properties"].keys() == given.model_fields.keys()
        for definition in schema["$defs"].values():
            assert definition["properties"]
            if strict:
                assert definition["additionalProperties"] is False
                assert definition["required"] == list(definition["properties"])


def test_a_node_s_children_are_nodes():
    for schema in schemas_of(Tree):
        assert schema["properties"]["root"]["$ref"] == "#/$defs/Node"
        node = schema["$defs"]["Node"]
        assert node["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
        assert node["properties"]["title"] == {"type": "string", "description": "Its heading."}


def test_the_name_and_the_description_are_the_classes_own():
    tool_ = tool_of(Node)["function"]
    assert (tool_["name"], tool_["description"]) == ("Node", "A node.")
    inner = response_format_of(Node, strict=True)["json_schema"]
    assert (inner["name"], inner["strict"]) == ("Node", True)
    assert inner["schema"]["description"] == "A node."


def test_a_tool_whose_argument_contains_itself_keeps_its_schema():
    parameters = tool_of(plant)["function"]["parameters"]
    items = parameters["$defs"]["Node"]["properties"]["children"]["items"]
    assert items == {"$ref": "#/$defs/Node"}
    assert tool_of(count) == convert_to_openai_tool(count)
