"""Ids of tool calls in the shape that a family takes."""

import re

import pytest

from holysheep_core.families.table import family_of
from holysheep_core.families.tool_ids import with_valid_ids


def conversation(*ids):
    messages = [{"role": "user", "content": "Go"}]
    for call_id in ids:
        messages.append({"role": "assistant", "content": None, "tool_calls": [{"id": call_id}]})
        messages.append({"role": "tool", "tool_call_id": call_id, "content": "1"})
    return messages


def pairs(messages):
    calls = [each["tool_calls"][0]["id"] for each in messages if each.get("tool_calls")]
    results = [each["tool_call_id"] for each in messages if each["role"] == "tool"]
    return calls, results


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("mistral-large-2411", r"[a-zA-Z0-9]{9}"),
        ("claude-sonnet-4.5", r"[a-zA-Z0-9_-]+"),
        ("gpt-4.1", r".{1,40}"),
    ],
)
def test_calls_and_results_get_the_same_new_id(model, shape):
    given = conversation("call_1", "functions.count:0", "x" * 60, "", "양", "abc123XYZ")
    calls, results = pairs(with_valid_ids(given, family_of(model)))
    assert calls == results
    assert len(set(calls)) == len(calls)
    assert all(re.fullmatch(shape, each) for each in calls)
    assert calls[-1] == "abc123XYZ"  # what fits stays


def test_the_same_conversation_always_gets_the_same_ids():
    given = conversation("functions.count:0", "functions.count:1")
    family = family_of("mistral-large")
    assert with_valid_ids(given, family) == with_valid_ids(given, family)
    longer = with_valid_ids([*given, *conversation("more")[1:]], family)
    assert longer[: len(given)] == with_valid_ids(given, family)


def test_an_id_used_twice_is_made_unique_where_that_is_demanded():
    calls, results = pairs(with_valid_ids(conversation("a", "a"), family_of("claude-opus-4-6")))
    assert calls == results
    assert calls[0] == "a" != calls[1]


def test_other_families_get_the_ids_as_they_are():
    given = conversation("functions.count:0")
    assert with_valid_ids(given, family_of("gemini-3-pro")) is given
