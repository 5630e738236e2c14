"""Manners of continuation: whatever a model makes of the request, no text is lost or doubled.

Each message is joined as by the engine: with the wording, the quoted words and the second request
of the transcript. A manner that repeats enough is joined exactly; one that does not is an error.
"""

from collections import Counter

import pytest

from holysheep_core.config.resume import ResumeConfig
from holysheep_core.resume.seen import is_provable
from holysheep_core.resume.transcript import Transcript
from holysheep_core.types import ChatRequest
from support.continuations import AMBIGUOUS, MANNERS, REFUSED, TEXTS, Cut

SIZES = (1, 3, 7, 10_000)
STEP = 41


def outcome(text, at, manner, size, prompt):
    """Return "exact", "again", "error", what was shown wrongly, or "" where it does not apply."""
    request = ChatRequest("m", [{"role": "user", "content": "Write it."}], {})
    transcript = Transcript(request, ResumeConfig(prompt=prompt))
    transcript.add_text(text[:at])
    for found in ("exact", "again"):
        following = transcript.next_request()
        asked = following.request.messages[-1]["content"].removeprefix("Write it.\n\n")
        said = manner(Cut(text, at, following.anchor, asked))
        if said is None:
            return ""
        stitcher = following.stitcher
        shown = "".join(stitcher.feed(said[i : i + size]) for i in range(0, len(said), size))
        if not text[at:].startswith(shown.rstrip()):
            return shown or "nothing"
        shown += stitcher.close()
        if not stitcher.rejected:
            return found if shown.rstrip() == text[at:].rstrip() else shown or "nothing"
        transcript.rejected(stitcher.rejected)
    return "error"


def outcomes(name, manner):
    """Yield where each text was cut, and what became of it."""
    for number, (text_name, text) in enumerate(TEXTS.items()):
        prompt = "ko" if "ko" in text_name else "en"
        begin = 20 + (7 * len(name) + number) % STEP
        for count, at in enumerate(range(begin, len(text) - 1, STEP)):
            if text[at:].strip() and is_provable(text[:at]):
                size = SIZES[(count + number) % 4]
                yield text_name, at, outcome(text, at, manner, size, prompt)


@pytest.mark.parametrize("name", MANNERS)
def test_a_manner_that_repeats_the_words_asked_for_is_joined_exactly(name):
    found = Counter(found for *_, found in outcomes(name, MANNERS[name]))
    assert set(found) <= {"exact", "again", "error", ""}
    assert found["exact"] + found["again"] >= 9 * found["error"]


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_manner_that_may_be_read_in_two_ways_is_exact_or_an_error(name):
    for text, at, found in outcomes(name, AMBIGUOUS[name]):
        assert found in ("exact", "again", "error", ""), (text, at)


@pytest.mark.parametrize("name", REFUSED)
def test_a_message_without_the_rest_is_never_shown(name):
    for text, at, found in outcomes(name, REFUSED[name]):
        assert found in ("error", ""), (text, at)
