"""JSON schemas and names as OpenAI's API takes them."""

import re

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from holysheep_core.integrations.schemas import legal_name, strictly


class Wool(BaseModel):
    colour: str = "white"


class Sheep(BaseModel):
    name: str = Field(default="x", description="default")
    properties: list[Wool] = []
    wool: Wool | None = None
    friends: "list[Sheep]" = []
    more: dict[str, str] = {}


@pytest.mark.parametrize("name", ["Page[Item]", "get weather", "양", "", "a" * 90, "ok-name_1"])
def test_a_name_is_legal(name):
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", legal_name(name))


def test_a_legal_name_is_left_alone():
    assert legal_name("get_weather-2") == "get_weather-2"


@pytest.mark.parametrize("name", ["Page[Item]", "a" * 90])
def test_names_are_told_apart(name):
    taken = set()
    for _ in range(12):
        found = legal_name(name, taken)
        assert found not in taken
        assert len(found) <= 64
        taken.add(found)


def objects(schema):
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for value in schema.values() for found in objects(value)]


@pytest.mark.parametrize("cls", [Wool, Sheep])
def test_every_object_has_all_its_properties_and_no_others(cls):
    given = cls.model_json_schema()
    before = repr(given)
    found = objects(strictly(given))
    assert len(found) >= len(objects(given))
    for each in found:
        assert each["required"] == list(each["properties"])
        assert each["additionalProperties"] is False
    assert repr(given) == before, "the given schema is not changed"


def test_it_asks_for_what_openais_client_asks_for():
    ours, theirs = strictly(Wool.model_json_schema()), to_strict_json_schema(Wool)
    assert ours == theirs
