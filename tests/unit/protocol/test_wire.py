"""JSON in, JSON out: every quirk of a real server is read, every bad request is named."""

import json

import msgspec
import pytest

from holysheep_core.errors import ConfigurationError
from holysheep_core.protocol.chunk_reader import ChunkReader
from holysheep_core.protocol.wire import (
    Chunk,
    asks_for_json,
    decode_chunk,
    encode_request,
    is_json,
    is_json_object,
)
from holysheep_core.types import ChatRequest, Usage

MESSAGES = [{"role": "user", "content": "양 한 마리"}]


def delta(**fields) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": fields}]}).encode()


def request(model="gpt-4.1", messages=MESSAGES, **params) -> ChatRequest:
    return ChatRequest(model, messages, params)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"content": "양"}, "양"),
        ({"role": None, "content": "a"}, "a"),
        ({"role": "assistant", "content": None}, ""),
        ({}, ""),
        ({"content": ""}, ""),
        ({"content": []}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"content": [{"type": "image"}, {"text": None}, {"text": "b"}]}, "b"),
        ({"content": "a", "annotations": [], "audio": {"x": 1}}, "a"),
        ({"content": [{"type": "text", "text": {"value": "a", "annotations": []}}]}, "a"),
    ],
)
def test_the_text_of_a_delta_is_read_in_every_shape_servers_send(fields, text):
    assert "".join(said for said, _ in ChunkReader().take(decode_chunk(delta(**fields)))) == text


def test_reasoning_is_read_under_both_of_its_names():
    assert decode_chunk(delta(reasoning_content="a")).choices[0].delta.reasoning_content == "a"
    assert decode_chunk(delta(reasoning="b")).choices[0].delta.reasoning == "b"


@pytest.mark.parametrize("body", [b'{"choices":[]}', b'{"choices":null}', b'{"id":"a"}', b"{}"])
def test_a_chunk_without_choices_is_no_error(body):
    assert not decode_chunk(body).choices


@pytest.mark.parametrize("choices", [b"[]", b'[{"delta":{"content":"a"}}]', b"null"])
def test_usage_is_read_with_choices_beside_it_and_without(choices):
    body = b'{"choices":%b,"usage":{"prompt_tokens":3,"completion_tokens":4}}' % choices
    assert decode_chunk(body).usage.to_usage() == Usage(3, 4)


NAMES = ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"]
NOTHING = [None, 0, -1, "", "many", [], {}, True, 0.0, "nan", "1e999", 10**12, -5.5]


