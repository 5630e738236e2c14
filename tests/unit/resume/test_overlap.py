"""How much of a seen text a resumed one repeats, and whether that is evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.resume.overlap import (
    MID_SENTENCE_EVIDENCE,
    RESTART_EVIDENCE,
    WINDOW,
    Overlap,
    SeenText,
    is_evidence,
)

NONE = Overlap(0, is_open=False, is_different=False)
VERSE = "Fifteen sheep and thirty lambs walked by."


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        *(
            (text, False)
            for text in ("", "   ", "\n        ", "abcde", "ha ha", "안녕하", "👋👋👋", " a b ")
        ),
        *(
            (text, True)
            for text in ("abcdef", "안녕하세", "ha ha ha", "  abcdef", "👋👋👋👋", "abé漢")
        ),
    ],
)
def test_evidence_begins_at_4_code_points_and_6_bytes_of_text(text, counts):
    assert is_evidence(text) is counts


def overlap(seen, said, *, whole_only=False):
    return SeenText(seen, whole_only=whole_only).overlap(said)


def test_the_longest_repetition_of_the_end_counts():
    assert overlap("the lamb, the lamb", "thelambran").length == len("thelamb")
    assert overlap("one two three four", "threefourfive").length == len("threefour")


def test_a_repetition_that_is_not_complete_is_open():
    assert overlap("one two three four", "three") == NONE._replace(is_open=True)
    assert overlap("one two three four", "threefour") == NONE._replace(length=len("threefour"))
    assert overlap("one two three four", "threefive") == NONE


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("He said ha ha", "hahahe"),  # five bytes
        ("x 하하하하", "하하하하y"),  # made of equal parts
        ("x row 1\nrow 1\n", "row1row2"),  # the text itself repeated it before
    ],
)
def test_a_short_or_rhythmic_repetition_is_no_evidence(seen, said):
    assert overlap(seen, said).length == 0


def test_a_repetition_of_the_whole_text_counts_however_short_it_is():
    assert overlap("ha", "hahe").length == 2


def test_where_only_the_whole_may_be_repeated_its_end_is_none():
    assert overlap("one two three four", "threefourfive", whole_only=True) == NONE
    assert overlap("one two", "onetwothree", whole_only=True).length == len("onetwo")


@pytest.mark.parametrize(
    ("ending", "needed"), [("", MID_SENTENCE_EVIDENCE), (".", RESTART_EVIDENCE)]
)
def test_a_long_restart_that_then_differs_is_another_answer(ending, needed):
    seen = VERSE.removesuffix(".") + ending
    folded = SeenText(seen, whole_only=False).folded
    for length in range(1, needed + 3):
        assert overlap(seen, folded[:length] + "☂").is_different is (length >= needed), length


def test_a_repetition_from_before_the_window_is_not_looked_for():
    seen = "".join(f"{number:05}" for number in range(WINDOW // 5 + 20))
    assert overlap(seen, seen[-WINDOW:] + "!").length == WINDOW
    assert overlap(seen, seen[-WINDOW - 5 :] + "!").length == 0


@given(st.text("ab하 ", max_size=30), st.text("ab하☂", max_size=30))
def test_what_counts_as_repeated_is_an_end_of_the_seen_text_and_begins_the_other(seen, said):
    text = SeenText(seen, whole_only=False)
    length = text.overlap(said).length
    assert text.folded.endswith(said[:length])
