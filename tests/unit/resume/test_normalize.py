"""Text as it is compared: without white space and case, in plain forms, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.resume.normalize import (
    Folded,
    common_suffix,
    fold,
    has_words,
    is_periodic,
    unescaped,
    weight,
)

TEXT = st.text(st.sampled_from("ab “”‘’–—\n\t하\u3000Aé，ﬁ👋\u200b")) | st.text()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("say  “hi”\nnow", 'say"hi"now'),
        ("it’s", "it's"),
        ("1–2—3−4", "1-2-3-4"),
        ("\u3000A\u00a0b", "ab"),
        ("，１２", ",12"),
        ("끝。", fold("끝.")),
        ("a\u200bb\ufeff", "ab"),
        ("", ""),
    ],
)
def test_white_space_case_and_shapes_go(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize("composed", ["양 세 마리", "é", "ﬁ"])
def test_composed_and_decomposed_letters_are_the_same(composed):
    import unicodedata

    assert fold(unicodedata.normalize("NFD", composed)) == fold(composed)


@given(TEXT, st.integers(1, 5))
def test_a_text_folds_the_same_however_it_grows(text, size):
    grown = Folded()
    for at in range(0, len(text), size):
        grown.add(text[at : at + size])
    assert grown.text == Folded(text).text == fold(text)
    assert grown.length == len(text)


@given(TEXT)
def test_every_boundary_in_the_folded_text_leads_back_to_where_it_was_written(text):
    folded = Folded(text)
    for count in range(len(folded.text) + 1):
        if folded.is_boundary(count):
            assert fold(text[: folded.end_of(count)]) == folded.text[:count]
            assert fold(text[folded.start_of(count) :]) == folded.text[count:]


@given(st.text("ab"), st.text("ab"), st.text("ab"))
def test_a_common_suffix_is_as_long_as_it_can_be(a, b, both):
    length = common_suffix(a + both, b + both)
    assert length >= len(both)
    assert (a + both).endswith((b + both)[len(b + both) - length :])
    longer = length + 1
    assert longer > min(len(a + both), len(b + both)) or (
        (a + both)[-longer:] != (b + both)[-longer:]
    )


def test_words_are_letters_digits_marks_and_emoji_with_their_places():
    words = Folded("**Hi**, you: 3 👋!").words()
    assert words.text == "hiyou3👋"
    assert words.at == [2, 3, 7, 8, 9, 11, 12]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"say \"hi\"\nnow", 'say "hi"\nnow'),
        (r"\uc591", "양"),
        ("a &amp; b", "a & b"),
        ("nothing", None),
    ],
)
def test_escapes_are_undone_and_their_ends_known(text, plain):
    found = unescaped(text)
    assert (found and found[0]) == plain
    if found:
        assert found[1][-1] == len(text)


def test_weight_counts_wide_characters_twice_and_periodic_texts_are_known():
    assert (weight("abc"), weight("羊羊")) == (3, 4)
    assert is_periodic("하하하하")
    assert not is_periodic("sheep")
    assert has_words("a")
    assert not has_words("… -")
