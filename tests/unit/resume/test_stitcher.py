"""The splice: what was said already is taken out, everything else arrives, however it is fed."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holysheep_core.resume.stitcher import MAX_ANCHOR, Stitcher, choose_anchor
from support.stitching import SIZES, TEXT, obedient, passed, stitcher_after

REFRAIN = "웃음소리: 하하하하하하하하하하 하고 웃었다."
TABLE = "| name | age |\n|------|-----|\n" + "| none | 000 |\n" * 6 + "| baa | 7 |\n"
CODE = "def f(x):\n" + "".join(f"        a{n} = {n}\n        if a{n}:\n" for n in range(5))
FIRST = 12  # from here on every cut leaves enough text to ask for a continuation


def last_three_words(seen: str, rest: str) -> str:
    return re.search(r"(\S+\s+){0,2}\S+\s*$", seen)[0] + rest


RESPONSES = {
    "exact": lambda _seen, rest: rest,
    "obedient": obedient,
    "repeats three words": last_three_words,
    "restarts": lambda seen, rest: seen + rest,
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_a_text_cut_at_every_character_is_joined_whole(response, size):
    for at in range(FIRST, len(TEXT)):
        seen, rest = TEXT[:at], TEXT[at:]
        assert seen + passed(stitcher_after(seen), response(seen, rest), size) == TEXT, at


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    "response", [RESPONSES["exact"], RESPONSES["repeats three words"]], ids=["exact", "repeats"]
)
def test_without_an_anchor_a_text_cut_at_every_character_is_joined_whole_too(response, size):
    for at in range(FIRST, len(TEXT)):
        seen, rest = TEXT[:at], TEXT[at:]
        assert seen + passed(Stitcher(seen), response(seen, rest), size) == TEXT, at


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_replay_of_a_text_cut_at_every_character_shows_only_the_rest(size):
    for at in range(1, len(TEXT)):
        assert passed(Stitcher(TEXT[:at], replay=True), TEXT, size) == TEXT[at:]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("response", [RESPONSES["exact"], obedient], ids=["exact", "obedient"])
@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param(REFRAIN, 1 + REFRAIN.index("하"), id="refrain"),
        pytest.param(TABLE, TABLE.index("| none") + 30, id="table"),
        pytest.param(CODE, FIRST, id="indentation"),
        pytest.param("They said ha ha ha ha ha ha ha ha ha!", 16, id="ha ha"),
        pytest.param("Line:\n" + "-" * 60 + "\nend", 7, id="rule"),
    ],
)
def test_honest_repetition_stays_whole_at_every_cut(text, first, response, size):
    for at in range(first, len(text)):
        seen, rest = text[:at], text[at:]
        assert seen + passed(stitcher_after(seen), response(seen, rest), size) == text, at


@pytest.mark.parametrize(
    ("seen", "response", "shown"),
    [
        pytest.param("He said ha ha", "ha ha he", "ha ha he", id="below the floor"),
        pytest.param("one two three", "three four", "three four", id="five bytes"),
        pytest.param("the brown fox", "wn fox ran", " ran", id="six bytes"),
        pytest.param("나는 안녕하세", "안녕하세요", "요", id="four code points"),
        pytest.param("나는 안녕하", "안녕하세요", "안녕하세요", id="three code points"),
        pytest.param("a:\n        ", "        b", "        b", id="indentation"),
        pytest.param("x 하하하하", "하하하하 y", "하하하하 y", id="rhythm inside"),
        pytest.param("x |----|----|", "----|----|\n", "----|----|\n", id="rhythm, a table's rule"),
        pytest.param("x row 1\nrow 1\n", "row 1\nrow 2", "row 1\nrow 2", id="rhythm before"),
        pytest.param("x row 10\nrow 11\n", "row 11\nrow 12", "row 12", id="no rhythm"),
    ],
)
def test_floors_and_rhythm_decide_without_an_anchor(seen, response, shown):
    for size in SIZES.values():
        assert passed(Stitcher(seen), response, size) == shown


@pytest.mark.parametrize("anchor", ["ha", "x 하하하하", "row\nrow\n"])
def test_a_response_that_begins_with_the_anchor_loses_exactly_that(anchor):
    for size in SIZES.values():
        stitcher = Stitcher("So: " + anchor, anchor=anchor)
        assert passed(stitcher, anchor + anchor + "!", size) == anchor + "!"
        assert stitcher.removed == len(anchor)


def test_the_docstrings_example_holds_back_only_while_it_must():
    stitcher = Stitcher("The quick brown fox", anchor="brown fox")
    assert [stitcher.feed("brown"), stitcher.feed(" fox ju"), stitcher.feed("mps")] == [
        "",
        " ju",
        "mps",
    ]
    assert (stitcher.decided, stitcher.removed, stitcher.mismatch) == (True, 9, False)


def test_unrelated_text_is_let_through_after_a_handful_of_characters():
    stitcher = stitcher_after(TEXT)
    assert passed(stitcher, "Quite another matter"[:4]) == "Quit"
    assert stitcher.decided


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_text_later_in_the_response_that_repeats_is_not_touched(response):
    seen, rest = TEXT[:60], "! Now on.\n" + TEXT[:60] + TEXT[30:60] * 3
    for size in SIZES.values():
        assert passed(stitcher_after(seen), response(seen, rest), size) == rest


def test_a_restart_of_a_text_longer_than_the_window_is_taken_out_whole():
    seen = "".join(f"Sheep number {n} jumps over the fence. " for n in range(400))
    for size in (10**6, 997):
        assert passed(stitcher_after(seen), seen + "The end.", size) == "The end."


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("said", range(40, 80))
def test_a_long_restart_that_then_differs_is_a_mismatch_and_shows_nothing(said, size):
    stitcher = stitcher_after(TEXT)
    assert passed(stitcher, TEXT[:said] + "☂ another answer", size) == ""
    assert (stitcher.mismatch, stitcher.decided, stitcher.feed("more"), stitcher.close()) == (
        True,
        False,
        "",
        "",
    )


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_long_restart_is_a_mismatch_even_where_the_text_ended_as_it_began(size):
    refrain = "La la la, the sheep. "
    seen = refrain + "Now a long verse about many hills and clouds. " + refrain
    stitcher = stitcher_after(seen)
    assert passed(stitcher, seen[:60] + "But quite another verse follows.", size) == ""
    assert stitcher.mismatch


@pytest.mark.parametrize("response", ["☂", "안녕☂", "Another answer altogether"])
def test_a_replay_that_differs_anywhere_is_a_mismatch(response):
    stitcher = Stitcher("안녕, 양", replay=True)
    assert (passed(stitcher, response), stitcher.mismatch) == ("", True)


@pytest.mark.parametrize("said", range(1, 5))
def test_a_replay_that_ends_before_what_was_shown_is_a_mismatch(said):
    stitcher = Stitcher("안녕, 양", replay=True)
    assert (passed(stitcher, "안녕, 양"[:said]), stitcher.mismatch) == ("", True)


@pytest.mark.parametrize(
    ("response", "shown"),
    [("quick", "quick"), ("brown fox", ""), ("wn fox", ""), ("zebra", "zebra"), ("", "")],
)
def test_the_end_of_a_response_decides_about_what_is_held(response, shown):
    stitcher = Stitcher("The quick brown fox", anchor="brown fox")
    assert stitcher.feed(response) + stitcher.close() == shown
    assert stitcher.close() == ""


def test_with_nothing_seen_nothing_is_held():
    stitcher = Stitcher("")
    assert (stitcher.decided, stitcher.feed("a"), stitcher.close()) == (True, "a", "")


ALPHABET = st.text(st.sampled_from("ab하 \n|-"), max_size=60) | st.text()


@given(ALPHABET, st.integers(8, 64))
def test_an_anchor_is_a_suffix_that_occurs_once_unless_400_characters_are_not_enough(seen, length):
    anchor = choose_anchor(seen, length)
    assert seen.endswith(anchor)
    assert bool(anchor) == bool(seen)
    assert seen.find(anchor) == len(seen) - len(anchor) or len(anchor) >= MAX_ANCHOR


@pytest.mark.parametrize("seen", ["하" * 2000, "row\n" * 500, " " * 2000])
def test_an_endless_refrain_does_not_make_an_endless_anchor(seen):
    assert MAX_ANCHOR <= len(choose_anchor(seen, 32)) < 2 * MAX_ANCHOR
    assert seen.endswith(choose_anchor(seen, 32))


def test_an_anchor_starts_at_a_word_where_one_is_near():
    assert choose_anchor("Many sheep jumped over the wooden fence", 21) == "over the wooden fence"
    assert choose_anchor("Many sheep jumped over the wooden fence", 20) == "over the wooden fence"


def is_plain_joint(rest):
    """Tell whether the rest can't be mistaken: a paragraph of prose does not begin small.

    Where one seems to, the model has made a paragraph of the words it was to repeat.
    """
    text = rest.lstrip()
    return not (text[:1].islower() and rest[: len(rest) - len(text)].count("\n") > 1)


@given(ALPHABET, ALPHABET, st.sampled_from([1, 2, 3, 7]))
def test_a_model_that_obeys_is_joined_whole_whatever_the_text(seen, rest, size):
    assume(is_plain_joint(rest))
    assert passed(stitcher_after(seen), obedient(seen, rest), size) == rest


@given(ALPHABET, ALPHABET, st.sampled_from([1, 2, 3, 7]))
def test_a_whole_restart_is_joined_whole_whatever_the_text(seen, rest, size):
    assume(is_plain_joint(rest))
    assert passed(stitcher_after(seen), seen + rest, size) == rest
    assert passed(Stitcher(seen, replay=True), seen + rest, size) == rest


@given(ALPHABET, ALPHABET, st.booleans(), st.lists(st.integers(1, 9), min_size=1))
def test_however_a_response_is_fed_the_same_comes_out_and_only_its_beginning_goes(
    seen, response, replay, steps
):
    whole, pieces = (Stitcher(seen, anchor=choose_anchor(seen, 8), replay=replay) for _ in range(2))
    expected, got, left = passed(whole, response), "", response
    while left:
        for step in steps:
            got, left = got + pieces.feed(left[:step]), left[step:]
    assert (got + pieces.close(), pieces.mismatch) == (expected, whole.mismatch)
    assert whole.mismatch or response[whole.removed :] == expected


@pytest.mark.parametrize("announced", ["", "Sure, continuing:\n\n"])
def test_a_restart_of_any_length_is_taken_out_even_after_an_announcement(announced):
    seen = "".join(f"Sheep number {n} jumps over the fence. " for n in range(600))
    for size in (4, 997):
        assert passed(stitcher_after(seen), announced + seen + "The end.", size) == "The end."


def test_a_long_answer_that_is_said_again_in_another_layout_is_decided_in_bounded_time():
    seen = "".join(f"Sheep number {n} jumps over the fence.\n" for n in range(3000))
    stitcher = stitcher_after(seen)
    assert passed(stitcher, seen.replace("\n", "\n\n") + "The end.", 40) in ("", "The end.")
    assert stitcher.held <= 4000 + 40


def test_a_paragraph_made_of_the_words_asked_for_ends_without_a_break():
    seen = "Is the boiler old? Then before you call the la"
    for size in SIZES.values():
        response = choose_anchor(seen, 32) + "\n\nndlord, look at its plate."
        assert passed(stitcher_after(seen), response, size) == "ndlord, look at its plate."
    seen, rest = "Things to check before you call", "\n\nThe boiler."
    assert passed(stitcher_after(seen), choose_anchor(seen, 32) + rest) == rest
