"""What the counters say of each failure."""

from types import SimpleNamespace

import pytest

from holysheep_core import (
    APIConnectionError,
    InvalidToolCallError,
    ServerError,
    StreamCutError,
    StreamStalledError,
)
from holysheep_core.engine.counts import SOUND_PROGRESS, Counts
from holysheep_core.errors import caused


def exchange(shown="", *, content=False, status=200, rejected=""):
    decoder = SimpleNamespace(has_content=content, status=status)
    return SimpleNamespace(shown=shown, decoder=decoder, rejected=rejected)


def test_failures_in_a_row_are_counted_until_one_adds_text_or_the_call_moves():
    counts = Counts()
    here = [counts.note(ServerError(), exchange(), resumes=0).here for _ in range(3)]
    assert here == [1, 2, 3]
    cut = counts.note(StreamCutError(), exchange("text", content=True), resumes=0)
    assert (cut.here, cut.progressed) == (1, True)
    counts.note(ServerError(), exchange(), resumes=1)
    counts.moved()
    assert counts.note(ServerError(), exchange(), resumes=1).here == 1


def test_a_resumed_request_has_progressed_only_with_enough_new_text():
    little, enough = "x" * (SOUND_PROGRESS - 1), "x" * SOUND_PROGRESS
    noted = [
        Counts().note(StreamCutError(), exchange(shown, content=True), resumes=resumes).progressed
        for shown, resumes in ((little, 0), (little, 1), (enough, 1))
    ]
    assert noted == [True, False, True]


def test_rejected_responses_and_bad_tool_calls_have_counters_of_their_own():
    counts = Counts()
    counts.note(ServerError(), exchange(), resumes=0)
    rejected = exchange("x" * 99, content=True, rejected="unproven")
    assert counts.note(StreamCutError(), rejected, resumes=1)[:2] == (1, False)
    bad = [counts.note(InvalidToolCallError(""), exchange(), resumes=0)[:2] for _ in range(2)]
    assert bad == [(1, True), (2, False)]


def test_stalls_are_counted_for_each_route():
    counts = Counts()
    for _ in range(2):
        counts.note(StreamStalledError(), exchange(content=True), resumes=0)
    assert counts.stalls == 2
    counts.moved()
    assert counts.stalls == 0


@pytest.mark.parametrize(
    ("failure", "status", "first"),
    [
        (caused(APIConnectionError(), StreamCutError()), None, True),
        (caused(APIConnectionError(), StreamCutError()), 200, False),
        (APIConnectionError(), None, False),
        (StreamCutError(), None, False),
    ],
)
def test_a_connection_closed_before_any_byte_is_noticed_the_first_time(failure, status, first):
    counts = Counts()
    early = [
        counts.note(failure, exchange(status=status), resumes=0).closed_early for _ in range(2)
    ]
    assert early == [first, False]
