"""Fields of another type than the protocol says: as good as absent."""

import json

import pytest

from holysheep_core.protocol.lenient import decode_leniently, has_other_fields, lost_no_text
from holysheep_core.protocol.response import ResponseDecoder
from support.sse import END, said

ODD = [[], {}, "", 0, 1.5, True, None, "text", [1], {"a": 1}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "field", ["id", "model", "usage", "system_fingerprint", "object", "created", "type"]
)
def test_a_chunk_field_of_any_type_costs_no_text(field, odd):
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}}], field: odd}
    decoder = ResponseDecoder()
    decoder.receive_response(200, {})
    data = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    assert decoder.receive_data(said("Oh ") + data) == [("Oh ", ""), ("Hi", "")]
    decoder.receive_data(END)
    assert decoder.failure() is None


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "field",
    ["role", "refusal", "tool_calls", "function_call", "reasoning", "reasoning_content", "audio"],
)
def test_a_delta_field_of_any_type_costs_no_text(field, odd):
    chunk = {"choices": [{"delta": {"content": "Hi", field: odd}}]}
    decoder = ResponseDecoder()
    decoder.receive_response(200, {})
    pieces = decoder.receive_data(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    assert [text for text, _ in pieces] == ["Hi"]


@pytest.mark.parametrize("delta", [[], "", 0, None])
def test_a_delta_that_is_no_object_is_empty(delta):
    decoder = ResponseDecoder()
    decoder.receive_response(200, {})
    end = {"choices": [{"delta": delta, "finish_reason": "stop"}]}
    data = said("Hi") + b"data: " + json.dumps(end).encode() + b"\n\n"
    assert decoder.receive_data(data) == [("Hi", "")]
    assert decoder.failure() is None


@pytest.mark.parametrize("data", [b"", b"[]", b"[1, 2]", b"3", b"{", b"null"])
def test_what_is_no_object_is_no_chunk(data):
    assert decode_leniently(data) is None


ROLE = b'{"id":"c","object":"x","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}'
USAGE = b'{"id":"c","object":"x","choices":[],"usage":{"prompt_tokens":9,"details":{"cached":1}}}'
TEXT = b'{"id":"c","object":"x","choices":[{"index":0,"delta":{"content":"Hello"}}]}'


@pytest.mark.parametrize(("event", "proof"), [(ROLE, b'""}'), (USAGE, b"[]")])
def test_an_event_broken_off_behind_its_empty_delta_lost_no_text(event, proof):
    shown = event.index(proof) + len(proof)
    for end in range(len(event)):
        assert lost_no_text(event[:end]) is (end >= shown)


def test_an_event_with_text_is_never_taken_for_an_empty_one():
    assert not any(lost_no_text(TEXT[:end]) for end in range(len(TEXT) + 1))


@pytest.mark.parametrize("event", [ROLE, USAGE])
def test_parts_of_two_events_are_not_one_without_text(event):
    for end in range(len(event)):
        for begin in range(len(TEXT)):
            assert not lost_no_text(event[:end] + TEXT[begin:]) or begin >= len(TEXT) - 4


def test_a_list_that_came_as_an_object_is_a_list():
    call = {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}
    for calls in (call, {"0": call}, {"1": call, "3": {**call, "id": "b"}}):
        delta = {"content": "Hi", "tool_calls": calls}
        for choices in ({"delta": delta}, {"0": {"delta": delta}}):
            chunk = decode_leniently(json.dumps({"choices": choices}).encode())
            found = chunk.choices[0].delta
            assert found.content == "Hi"
            assert found.tool_calls[0].id == "a"
            assert len(found.tool_calls) == (2 if "1" in calls else 1)


@pytest.mark.parametrize("choices", [[], [{}], [None], [{"delta": None}], [{"delta": []}], None, 1])
def test_a_chunk_without_a_delta_has_no_other_fields(choices):
    assert not has_other_fields(json.dumps({"choices": choices}).encode())
    assert not has_other_fields(b"{")
