"""Arguments are one JSON object, however a server wrote it; half an object never is."""

import json

import pytest

from holysheep_core.protocol.tool_arguments import as_object, read_arguments

WHOLE = '{"text": "a\\n\\"b\\"", "n": [1, {"k": null}], "to": "서울🐑"}'


def read(*pieces, may_be_empty=True):
    return read_arguments(pieces, may_be_empty=may_be_empty)


@pytest.mark.parametrize(
    "text", ["", " \n", "null", "None", "NULL", "none", "nil", '"null"', '""', "[]"]
)
def test_a_word_for_nothing_is_an_empty_object_where_that_is_allowed(text):
    assert read(text) == ("{}", True)
    assert read(*text) == ("{}", True)
    assert read(text, may_be_empty=False) == (text.strip(), False)


@pytest.mark.parametrize("mark", [chr(code) for code in range(0x20)])
def test_a_control_character_inside_a_string_is_escaped_and_means_itself(mark):
    text = f'{{"x": "a{mark}b", "y{mark}": 1}}'
    found, whole = read(text)
    assert whole
    assert json.loads(found) == {"x": f"a{mark}b", f"y{mark}": 1}


def test_control_characters_outside_of_strings_and_after_a_backslash_stay_errors():
    for text in ('{\x0b"x": 1}', '{"x": "a\\\nb"}', '{"x": "a\n'):
        assert read(text)[1] is False


def test_numbers_and_the_order_of_keys_stay_as_written_when_a_newline_is_escaped():
    text = '{"b": 1.0, "a": 12345678901234567890123, "x": "1\n2"}'
    assert read(text) == (text.replace("\n", "\\u000a"), True)


@pytest.mark.parametrize("blank", ["", " ", "\n", "\r\n\t "])
def test_an_object_encoded_a_second_time_is_the_object(blank):
    twice = json.dumps(WHOLE, ensure_ascii=False) + blank
    assert read(twice) == (WHOLE, True)
    assert read(*twice) == (WHOLE, True)
    assert read(json.dumps(twice)) == (json.dumps(twice), False)  # three times is no manner


@pytest.mark.parametrize("manner", [str, json.dumps, lambda text: text.replace("\\n", "\n")])
def test_whole_arguments_cut_at_every_character_are_never_an_object(manner):
    text = manner(WHOLE)
    for at in range(1, len(text)):
        assert read(text[:at])[1] is False
        assert read(*text[:at])[1] is False
        assert read(text[:at], text[at:])[1] is True


@pytest.mark.parametrize("size", [1, 2, 7])
def test_pieces_that_repeat_all_that_came_so_far_are_read_as_the_last(size):
    grown = [WHOLE[:end] for end in range(1, len(WHOLE), size)]
    assert read(*grown, WHOLE) == (WHOLE, True)
    assert read(*grown, WHOLE, WHOLE) == (WHOLE, True)
    assert read(*grown)[1] is False


def test_a_last_piece_with_all_of_the_arguments_again_is_no_second_object():
    for at in range(1, len(WHOLE)):
        assert read(WHOLE[:at], WHOLE[at:], WHOLE) == (WHOLE, True)
        assert read(WHOLE[:at], WHOLE) == (WHOLE, True)


@pytest.mark.parametrize("none_yet", ["{}", "null", " {} "])
def test_a_first_piece_that_stands_for_none_yet_is_forgotten(none_yet):
    for at in range(1, len(WHOLE)):
        assert read(none_yet, WHOLE[:at], WHOLE[at:]) == (WHOLE, True)
        assert read(none_yet, WHOLE[:at])[1] is False


@pytest.mark.parametrize("no_more", ["{}", "null", "[]", " {} "])
def test_a_last_piece_that_stands_for_no_more_is_forgotten(no_more):
    for at in range(1, len(WHOLE)):
        assert read(WHOLE[:at], WHOLE[at:], no_more) == (WHOLE, True)
        assert read(WHOLE[:at], no_more)[1] is (at == 1 and no_more == "{}")  # "{", and then more


@pytest.mark.parametrize(
    "wrong", ["1", "[1]", "true", '"1"', "{}{}", '{"n":1}x', "{'n': 1}", '{"n":NaN}', "nothing"]
)
def test_what_is_not_strictly_one_object_is_none(wrong):
    assert as_object(wrong, may_be_empty=True) is None
