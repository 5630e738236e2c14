"""Where the seen text ends in a response: found, not found, or not yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.resume.normalize import Folded
from holysheep_core.resume.proof import Place, Search, is_evidence
from holysheep_core.resume.seen import SeenText, choose_anchor

SEEN = "The keeper climbed the stairs every evening. He trimmed the wick, wound the clo"
ANCHOR = choose_anchor(SEEN, 32)
LOG = "10:01 INFO lamp is on\n10:02 INFO lamp is on\n10:03 INFO lamp is on"


def find(seen, response, *, final=True, anchor=None):
    search = Search(SeenText(seen), choose_anchor(seen, 32) if anchor is None else anchor)
    return search.find(Folded(response), response, final=final)


def test_the_place_is_where_the_seen_text_ends_in_the_response_as_written():
    response = "Sure:\n\n" + ANCHOR.upper() + "ckwork"
    place = find(SEEN, response)
    assert response[: place.start] == "Sure:\n\n"
    assert response[place.end :] == "ckwork"


@pytest.mark.parametrize(
    ("text", "counts"),
    [("abc", False), ("abcde", False), ("abcdef", True), ("안녕하", False), ("안녕하세", True)],
)
def test_a_repetition_counts_from_four_code_points_and_six_bytes(text, counts):
    assert is_evidence(text) is counts


@pytest.mark.parametrize(
    "response",
    [
        "ckwork and wrote",
        "Another text that has nothing to do with it",
        "|----|----|",
        "evening. He trimmed the lamp",
    ],
)
def test_no_place_is_found_where_nothing_proves_it(response):
    assert find(SEEN, response) is None


def test_few_words_wait_for_the_words_asked_for():
    seen = "We talked for long and then she said sure"
    response = "Sure, continuing:\n\n" + seen + " and left."
    assert find(seen, response[:12], final=False) is None
    place = find(seen, response)
    assert response[place.end :] == " and left."


def test_a_row_that_begins_like_the_last_one_is_no_introduction():
    seen = LOG
    response = "10:04 INFO lamp is off\n10:03 INFO lamp is on\n10:05 INFO lamp is on"
    place = find(seen, response)
    assert place is None or place.start == 0


@pytest.mark.parametrize("preamble", ["", "> ", "- ", '"', "**", "```\n", "[…]"])
def test_marks_before_the_words_are_a_lead(preamble):
    place = find(SEEN, preamble + ANCHOR + "ckwork")
    assert place == Place(len(preamble), len(preamble) + len(ANCHOR))


def test_the_last_word_behind_a_blank_is_found_if_it_is_long_enough():
    assert find("he saw the lamp ", "lamp was lit", anchor="x").end == len("lamp")
    assert find("he saw the ", "the lamp", anchor="x") is None
    assert find("and long long ", "long ago", anchor="x") is None


def test_escapes_are_undone_to_find_the_place():
    seen = 'He said: "The lamp is lit,\nand the door is open'
    response = 'He said: \\"The lamp is lit,\\nand the door is open again.'
    search = Search(SeenText(seen), choose_anchor(seen, 32))
    place = search.find(Folded(response), response, final=True) or search.find_nearly(response)
    assert response[place.end :] == " again."


@given(st.text(min_size=20, max_size=80), st.text(max_size=60))
def test_a_place_lies_in_the_response_whatever_both_say(seen, response):
    place = find(seen, response)
    assert place is None or 0 <= place.start <= place.end <= len(response)


def test_text_that_goes_on_along_the_seen_text_is_followed_without_a_search():
    seen = "".join(f"Sheep number {n} jumps over the fence. " for n in range(50))
    search = Search(SeenText(seen), choose_anchor(seen, 32))
    begun = seen[:40]
    assert search.find(Folded(begun), begun, final=False) is None
    assert search.follows(Folded(seen[40:60]).text)
    assert not search.follows("another")
