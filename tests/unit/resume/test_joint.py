"""Right after the repetition: white space as the text's, closing marks, repeated requests."""

import pytest

from holysheep_core.resume.joint import (
    ClosingMarks,
    EchoFilter,
    closer_of,
    join,
    without_closer,
    without_dots,
)
from holysheep_core.resume.seen import SeenText

SENTENCE = "The sheep that jumped over the wooden fence and went to"
KOREAN = "양 세 마리가 울타리를 넘어서 저 들판 너머 강가의 오래된 마을로 천천히 걸어"


@pytest.mark.parametrize(
    ("seen", "rest", "shown"),
    [
        pytest.param("The sheep", " jump", " jump", id="a space of the text's own"),
        pytest.param("The sheep ", " jump", "jump", id="a space that was seen"),
        pytest.param("One.\n\n", "\n\nTwo.", "Two.", id="a paragraph break that was seen"),
        pytest.param("One.\n", "\n\nTwo.", "\nTwo.", id="only the part that was seen"),
        pytest.param("One.\n\n", " Two.", "Two.", id="written differently: the first form stays"),
        pytest.param("One.", "\n\nTwo.", "\n\nTwo.", id="a paragraph break of the text's own"),
        pytest.param("} else {\n", " \n    return", "    return", id="a blank at the line's end"),
        pytest.param("One.\n", " \nTwo.", "\nTwo.", id="a blank for the line break"),
        pytest.param("} else {\n", "\n    return", "    return", id="indentation"),
        pytest.param("  a:\n  ", "\n    b", "  b", id="more indentation than was seen"),
        pytest.param("a\r", "\nb", "\nb", id="half a line break"),
        pytest.param(SENTENCE, "\n\nthe fence", " the fence", id="a sentence made a paragraph"),
        pytest.param(SENTENCE + " ", "\n\nthe fence", "the fence", id="its blank was seen"),
        pytest.param(SENTENCE, "\n\nThe fence", "\n\nThe fence", id="a capital letter"),
        pytest.param(SENTENCE + ".", "\n\nthe fence", "\n\nthe fence", id="the sentence had ended"),
        pytest.param("# Sheep and", "\n\nthe fence", "\n\nthe fence", id="a heading"),
        pytest.param("the lamp hums\nlow", "\n\nit counts", "\n\nit counts", id="verse"),
        pytest.param("```\n" + SENTENCE, "\n\nx", "\n\nx", id="code"),
        pytest.param(KOREAN, "\n\n갔다", " 갔다", id="a script without capital letters"),
    ],
)
def test_white_space_beyond_what_was_seen_is_the_texts(seen, rest, shown):
    assert join(SeenText(seen), rest) == shown


@pytest.mark.parametrize(
    ("seen", "rest", "shown"),
    [
        ("wall", " and", " and"),
        ("wall ", " and", "and"),
        ("wall ", "and", "and"),
        ("x:\n    ", "\n    y", "y"),
        ("x:\n", " \n    y", "    y"),
        ("x:\n", "y", "y"),
        (SENTENCE, "\n\nthe fence", "\n\nthe fence"),
    ],
)
def test_a_prefill_was_sent_without_the_white_space_at_its_end(seen, rest, shown):
    assert join(SeenText(seen), rest, prefilled=True) == shown


@pytest.mark.parametrize(
    ("preamble", "closer"),
    [
        ("", ""),
        ('Sure: "', '"'),
        ("**“", "”**"),
        ("<mark>", "</mark>"),
        ("Here:\n```json\n", "```"),
        ("... ", ""),
    ],
)
def test_marks_that_a_lead_opens_have_closing_ones(preamble, closer):
    assert closer_of(preamble, SeenText("plain text"), 0) == closer


def test_a_fence_reopened_inside_an_open_one_has_none():
    assert closer_of("```py\n", SeenText("```py\nx = 1"), 8) == ""


@pytest.mark.parametrize(
    ("seen", "rest", "shown"),
    [
        ("the wall", '" and', " and"),
        ('said "the wall', '" and', '" and'),
        ('said "the wall', '"" and', '" and'),
        ("the ", '"\n\nwall', "wall"),
        ("the wall", '"\n\nNext', "\n\nNext"),
    ],
)
def test_closing_marks_right_after_the_repetition_go_unless_they_are_the_texts(seen, rest, shown):
    assert without_closer(rest, '"', SeenText(seen)) == shown


@pytest.mark.parametrize(
    ("closer", "said", "shown"),
    [
        ('"', 'and so on."', "and so on."),
        ("</x>", "and so on.\n</x>", "and so on."),
        ("```", '{"a": 1}\n```\n', '{"a": 1}'),
        ("```", "a\n```\nb", "a\n```\nb"),
        ('"', 'he said "no"', 'he said "no"'),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 99])
def test_closing_marks_at_the_end_go(closer, said, shown, size):
    marks = ClosingMarks(closer, "")
    fed = [marks.feed(said[at : at + size]) for at in range(0, len(said), size)]
    assert "".join(fed) + marks.close() == shown


@pytest.mark.parametrize(
    ("seen", "rest", "shown"),
    [("wall", "...and", "and"), ("wall", "... and", "... and"), ("wall.", "...and", "...and")],
)
def test_dots_glued_to_a_letter_are_a_models(seen, rest, shown):
    assert without_dots(rest, SeenText(seen)) == shown


@pytest.mark.parametrize("size", [1, 4, 99])
def test_a_sentence_of_the_request_ends_the_text(size):
    asked = "Your message is not complete yet. Write these words again and go on from there."
    said = " and so on. Write these words again and go on. Nothing."
    echo = EchoFilter(asked)
    fed = ""
    for at in range(0, len(said), size):
        fed += echo.feed(said[at : at + size])
        if echo.found:
            break
    assert (fed, echo.found) == (" and so on. ", True)
    honest = EchoFilter(asked)
    text = "Write to me.\nYours, Eli. Write"
    fed = "".join(honest.feed(text[at : at + size]) for at in range(0, len(text), size))
    assert (fed + honest.close(), honest.found) == (text, False)
