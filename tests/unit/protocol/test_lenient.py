"""Fields of another type than the protocol says: as good as absent."""

import json

import pytest

from holysheep_core.protocol.lenient import decode_leniently
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
