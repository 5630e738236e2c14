"""One request and its response: joined to the transcript, and checked before it is handed over."""

import pytest

from holysheep_core import (
    APIConnectionError,
    DeadlineExceededError,
    FirstToken,
    FirstTokenTimeoutError,
    InvalidJSONOutputError,
    InvalidToolCallError,
    RateLimitError,
    Resumed,
    StreamCutError,
    StreamInterruptedError,
    StreamStalledError,
    Timeouts,
    TokenLimitError,
)
from holysheep_core.engine.clocks import Clocks
from holysheep_core.types import Delta
from support.engine import exchange, parts
from support.sse import END, choice, event, said

SEEN = "Many sheep jumped over the wooden fence"
JSON = {"response_format": {"type": "json_object"}}


def tool(arguments, **more):
    function = {"name": "count", "arguments": arguments}
    return choice({"tool_calls": [{"index": 0, "id": "t", "function": function}]}, **more)


def test_text_and_reasoning_reach_the_reader_and_the_transcript_alike():
    call = parts()
    running = exchange(call)
    assert running.take([("", "Hm. "), ("one ", ""), ("two", "Yes.")], 2.0) == [
        Delta("", "Hm. "),
        Delta("one ", ""),
        Delta("two", "Yes."),
    ]
    assert running.shown == call.transcript.text == "one two"
    assert call.transcript.reasoning == "Hm. Yes."


def test_the_first_token_is_noted_with_the_first_piece_only():
    call = parts()
    running = exchange(call)
    running.take([], 1.5)
    running.take([("one", "")], 2.0)
    running.take([("two", "")], 3.0)
    assert [each.latency for each in call.events if isinstance(each, FirstToken)] == [1.0]


def test_a_continuation_shows_only_what_is_new_and_sends_one_event():
    call = parts(text=SEEN)
    running = exchange(call)
    pieces = [running.next_request.anchor, ", and", " slept"]
    deltas = [delta.text for text in pieces for delta in running.take([(text, "")], 2.0)]
    assert deltas == [", and", " slept"]
    assert call.transcript.text == SEEN + ", and slept"
    [resumed] = [each for each in call.events if isinstance(each, Resumed)]
    assert (resumed.attempt, resumed.characters) == (1, len(SEEN))
    assert resumed.removed == len(running.next_request.anchor)


def test_the_reasoning_of_a_continuation_is_not_shown():
    running = exchange(parts(text=SEEN))
    assert running.take([("", "They want the rest.")], 2.0) == []


@pytest.mark.parametrize(
    ("said_again", "shown"),
    [("Hm. Yes. So", ["So"]), ("Hm. Yes.", []), ("Hm. No, wait", []), ("Well", [])],
)
def test_the_reasoning_of_a_replay_is_shown_beyond_what_was_seen_if_it_is_the_same(
    said_again, shown
):
    for size in (100, 1):
        running = exchange(parts(reasoning="Hm. Yes. "))
        pieces = [said_again[at : at + size] for at in range(0, len(said_again), size)]
        deltas = running.take([("", piece) for piece in pieces], 2.0)
        assert "".join(delta.reasoning for delta in deltas) == "".join(shown)


def test_what_is_not_proven_is_held_and_never_released_by_time():
    running = exchange(parts(text=SEEN))
    assert running.take([("Sure, so", "")], 2.0) == []
    assert running.take([(" we went", "")], 7000.0) == []
    assert running.release(limited=False) == []
    assert running.rejected == "unproven"
    assert isinstance(running.difference(), StreamInterruptedError)


def test_another_answer_is_rejected_and_not_shown():
    running = exchange(parts(text=SEEN))
    assert running.difference() is None
    different = SEEN[:30] + " fences, and others slept. Nobody counted them, or was seen to. " * 6
    assert running.take([(different, "")], 2.0) == []
    assert running.rejected == "different"
    assert isinstance(running.difference(), StreamInterruptedError)


# -- may it be handed over? -----------------------------------------------------------------


def test_a_whole_tool_call_is_handed_over_with_the_end():
    running = exchange(parts(), tool('{"a": 1}'), END)
    assert running.finish({}) == ([], None)
    [called] = running.tool_calls
    assert (called.name, called.arguments) == ("count", '{"a": 1}')


@pytest.mark.parametrize(
    ("reason", "error"), [("tool_calls", InvalidToolCallError), ("length", TokenLimitError)]
)
def test_half_a_tool_call_is_an_error_that_names_the_tool(reason, error):
    running = exchange(parts(), tool('{"a": ', finish_reason=reason))
    _, found = running.finish({})
    assert type(found) is error
    assert "'count'" in str(found)
    assert running.tool_calls == ()


@pytest.mark.parametrize(
    ("text", "params", "error"),
    [
        ('{"a": 1}', JSON, None),
        ('{"a": ', JSON, InvalidJSONOutputError),
        ('{"a": ', {}, None),
        ('{"a": ', {"response_format": {"type": "text"}}, None),
    ],
)
def test_json_that_was_asked_for_has_to_parse(text, params, error):
    running = exchange(parts(), said(text), END)
    running.take([(text, "")], 2.0)
    assert type(running.finish(params)[1]) is (error or type(None))


@pytest.mark.parametrize(
    "ending",
    [
        choice({"refusal": "No."}, finish_reason="stop"),
        choice({}, finish_reason="content_filter"),
        tool("{}", finish_reason="tool_calls"),
    ],
    ids=["refusal", "content_filter", "tool call"],
)
def test_an_answer_that_cannot_be_json_is_excused(ending):
    assert exchange(parts(), ending).finish(JSON)[1] is None


# -- a connection that failed ---------------------------------------------------------------


def test_a_connection_that_breaks_after_the_end_changes_nothing():
    running = exchange(parts(), said("whole"), END)
    assert running.broken(StreamCutError("cut")) is None
    assert running.lateness(Clocks(Timeouts(), 0.0), 999.0) is None


def test_a_connection_that_breaks_after_an_error_event_leaves_that_error():
    running = exchange(parts(), event(error={"message": "slow down", "code": 429}))
    assert isinstance(running.broken(StreamCutError("cut")), RateLimitError)


def test_a_cut_before_any_content_is_a_failed_connection():
    cut = StreamCutError("reset by peer")
    found = exchange(parts()).broken(cut)
    assert type(found) is APIConnectionError
    assert found.__cause__ is cut
    assert exchange(parts(), said("half")).broken(cut) is cut


@pytest.mark.parametrize(
    ("events", "now", "error"),
    [
        ([], 5.0, FirstTokenTimeoutError),
        ([said("half")], 5.0, StreamStalledError),
        ([said("half")], 60.0, DeadlineExceededError),
    ],
)
def test_lateness_is_named_by_the_limit_that_passed(events, now, error):
    clocks = Clocks(Timeouts(first_token=2.0, stall=2.0, total=60.0), 0.0)
    assert type(exchange(parts(), *events).lateness(clocks, now)) is error


def test_the_end_of_an_attempt_is_recorded_with_the_text_it_gave():
    call = parts(text=SEEN)
    running = exchange(call)
    running.take([(running.next_request.anchor + "! Then", "")], 2.0)
    running.end("StreamCutError", 4.0)
    [attempt] = call.ledger.attempts
    assert (attempt.outcome, attempt.duration) == ("StreamCutError", 3.0)
    assert attempt.characters == len("! Then")
