"""What a model puts before, and around, the words it was asked to repeat."""

import pytest

from holysheep_core.resume.stitcher import Stitcher, choose_anchor

TEXT = (
    "안녕, 양 세 마리가 왔어요! Then count `flock = [1, 2]`:\n\n"
    "```py\nfor sheep in flock:\n    if sheep:\n        print(sheep)\n```\n끝났어요, 정말로 👋."
)


SIZES = {"whole": 10_000, "per character": 1, "in pieces of 3": 3}


def obedient(seen: str, rest: str) -> str:
    return choose_anchor(seen, 32) + rest


def passed(stitcher: Stitcher, leg: str, size: int = 10_000) -> str:
    fed = [stitcher.feed(leg[i : i + size]) for i in range(0, len(leg), size)]
    return "".join(fed) + stitcher.close()


def seam_after(seen: str) -> Stitcher:
    return Stitcher(seen, anchor=choose_anchor(seen, 32))


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
    for at in range(24, len(TEXT)):  # less than that is answered anew, not continued
        for size in SIZES.values():
            leg = words + choose_anchor(TEXT[:at], 32) + TEXT[at:]
            assert TEXT[:at] + passed(seam_after(TEXT[:at]), leg, size) == TEXT, at


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
def test_an_introduction_that_begins_with_what_stood_last_is_still_one(seen, words):
    for size in SIZES.values():
        leg = words + choose_anchor(seen, 32) + " 羊。"
        assert passed(seam_after(seen), leg, size) == " 羊。"


def test_a_paragraph_made_of_the_words_asked_for_ends_without_a_break():
    seen = "Is the boiler old? Then before you call the la"
    for size in SIZES.values():
        leg = choose_anchor(seen, 32) + "\n\nndlord, look at its plate."
        assert passed(seam_after(seen), leg, size) == "ndlord, look at its plate."
    seen, rest = "Things to check before you call", "\n\nThe boiler."
    assert passed(seam_after(seen), choose_anchor(seen, 32) + rest) == rest


@pytest.mark.parametrize(
    ("before", "after"),
    [("**", "**"), ("*", "*"), ('"', '"'), ("“", "”"), ('"', ""), ("`", "`"), ("---\n", "")],
)
def test_marks_around_the_words_asked_for_go_with_them(before, after):
    seen = "Is the boiler old? Then before you call the la"
    for size in SIZES.values():
        leg = before + choose_anchor(seen, 32) + after + "ndlord, look at its plate."
        assert passed(seam_after(seen), leg, size) == "ndlord, look at its plate."


@pytest.mark.parametrize(
    "tag", ["[continued] ", "[Continuing]\n\n", "(cont.)\n", "(계속) ", "[续]"]
)
@pytest.mark.parametrize("anchored", [True, False])
def test_a_tag_that_says_it_goes_on_is_taken_out(tag, anchored):
    seen = "Is the boiler old? Then before you call the la"
    for size in SIZES.values():
        leg = tag + choose_anchor(seen, 32) * anchored + "ndlord, look at its plate."
        assert passed(seam_after(seen), leg, size) == "ndlord, look at its plate."


@pytest.mark.parametrize(
    "text", ["[1] Smith", "(see below) and", "**bold** words", '"Yes," he said']
)
def test_brackets_and_marks_of_the_texts_own_are_kept(text):
    seen = "Is the boiler old? Then before you call the landlord "
    assert passed(seam_after(seen), text, 3) == text


def test_rows_that_begin_alike_are_no_introductions():
    row = "2026-04-01T08:00:01Z INFO worker-{} started\n"
    text = "".join(row.format(n) for n in range(1, 5))
    for at in range(17, len(row) - 3):  # at its end, the next row looks like a restart
        assert passed(seam_after(text[:at]), text[at:], 5) == text[at:], at
        assert passed(seam_after(text[:at]), obedient(text[:at], text[at:])) == text[at:], at
