"""Server-sent events: how a delta, an end and an error are written."""

import httpx
import pytest
from httpx_sse import EventSource

from holysheep_core import Completion, ConfigurationError, Delta, JournalError, ToolCall, Usage
from holysheep_core.client.sse_events import HEARTBEAT, Events, check_times, event, failed, hello
from holysheep_core.protocol.sse import SSEDecoder
from support.events import parse

ODD = 'a\nb\r\nc\rd\u2028e\u2029f\x85g\x0bh\x0ci\x1cj\x00k\ufeff"\\양👋 data: x\n\n'
COMPLETION = Completion(
    "Hi",
    "tool_calls",
    "gpt-4.1",
    "gpt-4.1-mini",
    "holysheep",
    Usage(3, 4),
    (),
    tool_calls=(ToolCall("c1", "look", '{"at": "양"}'),),
    resumes=2,
    downgrades=("gpt-4.1-mini",),
)


def test_any_text_is_one_event_that_every_parser_reads_alike():
    body = Events("a").of(Delta(ODD))
    assert parse([body]) == [("message", f"a:{len(ODD)}", {"text": ODD})]
    assert len(body.decode().splitlines()) == 3, "parsers that know too many line ends read it too"


@pytest.mark.parametrize("at", range(1, 60))
def test_bytes_may_be_split_anywhere(at):
    body = hello(1) + Events("양").of(Delta("양 \u2028👋\r\n")) + HEARTBEAT + event({}, "b", "done")
    ours = SSEDecoder()
    [first, last] = ours.feed(body[:at]) + ours.feed(body[at:])
    response = httpx.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=iter([body[:at], body[at:]]),
    )
    theirs = [each for each in EventSource(response).iter_sse() if each.data]
    assert [each.data for each in theirs] == [first.data.decode(), last.data.decode()]
    assert [each.id for each in theirs] == [first.id, last.id] == ["%EC%96%91:6", "b"]
    assert theirs[0].json() == {"text": "양 \u2028👋\r\n"}


def test_an_id_counts_characters_of_text_and_of_reasoning():
    events = Events("a")
    deltas = [Delta("", "why"), Delta("👋", ""), Delta("양\n", "so")]
    ids = [parse([events.of(delta)])[0][1] for delta in deltas]
    assert ids == ["a:0+3", "a:1+3", "a:3+5"]


DELTAS = [Delta("", "hm"), Delta("", "m"), Delta("ab"), Delta("c👋", "x"), Delta("e")]


@pytest.mark.parametrize("after", range(len(DELTAS) + 1))
@pytest.mark.parametrize("pieces", [1, 3, 9])
def test_a_reader_goes_on_after_any_event_though_the_pieces_are_others(after, pieces):
    first = Events("a")
    got = [parse([first.of(delta)])[0] for delta in DELTAS]
    last = got[after - 1][1] if after else None
    whole = [
        *("".join(delta.reasoning for delta in DELTAS)[i : i + pieces] for i in range(0, 4, pieces))
    ]
    texts = "".join(delta.text for delta in DELTAS)
    again, second = Events("a", last), got[:after]
    for reasoning in whole:
        second += parse([again.of(Delta("", reasoning))])
    for i in range(0, len(texts), pieces):
        second += parse([again.of(Delta(texts[i : i + pieces]))])
    assert "".join(data.get("text", "") for _, _, data in second) == texts
    assert "".join(data.get("reasoning", "") for _, _, data in second) == "hmmx"


@pytest.mark.parametrize(
    "wrong",
    [
        "b:3",
        "a",
        "a:",
        "a:-1",
        "a:x",
        "a:1+",
        "a:²",
        "a:" + "9" * 5000,
        "a:1\n",
        "a b:1",
        ":1",
        "x",
    ],
)
def test_an_id_of_something_else_is_an_error(wrong):
    with pytest.raises(JournalError, match="not one of this answer"):
        Events("a", wrong)


@pytest.mark.parametrize("name", ["a:3", "a b", "a\n\r\0", "양/?#%", "a+1"])
def test_any_name_can_be_part_of_an_id(name):
    [(_, written, _)] = parse([Events(name).of(Delta("xy"))])
    assert written.isascii()
    assert parse([Events(name, written).of(Delta("xyz"))])[0][2] == {"text": "z"}


def test_a_reader_with_more_than_the_answer_is_told():
    events = Events("a", "a:7")
    assert events.of(Delta("Hi")) == b""
    with pytest.raises(JournalError, match="7 characters were read, and the answer has 2"):
        events.of(COMPLETION)


def test_the_end_says_how_it_went():
    events = Events("a")
    events.of(Delta("Hi"))
    assert parse([events.of(COMPLETION)]) == [
        (
            "done",
            "a:2",
            {
                "finish_reason": "tool_calls",
                "model": "gpt-4.1-mini",
                "requested_model": "gpt-4.1",
                "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
                "tool_calls": [{"id": "c1", "name": "look", "arguments": '{"at": "양"}'}],
                "resumes": 2,
                "downgrades": ["gpt-4.1-mini"],
            },
        )
    ]


def test_an_error_has_its_class_as_its_type():
    [(kind, _, data)] = parse([failed(JournalError("no such answer"))])
    assert kind == "error"
    assert data == {"type": "JournalError", "message": "no such answer"}
    [(_, _, data)] = parse([failed(JournalError("x"), "RateLimitError: wait: 3 s")])
    assert data == {"type": "RateLimitError", "message": "wait: 3 s"}


def test_an_empty_delta_is_a_heartbeat_which_is_no_event():
    assert Events("a").of(Delta()) == HEARTBEAT
    assert parse([HEARTBEAT, hello(2.5)]) == []
    assert SSEDecoder().feed(hello(2.5) + b"data: x\n\n")[0].retry is None
    assert hello(2.5) == b"retry: 2500\n\n"


@pytest.mark.parametrize(
    ("heartbeat", "retry"), [(0, 1), (-1, 1), ("x", 1), (1, -1), (1, float("nan"))]
)
def test_numbers_are_checked(heartbeat, retry):
    with pytest.raises(ConfigurationError):
        check_times(heartbeat, retry)
