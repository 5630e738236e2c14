"""What the seen text tells: its key, what is open in it, whether it may be a whole answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.resume.normalize import fold, weight
from holysheep_core.resume.seen import (
    MAX_ANCHOR,
    MIN_PROOF,
    SeenText,
    choose_anchor,
    is_finished,
    is_open_json,
    is_provable,
    last_cluster,
    open_fence,
)

ALPHABET = st.text(st.sampled_from("ab하 \n|-"), max_size=60) | st.text()


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("", ""),
        ("```py\nx = 1", "```"),
        ("```py\nx = 1\n```\n", ""),
        ("a ``` in a line", ""),
        ("````md\n```py\n", "````"),
        ("````md\n```py\n```\n````\n", ""),
        ("~~~\n```\n", "~~~"),
    ],
)
def test_a_fence_is_closed_by_one_as_long_without_an_info_string(text, fence):
    assert open_fence(text) == fence


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ('{"a": 1', True),
        ('{"a": "}"', True),
        ('{"a": 1}', False),
        ("a {", False),
        ("[1, [2]", True),
    ],
)
def test_json_is_open_until_its_last_bracket(text, is_open):
    assert is_open_json(text) is is_open


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("All is said.", True),
        ('He said "no."', True),
        ("말했습니다.", True),
        ("- one\n- two\n", True),
        ("| a |", True),
        ("| a | b |\n|---|---|\n| 1 | 2 |", True),
        ("| a | b |\n|---|---|\n|", False),
        ("| a | b |\n|---|---|\n| 1 |", False),
        ("| a | b |\n|---|---|\n| 1 | 18\n", False),
        ("```py\nx = 1\n```", True),
        ("all numbers up to `n`", False),
        ("and that", False),
        ("as follows:", False),
        ("first,", False),
        ("```py\nx = 1\n", False),
        ('{"a": 1,\n', False),
    ],
)
def test_an_answer_may_end_where_nothing_is_open(text, finished):
    assert is_finished(text) is finished


@given(ALPHABET)
def test_the_key_is_a_telling_ending_or_nothing(text):
    seen = SeenText(text)
    assert seen.folded.endswith(seen.key)
    if seen.key:
        assert weight(seen.key) >= MIN_PROOF
        assert seen.is_unique(seen.key)


def test_text_is_provable_from_sixteen_letters_or_their_weight():
    assert not is_provable("fifteen letters")
    assert is_provable("some sixteen letters")
    assert is_provable("羊" * 8)


@given(ALPHABET, st.integers(8, 64))
def test_an_anchor_is_a_suffix_that_occurs_once_unless_400_characters_are_not_enough(seen, length):
    anchor = choose_anchor(seen, length)
    assert seen.endswith(anchor)
    assert bool(anchor) == bool(seen)
    assert fold(seen).find(fold(anchor)) == len(fold(seen)) - len(fold(anchor)) or (
        len(anchor) >= min(MAX_ANCHOR, len(seen))
    )


@pytest.mark.parametrize("seen", ["하" * 2000, "row\n" * 500, " " * 2000])
def test_an_endless_refrain_does_not_make_an_endless_anchor(seen):
    assert MAX_ANCHOR <= len(choose_anchor(seen, 32)) < 2 * MAX_ANCHOR


def test_an_anchor_starts_at_a_word_and_at_no_quote_or_mark():
    assert choose_anchor("Many sheep jumped over the wooden fence", 21) == "over the wooden fence"
    assert choose_anchor("Many sheep jumped over the wooden fence", 20) == "over the wooden fence"
    assert choose_anchor('then said "sheep jumped over it', 21) == 'said "sheep jumped over it'[5:]
    assert not choose_anchor("ab" + "e\u0301" * 30, 16).startswith("\u0301")


@pytest.mark.parametrize(
    ("text", "cluster"), [("abc", "c"), ("e\u0301", "e\u0301"), ("👩🏽\u200d", "👩🏽\u200d")]
)
def test_the_last_grapheme_cluster_has_its_marks(text, cluster):
    assert last_cluster(text) == cluster


@pytest.mark.parametrize(
    ("seen", "text", "may"),
    [
        ("the wall", " and", True),
        ("the wall", "Sure!", False),
        ("the wall ", "Sure!", False),
        ("the wall. ", "Sure!", True),
        ("이어지는 글", "Sure!", False),
        ("the wall", ", and", True),
    ],
)
def test_case_and_script_tell_what_cannot_follow(seen, text, may):
    assert SeenText(seen).may_go_on_with(text) is may
