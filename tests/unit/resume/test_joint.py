"""White space at the splice point: none twice, and no paragraph in the middle of a sentence."""

import pytest

from holysheep_core.resume.joint import blank_after_repetition, blank_before_text

SENTENCE = "The sheep that jumped over"
KOREAN = "양 세 마리가 울타리를 넘어서 저 들판"


@pytest.mark.parametrize(
    ("seen", "rest", "removed"),
    [
        pytest.param("The sheep", " jump", 0, id="a space of the text's own"),
        pytest.param("The sheep ", " jump", 1, id="a space that was seen"),
        pytest.param("One.\n\n", "\n\nTwo.", 2, id="a paragraph break that was seen"),
        pytest.param("One.\n", "\n\nTwo.", 1, id="only the part that was seen"),
        pytest.param("One.\n\n", " Two.", 1, id="written differently: the first form stays"),
        pytest.param("One.", "\n\nTwo.", 0, id="a paragraph break of the text's own"),
        pytest.param(SENTENCE, "\n\nthe fence", 2, id="the repetition became a paragraph"),
        pytest.param(SENTENCE, "\n\nThe fence", 0, id="a capital letter begins a paragraph"),
        pytest.param(SENTENCE + ".", "\n\nthe fence", 0, id="the sentence had ended"),
        pytest.param("", "", 0, id="nothing"),
    ],
)
def test_after_a_repetition_white_space_that_was_seen_is_taken_out(seen, rest, removed):
    assert blank_after_repetition(seen, rest) == removed


@pytest.mark.parametrize(
    ("seen", "rest", "removed"),
    [
        pytest.param("The sheep ", " jump", 1, id="a second space"),
        pytest.param("The sheep", " jump", 0, id="a first space"),
        pytest.param("if x:\n    ", " y", 0, id="indentation"),
        pytest.param("```py\nx = 1 ", " # one", 0, id="inside a code fence"),
        pytest.param(SENTENCE, "\n\nthe fence", 2, id="a break in mid-sentence"),
        pytest.param(SENTENCE, "\n\n the fence", 2, id="its space stays"),
        pytest.param(SENTENCE, "\n\n, the fence", 2, id="before a comma"),
        pytest.param(SENTENCE, "\nthe fence", 0, id="one line break is a layout"),
        pytest.param(SENTENCE, "\n\nThe fence", 0, id="a new paragraph"),
        pytest.param(SENTENCE + ".", "\n\nthe fence", 0, id="after a sentence"),
        pytest.param("# " + SENTENCE, "\n\nthe fence", 0, id="after a heading"),
        pytest.param("1. " + SENTENCE, "\n\nthe fence", 0, id="after a list's item"),
        pytest.param("```\n" + SENTENCE, "\n\nthe fence", 0, id="in a code fence"),
        pytest.param("Too short", "\n\nthe fence", 0, id="after a title"),
        pytest.param(KOREAN, "\n\n으로 갔다", 2, id="in a script without capital letters"),
        pytest.param(KOREAN + "…", "\n\n으로 갔다", 0, id="after an ellipsis"),
    ],
)
def test_before_text_that_repeats_nothing_only_a_false_break_is_taken_out(seen, rest, removed):
    assert blank_before_text(seen, rest) == removed
