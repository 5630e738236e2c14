"""What a body is, told from its first bytes; and which plain words say that a request failed."""

import pytest

from holysheep_core.protocol.body_kind import (
    BOM,
    BodyKind,
    is_cut_json,
    is_error_text,
    is_refusal_text,
    kind_of_body,
)

EVENTS, JSON = "text/event-stream", "application/json"
BODIES = {
    b"data: {}\n\n": BodyKind.EVENTS,
    b"event: x\n": BodyKind.EVENTS,
    b": ping\n\n": BodyKind.EVENTS,
    b'error: {"message": 1}\n\n': BodyKind.EVENTS,
    b'{"id": 1}': BodyKind.JSON,
    b'[{"error": 1}]': BodyKind.JSON,
    b"<html>": BodyKind.PAGE,
}


@pytest.mark.parametrize("before", [b"", BOM, b"\n \r\n"], ids=["", "mark", "space"])
@pytest.mark.parametrize("body", BODIES)
def test_the_first_byte_decides_and_not_the_type(body, before):
    whole = before + body
    found = [kind_of_body(whole[:end], EVENTS) for end in range(len(whole) + 1)]
    assert {*found} == {None, BODIES[body]}
    assert found[-1] is BODIES[body]


def test_where_the_first_byte_says_nothing_the_type_decides():
    assert kind_of_body(b"Too many", JSON) is BodyKind.JSON
    assert kind_of_body(b"Too many", EVENTS) is BodyKind.EVENTS
    assert kind_of_body(b"", "text/html", final=True) is BodyKind.PAGE
    assert kind_of_body(b"", EVENTS, final=True) is BodyKind.EVENTS


@pytest.mark.parametrize(
    "said", ["Internal Server Error", "upstream request timeout", "error code: 1015", "Bad Gateway"]
)
def test_words_of_a_proxy_that_failed_are_known(said):
    assert is_refusal_text(said.encode())
    assert is_refusal_text(said.upper().encode())


@pytest.mark.parametrize("said", [b"", b"ok", b"Hello", b"\x89PNG\r\n", b"Welcome to nginx!"])
def test_other_words_are_not(said):
    assert not is_refusal_text(said)
    assert not is_error_text(said)


def test_an_event_that_begins_as_json_is_no_error_in_words():
    assert is_error_text(b"upstream error: boom")
    assert not is_error_text(b'{"choices": [{"delta": {"content": "error')


WHOLE = (
    '{"id": "\\u00e9\\n", "choices": [{"message": {"content": "양 sheep"}, "n": 1.5, "x": true}]}'
)


def test_json_cut_at_any_byte_is_cut_json():
    body = f" {WHOLE}\n".encode()
    assert all(is_cut_json(body[:end]) for end in range(2, len(body) - 1))
    assert not is_cut_json(body)


@pytest.mark.parametrize(
    "body", [b"<html>" + b" " * 9, b"It works, really!", b'{"a" x' + b" x" * 9, b"[" * 100_000]
)
def test_what_is_no_json_is_no_cut_json(body):
    assert not is_cut_json(body)
