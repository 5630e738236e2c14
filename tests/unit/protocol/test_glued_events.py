"""Several values in the data of one event: whole ones are read, anything else is damage."""

import json

import pytest

from holysheep_core.protocol.glued_events import values_in

A, B = b'{"a": {"x": [1, "}{"]}}', '{"b": "양 data: {"}'.encode()
DONE = b"[DONE]"
GLUED = {
    "side by side": (A + B, [A, B]),
    "with white space": (b" " + A + b"\r\n\t" + B + b"\n", [A, B]),
    "with commas": (A + b", " + B + b",", [A, B]),
    "the field's name once more": (b"data: " + A, [A]),
    "the field's name between": (A + b"data: " + B + b"data:" + DONE, [A, B, DONE]),
    "no space": (b"data:" + A + DONE, [A, DONE]),
    "a list": (b"[" + A + b"," + A + b"]", [A, A]),
    "a list of one": (b"[" + A + b"]", [A]),
    "the end mark as a text": (b'"[DONE]"', [DONE]),
    "a text": (b'"ping"', [b"ping"]),
    "an empty text": (b'""', []),
    "other values": (b"true", []),
    "a number": (b"0.5", []),
    "a list without objects": (b"[1, []]", []),
}


@pytest.mark.parametrize("name", GLUED)
def test_whole_values_are_taken_apart(name):
    data, values = GLUED[name]
    assert values_in(data) == values


@pytest.mark.parametrize("data", [A + B, A + b"data: " + B, b"[" + A + b"," + B + b"]"])
def test_values_cut_anywhere_but_between_them_are_damage(data):
    between = {end for end in range(1, len(data)) if data[:end].rstrip(b", ") == A}
    between |= {end for end in range(1, len(data)) if data[:end] in (A + b"data:", A + b"data: ")}
    for end in range(1, len(data)):
        assert (values_in(data[:end]) is None) is (end not in between or data[:end] == A)


@pytest.mark.parametrize(
    "data", [A, b" " + A, b"data", b"ping", b"{", b'"a', b"\xff", A + b"x", b"[" * 100_000, b"{]"]
)
def test_one_object_and_what_is_not_whole_are_not_taken_apart(data):
    assert values_in(data) is None


def test_many_small_values_are_damage_beyond_a_cap():
    assert len(values_in(b"{}" * 1000)) == 1000
    assert values_in(b"{}" * 10**6) is None


def test_a_value_that_comes_out_is_what_went_in():
    value = {"text": "\ud83d", "n": 10**30}
    (out,) = values_in(b"[" + json.dumps(value).encode() + b"]")
    assert json.loads(out) == value