@pytest.mark.parametrize(
    ("block", "usage"),
    [
        # Says nothing
        *(({name: nothing}, None) for name in NAMES for nothing in NOTHING),
        ({}, None),
        ({"total_tokens": 50}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
        # Numbers in other clothes
        ({"prompt_tokens": "3", "completion_tokens": 4.0}, Usage(3, 4)),
        ({"prompt_tokens": 3, "completion_tokens": -4}, Usage(3)),
        ({"prompt_tokens": 3, "prompt_tokens_details": []}, Usage(3)),
        ({"prompt_tokens": 3, "completion_tokens_details": "none"}, Usage(3)),
        # Other names
        ({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, Usage(3, 4)),
        ({"prompt_tokens": 0, "input_tokens": 3, "output_tokens": 4}, Usage(3, 4)),
        ({"promptTokenCount": 3, "candidatesTokenCount": 4}, Usage(3, 4)),
        # Read from a cache: OpenAI, its Responses API, DeepSeek, Moonshot, Gemini
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 5}, Usage(9, 0, 5)),
        ({"prompt_tokens": 9, "cached_tokens": 5}, Usage(9, 0, 5)),
        ({"promptTokenCount": 9, "cachedContentTokenCount": 5}, Usage(9, 0, 5)),
        ({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 5}}, Usage(9, 0, 5)),
        # Anthropic counts its cache apart; LiteLLM under prompt_tokens does not
        (
            {"input_tokens": 9, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2},
            Usage(16, 0, 5, cache_write_tokens=2),
        ),
        (
            {"prompt_tokens": 16, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2},
            Usage(16, 0, 5, cache_write_tokens=2),
        ),
        ({"prompt_tokens": 9, "cache_read_input_tokens": 50}, Usage(59, 0, 50)),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 18, "cached_tokens": 5},
            Usage(14, 4, 5),
        ),
        # Written to a cache: OpenRouter, new-api
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cache_write_tokens": 2}},
            Usage(9, cache_write_tokens=2),
        ),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_creation_tokens": 2}},
            Usage(9, cache_write_tokens=2),
        ),
        # Thoughts beside the answer: Gemini, xAI
        ({"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623}, Usage(20, 603)),
        (
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            Usage(32, 103, 0, 94),
        ),
        (
            {
                "prompt_tokens": 21,
                "completion_tokens": 0,
                "total_tokens": 81,
                "completion_tokens_details": {"reasoning_tokens": 60},
            },
            Usage(21, 60, 0, 60),
        ),
        (
            {
                "promptTokenCount": 20,
                "candidatesTokenCount": 198,
                "thoughtsTokenCount": 405,
                "totalTokenCount": 623,
            },
            Usage(20, 603, 0, 405),
        ),
        ({"completion_tokens": 9, "reasoning_tokens": 94}, Usage(0, 103, 0, 94)),
        ({"total_tokens": 9, "completion_tokens": 4}, Usage(5, 4)),
        ({"total_tokens": 3, "prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4)),
        ({"prompt_tokens": 3, "prompt_tokens_details": None}, Usage(3)),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": None}}, Usage(3)),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}, Usage(3, 0, 2)),
        (
            {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}},
            Usage(0, 9, 0, 5),
        ),
        ({"total_tokens": 7, "completion_tokens": 7, "cost": 0.1}, Usage(0, 7)),
    ],
)
def test_usage_is_read_as_servers_name_it(block, usage):
    assert decode_chunk(json.dumps({"usage": block}).encode()).usage.to_usage() == usage


def test_a_null_usage_is_none():
    assert decode_chunk(b'{"choices":[],"usage":null}').usage is None


def test_an_event_of_the_responses_api_is_recognised():
    chunk = decode_chunk(b'{"type":"response.output_text.delta","delta":"a","item_id":"x"}')
    assert (chunk.delta, chunk.is_recognised()) == ("a", True)


@pytest.mark.parametrize(
    ("body", "recognised"),
    [
        (b'{"choices":[]}', True),
        (b'{"usage":{}}', True),
        (b'{"error":"no"}', True),
        (b'{"error":null}', False),
        (b'{"type":"ping"}', False),
        (b'{"hello":"world"}', False),
    ],
)
def test_only_what_carries_the_protocol_is_recognised(body, recognised):
    assert decode_chunk(body).is_recognised() is recognised


def test_a_chunk_cut_at_every_byte_is_no_json_and_raises_nothing():
    body = delta(content="양 sheep", role=None)
    assert [decode_chunk(body[:at]) for at in range(len(body))] == [None] * len(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[DONE]",
        b"[DONE] ",
        b"12:30",
        b"ping",
        b"<html>",
        b"[]",
        b'"a"',
        b"1",
        b'{"id":NaN}',
        b'{"delta":' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_none(body):
    assert decode_chunk(body) is None


@pytest.mark.parametrize("byte", [0x00, 0x22, 0x7B, 0x80, 0xC3, 0xFF])
def test_a_chunk_damaged_at_any_byte_raises_nothing_but_a_validation_error(byte):
    body = b'{"id":"a","choices":[{"delta":{"content":"sheep"},"finish_reason":"stop"}]}'
    for at in range(len(body)):
        try:
            got = decode_chunk(body[:at] + bytes([byte]) + body[at + 1 :])
        except msgspec.ValidationError:
            continue
        assert got is None or isinstance(got, Chunk)


@pytest.mark.parametrize("body", [b'{"choices":{}}', b'{"choices":["a"]}'])
def test_json_of_another_shape_is_a_validation_error(body):
    with pytest.raises(msgspec.ValidationError):
        decode_chunk(body)


def test_a_request_asks_for_a_stream_under_the_providers_name_of_the_model():
    body = json.loads(encode_request(request(seed=7), model="own/name", stream_usage=False))
    expected = {"model": "own/name", "messages": MESSAGES, "seed": 7, "stream": True}
    assert body == expected


@pytest.mark.parametrize("given", [{}, {"stream_options": None}, {"stream_options": {"x": 1}}])
def test_usage_is_asked_for_beside_the_users_own_stream_options(given):
    body = json.loads(encode_request(request(**given), model="m", stream_usage=True))
    assert body["stream_options"] == {**(given.get("stream_options") or {}), "include_usage": True}


def test_parameters_never_turn_the_stream_off_or_replace_messages():
    asked = ChatRequest("m", MESSAGES, {"stream": False, "messages": [], "model": "x"})
    body = json.loads(encode_request(asked, model="m", stream_usage=False))
    assert (body["stream"], body["messages"], body["model"]) == (True, MESSAGES, "m")


@pytest.mark.parametrize("wrong", [object(), "\ud800", {2: "b", "a": 1}, 1j])
def test_what_cannot_be_json_is_a_configuration_error(wrong):
    with pytest.raises(ConfigurationError, match="cannot be written as JSON"):
        encode_request(request(metadata=wrong), model="m", stream_usage=False)


def test_a_circle_in_a_message_is_a_configuration_error():
    circle: dict = {"role": "user"}
    circle["content"] = circle
    with pytest.raises(ConfigurationError, match="cannot be written as JSON"):
        encode_request(request(messages=[circle]), model="m", stream_usage=False)


OBJECTS = ["{}", ' {"a": 1} ', '\n{"a": {"b": []}}\n']
VALUES = ["[]", '"a"', "1", "null", "true"]
FENCED = ["```json\n{}\n```", "```\n[1]\n```", " ```json{}``` "]
BROKEN = ["", "{", '{"a": 1', '{"a": 1,}', "{'a': 1}", "{}{}", "{} ok", "NaN", '{"a": Infinity}']
ODD = ["Sure: {}", "```json\n{\n```", "```", "``````", "```json\n{}", "\ud800", "[" * 100_000]


@pytest.mark.parametrize("text", OBJECTS)
def test_an_object_is_json_and_an_object(text):
    assert (is_json(text), is_json_object(text)) == (True, True)


@pytest.mark.parametrize("text", [*VALUES, *FENCED])
def test_another_value_or_a_fenced_one_is_json_but_no_object(text):
    assert (is_json(text), is_json_object(text)) == (True, False)


@pytest.mark.parametrize("text", [*BROKEN, *ODD])
def test_what_a_strict_parser_refuses_is_neither(text):
    assert (is_json(text), is_json_object(text)) == (False, False)


def test_json_cut_at_every_character_is_no_json():
    whole = '{"amount": 1000, "to": "서울", "tags": ["a", null]}'
    assert not any(is_json(whole[:at]) or is_json_object(whole[:at]) for at in range(len(whole)))


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({"type": "json_object"}, True),
        ({"type": "json_schema", "json_schema": {}}, True),
        ({"type": "text"}, False),
        ({}, False),
        (None, False),
        ("json_object", False),
    ],
)
def test_only_a_json_response_format_asks_for_json(wanted, asked):
    assert asks_for_json({"response_format": wanted}) is asked
    assert asks_for_json({}) is False


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        ({"code": 0, "msg": "ok"}, False),
        ({"code": 200, "message": "success", "data": {}}, False),
        ({"code": "0", "msg": ""}, False),
        ({"code": 0, "msg": "ok", "error": {"message": "no"}}, True),
        ({"code": 50501, "msg": "busy"}, True),
        ({"msg": "busy"}, True),
        ({"type": "error", "message": "busy"}, True),
        ({"type": "error"}, True),
        ({"type": "response.failed", "response": {"error": {"message": "busy"}}}, True),
        ({"type": "response.created", "response": {}}, False),
        ({"type": "message_start", "message": {"role": "assistant", "content": []}}, False),
        ({"message": {"role": "assistant", "content": "hi"}, "done": False}, False),
    ],
)
def test_an_error_is_told_from_an_acknowledgement_and_from_another_apis_answer(chunk, error):
    assert decode_chunk(msgspec.json.encode(chunk)).is_error() is error
