"""Unfinished JSON: a number at the end is not shown, whatever stands before it."""

import json

import pytest

from holysheep_core.integrations.partial_json import without_open_number


@pytest.mark.parametrize("number", ["1", "-1", "-", "10", "1.", "1.5", "1e", "1e+", "2E-3"])
@pytest.mark.parametrize(
    "before", ['{"a":', '{"a": ', "[", "[1, ", '{"b": "x:", "a":\n', '["\\"",']
)
def test_an_open_number_is_left_out(before, number):
    assert without_open_number(before + number) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": 1,',
        '{"a": 1}',
        '{"a": 1 ',
        '{"a": tr',
        '{"a": "1',
        '{"a": "b: 1',
        '{"a": "b, 1',
        '{"a": "\\"b\\": 1',
        '{"a1": "x", "b',
    ],
)
def test_everything_else_stays(text):
    assert without_open_number(text) == text


def test_no_prefix_of_a_text_shows_half_a_number():
    text = json.dumps({"a": 1000, "b": [-1.5e300, 20], "c": "1000: 1, 2", "d": {"e": 12345}})
    wholes = {"1000", "-1.5e+300", "20", "12345"}
    for end in range(len(text)):
        shown = without_open_number(text[:end])
        assert text.startswith(shown)
        cut = text[len(shown) : end]
        assert not cut or any(whole.startswith(cut) for whole in wholes)
