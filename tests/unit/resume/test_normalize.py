"""Text as it is compared: without white space, with plain quotes and dashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.resume.normalize import Folded, common_prefix, fold, is_inside_fence

TEXT = st.text(st.sampled_from("ab “”‘’–—\n\t하\u3000")) | st.text()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("say  “hi”\nnow", 'say"hi"now'),
        ("it’s", "it's"),
        ("1–2—3−4", "1-2-3-4"),
        ("\u3000양\u00a0세 마리", "양세마리"),
        ("", ""),
    ],
)
def test_white_space_goes_and_quotes_and_dashes_become_plain(text, folded):
    assert fold(text) == folded


@given(TEXT)
def test_both_forms_of_folding_agree_and_a_second_time_changes_nothing(text):
    assert Folded(text).text == fold(text) == fold(fold(text))


@given(TEXT)
def test_every_place_in_the_folded_text_leads_back_to_where_it_was_written(text):
    folded = Folded(text)
    for at in range(len(folded.text)):
        assert fold(text[: folded.end_of(at + 1)]) == folded.text[: at + 1]
        assert fold(text[folded.start_of(at) :]) == folded.text[at:]
    assert folded.end_of(0) == 0


@given(st.text("ab"), st.text("ab"), st.text("ab"))
def test_a_common_prefix_is_as_long_as_it_can_be(both, a, b):
    length = common_prefix(both + a, both + b)
    assert length >= len(both)
    assert (both + a)[:length] == (both + b)[:length]
    assert (both + a)[length : length + 1] != (both + b)[length : length + 1] or (
        length == min(len(both + a), len(both + b))
    )


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("", False),
        ("```py\nx = 1", True),
        ("```py\nx = 1\n```\n", False),
        ("  ```\nx", True),
        ("a ``` in a line", False),
        ("```\n```\n```", True),
    ],
)
def test_a_fence_is_open_after_an_odd_number_of_lines_that_begin_with_one(text, inside):
    assert is_inside_fence(text) is inside
