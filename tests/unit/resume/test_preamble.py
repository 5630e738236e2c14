"""What models say before they go on: recognised at the beginning, never guessed too early."""

import pytest

from holysheep_core.resume.preamble import MAX_ANNOUNCEMENT, announcement_of, decoration_of

ANNOUNCEMENTS = [
    "Sure, continuing where I left off:\n\n",
    "Of course! Here is the rest:\n\n",
    "Picking up from there:",
    "Okay, resuming:\n\n",
    "네, 이어서 작성하겠습니다:\n\n",
    "好的,我继续:\n\n",
    "承知しました。続きです。\n\n",
    "[continued]\n\n",
    "(계속) ",
]
ITS_OWN = [
    "Sure thing, she said, and left.\nThen",
    "네, 그렇습니다.\n그리고",
    "Okay, it rained.\nThen",
    "The rest is silence.\n",
    "[1] a footnote\n",
    "grass and sleeps.",
    "Sure, " + "word " * 40 + "continue:\n\nx",
]


@pytest.mark.parametrize("said", ANNOUNCEMENTS)
def test_an_announcement_is_measured_whole_and_no_beginning_of_it_is_let_through(said):
    between = "" if said[-1].isspace() else " "  # a colon ends it where a space follows
    assert announcement_of(said + between + "grass") == len(said)
    for at in range(1, len(said.rstrip())):
        assert announcement_of(said[:at]) is None, said[:at]


@pytest.mark.parametrize("text", ITS_OWN)
def test_a_text_that_only_begins_like_one_is_its_own(text):
    assert announcement_of(text) == 0


def test_an_opener_without_an_end_is_decided_in_bounded_length():
    assert announcement_of("Sure" + "x" * (MAX_ANNOUNCEMENT - 5)) is None
    assert announcement_of("Sure" + "x" * MAX_ANNOUNCEMENT) == 0


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("...and then", 3),
        ("…and then", 1),
        ("... and then", 0),
        ("…?", 0),
        ("..", None),
        ("...", None),
        (".5", 0),
        ("and", 0),
    ],
)
def test_dots_that_stick_to_the_text_are_decoration(text, length):
    assert decoration_of(text, inside_fence=False, after_dot=False) == length


def test_dots_after_a_dot_are_the_texts_own():
    assert decoration_of("...and", inside_fence=False, after_dot=True) == 0


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("```python\nx = 1", 10),
        ("\n```py\n", 7),
        ("```py", None),
        ("`", None),
        ("```\nThe end", 0),  # it closes the fence
        ("x = 1", 0),
        ("```" + "x" * 40, 0),
    ],
)
def test_a_fence_opened_a_second_time_is_decoration(text, length):
    assert decoration_of(text, inside_fence=True, after_dot=False) == length
