"""A text found in another one by words alone, with a few edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.resume.edits import align, fold_words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("trimedthewickwoundtheclo", True),
        ("trimmedthewickwoundtheclox", True),
        ("something", False),
    ],
)
def test_few_edits_are_allowed_but_none_at_the_end(said, expected):
    pattern = "hetrimmedthewickwoundtheclo"
    found = align("eveningevening" + pattern, said + "ckwork", pattern)
    assert (found is not None) is expected


def test_only_letters_digits_and_emoji_are_compared():
    assert fold_words("he said: *yes*, 12.5 👍!") == "hesaidyes125👍"


@given(st.text("abcde", max_size=40), st.text("abcde", max_size=40))
def test_a_place_lies_in_the_text_whatever_both_say(seen, said):
    found = align(seen, said, seen[-16:])
    assert found is None or 0 <= found[0] <= found[1] <= len(said)
