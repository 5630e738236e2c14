"""JSON schemas in the subset that Gemini takes."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from holysheep_core.families.schemas import _FIELDS, in_subset


class Colour(Enum):
    WHITE = "white"
    BLACK = "black"


class Sheep(BaseModel):
    """A sheep."""

    model_config = {"extra": "forbid"}
    name: str = Field(min_length=1, examples=["Yang"])
    colour: Colour
    age: int | None = Field(default=None, gt=0)
    tag: int | str = 0
    kind: Literal["ewe"] = "ewe"


class Flock(BaseModel):
    sheep: list[Sheep]
    by_name: dict[str, Sheep] = {}
    parent: Flock | None = None


def names(schema):
    """Return all keywords of a schema; names of properties are none."""
    if isinstance(schema, list):
        return set().union(*map(names, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key, value in schema.items():
        inner = value.values() if key == "properties" else [value]
        if key not in ("default", "enum", "required"):
            found |= set().union(*(names(each) for each in inner)) if inner else set()
    return found


def test_a_pydantic_model_keeps_its_meaning_in_the_subset():
    found = in_subset(Flock.model_json_schema())
    assert names(found) <= _FIELDS
    sheep = found["properties"]["sheep"]["items"]["properties"]
    assert sheep["colour"]["enum"] == ["white", "black"]
    assert sheep["age"]["type"] == "integer"
    assert sheep["age"]["nullable"] is True
    assert {each["type"] for each in sheep["tag"]["anyOf"]} == {"integer", "string"}
    assert sheep["kind"]["enum"] == ["ewe"]
    assert found["required"] == ["sheep"]


def test_a_recursive_schema_ends():
    parent = in_subset(Flock.model_json_schema())["properties"]["parent"]
    assert parent["nullable"] is True
    assert parent["type"] == "object"
    shepherd = {"type": "object", "properties": {"flock": {"$ref": "#/$defs/Flock"}}}
    found = in_subset({**shepherd, "$defs": Flock.model_json_schema()["$defs"]})
    flock = found["properties"]["flock"]["properties"]
    assert flock["sheep"]["type"] == "array"
    assert flock["parent"] == {"type": "object", "nullable": True, "default": None}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"type": ["string", "integer"]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"oneOf": [{"type": "string"}]}, {"type": "string"}),
        ({"const": "a", "type": "string"}, {"enum": ["a"], "type": "string"}),
        ({"type": "string", "format": "email"}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        (
            {"allOf": [{"type": "object", "required": ["a"]}, {"required": ["b"]}]},
            {"type": "object", "required": ["a", "b"]},
        ),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "description": "One of [1, 2]."}),
        (True, {}),
    ],
)
def test_keywords_outside_the_subset_are_said_with_those_inside(schema, found):
    assert in_subset(schema) == found


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "anyOf", "oneOf", "allOf", "$ref", "$defs", "items", "enum", "format"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "allOf", "anyOf", "$defs"]), _JSON))
def test_no_schema_however_wrong_raises(schema):
    in_subset(schema)
