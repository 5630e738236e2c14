"""What models say before they continue: recognised at the beginning, never guessed too early."""

import pytest

from holysheep_core.resume.preamble import (
    MAX_ANNOUNCEMENT,
    MAX_INTRODUCTION,
    announcement_of,
    decoration_of,
    introduction_of,
    wrapping_of,
)
from holysheep_core.resume.stitcher import choose_anchor
from support.stitching import SIZES, TEXT, obedient, passed, stitcher_after

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


ANCHOR = "beforeyoucallthela"  # folded


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("**before you call the la", (2, "**")),
        ("“before you call the la”", (1, "”")),
        ("**before you", (None, "")),
        ("**bold** words", (0, "")),
        ("before you call the la", (0, "")),
    ],
)
def test_a_mark_counts_where_the_anchor_stands_behind_it(text, measured):
    assert wrapping_of(text, ANCHOR) == measured
    assert wrapping_of(text, "short") == (0, "")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("Here you are:\nbefore you call the la", 14),
        ("Here you are:\n\nbefore you", None),
        ("Here you are", None),
        ("Here you are:\nsomething else", 0),
        ("x" * MAX_INTRODUCTION, 0),
    ],
)
def test_a_first_line_counts_where_the_anchor_follows_it(text, length):
    assert introduction_of(text, ANCHOR, "Is it old? Then before you call the la") == length
    assert introduction_of(text, "short", "cut short") == 0


# -- through the stitcher -------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "Understood. Here's the remainder of my answer:\n\n",
        "Right, carrying on from there:\n\n",
        "이어지는 내용입니다:\n\n",
        "接下来的内容如下：\n\n",  # noqa: RUF001 - full-width
        "Weiter geht es:\n",
    ],
)
def test_a_first_line_in_any_words_is_taken_out_if_the_words_asked_for_follow(words):
    for at in range(24, len(TEXT)):  # shorter texts are replayed, not continued
        for size in SIZES.values():
            response = words + choose_anchor(TEXT[:at], 32) + TEXT[at:]
            assert TEXT[:at] + passed(stitcher_after(TEXT[:at]), response, size) == TEXT, at


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ("母親を見失った子羊は、返事があるまで一日中鳴き続けます。", "続けます。\n\n"),
        (
            "하하, 정말 재미있네요. 한 번만 더 들려주세요. 네, 네, 알겠습니다.",
            "알겠습니다. 끊긴 부분부터 다시 쓰겠습니다:\n\n",
        ),
    ],
)
def test_an_introduction_that_begins_with_the_last_words_is_still_one(seen, words):
    for size in SIZES.values():
        response = words + choose_anchor(seen, 32) + " 羊。"
        assert passed(stitcher_after(seen), response, size) == " 羊。"


@pytest.mark.parametrize(
    ("before", "after"),
    [("**", "**"), ("*", "*"), ('"', '"'), ("“", "”"), ('"', ""), ("`", "`"), ("---\n", "")],
)
def test_marks_around_the_words_asked_for_go_with_them(before, after):
    seen = "Is the boiler old? Then before you call the la"
    for size in SIZES.values():
        response = before + choose_anchor(seen, 32) + after + "ndlord, look at its plate."
        assert passed(stitcher_after(seen), response, size) == "ndlord, look at its plate."


@pytest.mark.parametrize(
    "tag", ["[continued] ", "[Continuing]\n\n", "(cont.)\n", "(계속) ", "[续]"]
)
@pytest.mark.parametrize("anchored", [True, False])
def test_a_tag_that_announces_a_continuation_is_taken_out(tag, anchored):
    seen = "Is the boiler old? Then before you call the la"
    for size in SIZES.values():
        response = tag + choose_anchor(seen, 32) * anchored + "ndlord, look at its plate."
        assert passed(stitcher_after(seen), response, size) == "ndlord, look at its plate."


@pytest.mark.parametrize(
    "text", ["[1] Smith", "(see below) and", "**bold** words", '"Yes," he said']
)
def test_brackets_and_marks_of_the_texts_own_are_kept(text):
    seen = "Is the boiler old? Then before you call the landlord "
    assert passed(stitcher_after(seen), text, 3) == text


def test_rows_that_begin_alike_are_no_introductions():
    row = "2026-04-01T08:00:01Z INFO worker-{} started\n"
    text = "".join(row.format(n) for n in range(1, 5))
    for at in range(17, len(row) - 3):  # at its end, the next row looks like a restart
        assert passed(stitcher_after(text[:at]), text[at:], 5) == text[at:], at
        assert passed(stitcher_after(text[:at]), obedient(text[:at], text[at:])) == text[at:], at
