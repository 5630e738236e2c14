"""Words that are said once more behind a repetition, and refrains that only look like it."""

import pytest

from holysheep_core.resume.again import TOO_LONG, Repetition, said_again
from holysheep_core.resume.normalize import fold
from holysheep_core.resume.seen import SeenText

STORY = "The keeper climbed the stairs every evening. He trimmed the wick, wound the clo"
ANCHOR = "He trimmed the wick, wound the clo"


def again(rest, *, closes=False, seen=STORY, anchor=ANCHOR, said="", foreign=True):
    words = fold(anchor)
    first = Repetition(words, fold(said) or words, closes, lambda remark, length: foreign)
    return said_again(SeenText(seen), first, rest)


@pytest.mark.parametrize(
    ("rest", "closes", "said"),
    [
        ("ckwork and slept.", False, ""),
        ("\n\n" + ANCHOR + "ckwork and slept.", False, "\n\n" + ANCHOR),
        ('"\n' + ANCHOR + "ckwork", True, '"\n' + ANCHOR),
        ("... " + ANCHOR + "ckwork", False, "... " + ANCHOR),
        (". So here is the rest: " + ANCHOR + "ckwork", True, ". So here is the rest: " + ANCHOR),
        ("ckwork. " * 30, True, ""),
    ],
)
def test_the_words_are_taken_once_where_they_come_twice(rest, closes, said):
    assert rest[: again(rest, closes=closes)] == said


@pytest.mark.parametrize("rest", ["\n\nHe trimmed the", "", '"\n'])
def test_it_is_not_clear_while_the_words_may_still_come(rest):
    assert again(rest) is None


def test_a_refrain_that_came_before_is_text():
    row = "Row after row the sheep go by,\n"
    seen = row * 2 + "Row after row the sheep go by,"
    assert again("\n" + row, seen=seen, anchor="Row after row the sheep go by,") == 0


def test_whatever_was_repeated_is_taken_once_where_it_comes_twice():
    assert again("\n" + STORY + "ckwork", said=STORY) == len("\n" + STORY)
    assert again("\n" + STORY[:40], said=STORY) is None
    whole = "".join(f"Sheep number {n} jumps over the fence. " for n in range(40)) + ANCHOR
    assert again("\n" + whole, said=whole, seen=whole) == TOO_LONG


def test_words_behind_a_remark_that_may_be_text_are_text():
    row = '"\n- and a row that ends in much the same way: ' + ANCHOR
    assert again(row, closes=True, foreign=False) == 0
    assert again(row, closes=True) == len(row)
