"""A call that is over: the completion its reader gets, and the record its observers get."""

import pytest

from holysheep_core import ServerError, StreamCompleted, Usage
from holysheep_core.engine.summary import completion_of, record_of
from support.engine import BIG, SMALL, exchange, parts
from support.sse import END, event, said


def finished(*events):
    """A call whose only request got these events, and its completion."""
    call = parts()
    running = exchange(call, *events)
    running.take([("whole", "Hm.")], 2.0)
    running.finish({})
    running.end("completed", 3.0)
    completion = completion_of(running, call.recovery, call.ledger, call.transcript, 3.0)
    return call, running, completion


def record(call, running, outcome):
    return record_of(outcome, running, call.recovery, call.ledger, call.transcript, 5.0)


def test_a_completion_has_the_text_and_what_it_took():
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    facts = {"id": "r-7", "model": "gpt-4.1-2025", "system_fingerprint": "fp"}
    call, _, completion = finished(said("whole"), event(choices=[], usage=usage, **facts), END)
    assert (completion.text, completion.reasoning) == ("whole", "Hm.")
    assert (completion.requested_model, completion.model) == ("gpt-4.1", "gpt-4.1-2025")
    assert (completion.provider, completion.finish_reason) == ("one", "stop")
    assert (completion.id, completion.system_fingerprint) == ("r-7", "fp")
    assert completion.usage == Usage(3, 2)
    assert completion.attempts == call.ledger.attempts


def test_a_completion_is_announced_by_an_event():
    call, _, _ = finished(said("whole"), END)
    assert call.events[-1] == StreamCompleted("c", 3.0, "gpt-4.1", 5, 1, 0)


def test_resumes_moves_and_waits_are_counted():
    call = parts()
    running = exchange(call, said("whole"), END)
    call.recovery.resumes = 2
    call.ledger.waited = 1.5
    call.ledger.moved(BIG, SMALL, "RateLimitError", 2.0)
    completion = completion_of(running, call.recovery, call.ledger, call.transcript, 3.0)
    assert (completion.resumes, completion.downgrades) == (2, ("gemini-2.5-flash",))
    assert completion.waited == 1.5


def test_a_server_that_names_no_model_and_no_reason_leaves_the_route_and_none():
    _, _, completion = finished(said("whole"), END)
    assert (completion.model, completion.finish_reason) == ("gpt-4.1", "stop")
    _, _, completion = finished(said("whole"), b"data: [DONE]\n\n")
    assert completion.finish_reason is None


@pytest.mark.parametrize(
    ("outcome", "named"), [(None, "closed"), (ServerError("down"), "ServerError")]
)
def test_a_record_names_how_a_call_ended(outcome, named):
    call, running, completion = finished(said("whole"), END)
    assert record(call, running, completion).outcome == "completed"
    assert record(call, running, outcome).outcome == named


def test_a_record_has_the_figures_and_no_text():
    call, running, completion = finished(said("whole"), END)
    kept = record(call, running, completion)
    assert (kept.call_id, kept.duration, kept.characters) == ("c", 5.0, 5)
    assert (kept.model, kept.provider, kept.finish_reason) == ("gpt-4.1", "one", "stop")
    assert "whole" not in repr(kept)
