"""Words that are said once more behind a repetition, and refrains that only look like it."""

import pytest

from holysheep_core.resume.again import said_again
from holysheep_core.resume.normalize import fold
from holysheep_core.resume.seen import SeenText

STORY = "The keeper climbed the stairs every evening. He trimmed the wick, wound the clo"
ANCHOR = "He trimmed the wick, wound the clo"


def again(rest, *, closes=False, seen=STORY, anchor=ANCHOR):
    return said_again(SeenText(seen), fold(anchor), rest, closes=closes)


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
