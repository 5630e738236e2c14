"""Failures that have a place in a message, and all others."""

import json

import pytest
from langchain_core.exceptions import ModelAPIError, ModelConnectionError

from holysheep_core import InvalidJSONOutputError, InvalidToolCallError, StreamCutError
from langchain_holysheep.failures import KEEPS_INVALID_JSON, end_of_failure, result_of_failure
from support.calls import ASK, MODEL, handler
from support.models import either, langchain

KEPT = {KEEPS_INVALID_JSON: True}


def failure_of(script, **params):
    with handler(script) as client, pytest.raises(InvalidJSONOutputError) as caught:
        client.complete(MODEL, ASK, **params)
    return caught.value


@pytest.fixture
def no_json(play):
    return failure_of(play("Dolly."), response_format={"type": "json_object"})


def test_invalid_json_is_raised_unless_the_caller_wants_it(no_json):
    for given in ({}, {KEEPS_INVALID_JSON: False}):
        with pytest.raises(InvalidJSONOutputError) as caught:
            list(end_of_failure(no_json, given, with_usage=True))
        assert isinstance(caught.value, ModelAPIError)
        with pytest.raises(ModelAPIError):
            result_of_failure(no_json, given)


def test_invalid_json_is_the_answer_of_a_caller_who_wants_it(no_json):
    (chunk,) = end_of_failure(no_json, KEPT, with_usage=True)
    assert (chunk.text, chunk.message.usage_metadata["output_tokens"]) == ("", 2)
    (generation,) = result_of_failure(no_json, KEPT).generations
    assert generation.text == "Dolly."
    assert generation.message.usage_metadata == chunk.message.usage_metadata
    (chunk,) = end_of_failure(no_json, KEPT, with_usage=False)
    assert chunk.message.usage_metadata is None


def test_another_failure_is_raised_whatever_the_caller_wants():
    cause = OSError("reset")
    error = StreamCutError("cut")
    error.__cause__ = cause
    for given in ({}, KEPT):
        with pytest.raises(ModelConnectionError) as caught:
            list(end_of_failure(error, given, with_usage=True))
        assert caught.value.__cause__ is cause


@either
@pytest.mark.parametrize("arguments", ['{"n": ', '"a"', "[1]", "nonsense"])
def test_an_invalid_call_is_told_beside_the_valid_ones(play, ask, arguments):
    calls = [("count", json.dumps({"n": 1})), ("count", arguments)]
    llm = langchain(play("I count.", tool_calls=calls))
    message = ask(llm, "go")
    (invalid,) = message.invalid_tool_calls
    assert (invalid["name"], invalid["args"]) == ("count", arguments.strip())
    assert invalid["error"] == "The arguments are no JSON object."
    assert [call["args"] for call in message.tool_calls] == [{"n": 1}]
    with (
        handler(play("", tool_calls=calls)) as client,
        pytest.raises(InvalidToolCallError) as caught,
    ):
        client.complete(MODEL, ASK)
    first, last = end_of_failure(caught.value, {}, with_usage=True)
    assert [call["args"] for call in first.message.tool_calls] == [{"n": 1}]
    assert len(first.message.invalid_tool_calls) == 1
    assert last.message.chunk_position == "last"
