"""Who of two requests has content, and within which limits each runs."""

import types

import pytest

from holysheep_core import InvalidResponseError
from holysheep_core.client.first_content import POLL, FirstContent, Racer
from support.sse import said

SSE = {"content-type": "text/event-stream"}
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'


def test_comments_and_empty_deltas_are_no_content():
    first = FirstContent(200, SSE)
    assert not first.is_in(b": comment\n\n" + ROLE)
    assert first.is_in(said("a"))


def test_content_that_comes_byte_by_byte_is_found_at_its_end():
    first, event = FirstContent(200, SSE), said("양")
    assert [first.is_in(event[at : at + 1]) for at in range(len(event))].index(True) >= len(
        event
    ) - 2


def test_a_refusal_has_no_content():
    assert not FirstContent(500, {}).is_in(said("a"))


def test_what_is_no_chat_completion_is_an_error():
    with pytest.raises(InvalidResponseError):
        FirstContent(200, {"content-type": "text/html"}).is_in(b"<html>" * 10)


def test_the_second_request_has_its_own_time_and_after_the_end_that_of_the_call():
    session = types.SimpleNamespace(deadline=10.0, end=99.0, first_connect=2.0)
    first, second = Racer(session), Racer(session, later=3.0)
    assert (first.deadline, second.deadline) == (10.0, 13.0)
    assert (second.end, second.first_connect, second.heartbeat) == (99.0, 2.0, POLL)
    second.won, first.lost = True, True
    assert second.deadline == 10.0
    assert first.deadline == 0.0


def test_only_the_winner_tells_the_call_what_happens():
    told = []
    session = types.SimpleNamespace(
        deadline=None, receive_upload=told.append, receive_silence=told.append
    )
    racer = Racer(session)
    racer.receive_upload(1.0)
    racer.receive_silence(2.0)
    assert told == []
    racer.won = True
    racer.receive_upload(3.0)
    racer.receive_silence(4.0)
    assert told == [3.0, 4.0]
    assert racer.deadline is None
