"""What stands before a repetition: something else, or text of the answer."""

import pytest

from holysheep_core.resume.normalize import fold
from holysheep_core.resume.preamble import Preamble, is_mention
from holysheep_core.resume.seen import SeenText

STORY = "The keeper climbed the stairs every evening. He trimmed the wick, wound the clo"
LOG = "10:01 INFO lamp is on\n10:02 INFO lamp is on\n10:03 INFO lamp is on"
ASKED = "Your message is not complete yet. Write the missing rest of it and nothing else."


def is_foreign(seen, preamble, repeated, *, restarted=False):
    made = Preamble(SeenText(seen), fold(seen[-32:]), ASKED)
    return made.is_foreign(preamble, len(fold(repeated)), restarted=restarted)


@pytest.mark.parametrize(
    ("preamble", "foreign"),
    [
        ("Sure, continuing:\n\n", True),
        ("물론입니다. 이어서 씁니다:\n\n", True),
        ("> ", True),
        ("```\n", True),
        ("[…]", True),
        ("Write the missing rest of it and nothing else. ", True),
        ("---\n", True),
        ("ckwork and ", False),
        ("", True),
    ],
)
def test_what_cannot_follow_a_sentence_is_no_text_of_it(preamble, foreign):
    assert is_foreign(STORY, preamble, STORY[-32:]) is foreign


def test_a_row_like_the_rows_before_it_is_text():
    assert not is_foreign(LOG, "10:04 INFO lamp is off\n", "10:03 INFO lamp is on")


def test_before_a_restart_anything_goes_once_enough_is_said_again():
    assert is_foreign(STORY, "ck and ", STORY[-60:], restarted=True)
    assert not is_foreign(STORY, "ck and ", STORY[-16:], restarted=True)


@pytest.mark.parametrize(
    ("preamble", "mention"),
    [
        ('The message ended with "', True),
        ('It stops at "', True),
        ('"', False),
        ("Sure:\n\n", False),
        ('Sure:\n"', False),
        ("", False),
    ],
)
def test_words_that_are_only_mentioned_are_told_from_those_repeated(preamble, mention):
    assert is_mention(preamble) is mention
