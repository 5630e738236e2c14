"""Streams of any HTTP library, as dicts."""

import logging

import httpx
import pytest
import requests

from holysheep_core import InvalidResponseError, parse_sse_stream

BODY = (
    ": comment\n\n"
    'data: {"choices": [{"delta": {"content": "양 한 마리"}}]}\n\n'
    'data:{"choices": [{"delta": {"content": ", 두 마리"}}]}\r\n\r\n'
    "event: odd\ndata: no json\n\n"
    "data: [DONE]\n\n"
    'data: {"after": "the end"}\n\n'
)
TEXT = "양 한 마리, 두 마리"


def text_of(chunks):
    return "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)


@pytest.mark.parametrize("size", range(1, 40))
def test_pieces_split_anywhere(size):
    raw = BODY.encode()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert text_of(parse_sse_stream(iter(pieces))) == TEXT


@pytest.mark.parametrize("kind", [str, bytes])
def test_lines_without_their_newlines(kind):
    lines = BODY.splitlines()
    lines = lines if kind is str else [line.encode() for line in lines]
    assert text_of(parse_sse_stream(iter(lines))) == TEXT


def test_an_event_comes_as_soon_as_its_lines_have():
    seen = []

    def lines():
        for number in range(3):
            yield f'data: {{"n": {number}}}'
            yield ""
            seen.append(number)

    events = parse_sse_stream(lines())
    assert next(events) == {"n": 0}
    assert seen == []


def test_a_response_of_httpx_and_of_requests(play):
    script = play(text=TEXT)
    url = f"{script.base_url}/chat/completions"
    body = {"model": "m", "messages": [{"role": "user", "content": "go"}], "stream": True}
    with httpx.stream("POST", url, json=body) as response:
        first = "".join(
            chunk["choices"][0]["delta"].get("content") or ""
            for chunk in parse_sse_stream(response)
            if chunk["choices"]
        )
    with requests.post(url, json=body, stream=True, timeout=10) as response:
        second = [chunk for chunk in parse_sse_stream(response) if chunk["choices"]]
    with requests.post(url, json=body, stream=True, timeout=10) as response:
        third = [chunk for chunk in parse_sse_stream(response.iter_lines()) if chunk["choices"]]
    assert first == TEXT
    assert len(second) == len(third) > 2


def test_what_is_no_json_is_left_out_with_a_warning_and_without_control_characters(caplog):
    with caplog.at_level(logging.WARNING):
        assert list(parse_sse_stream([b"data: \x1b[2Jno\n\ndata: [1]\n\ndata: {}\n\n"])) == [{}]
    assert len(caplog.records) == 2
    assert "\x1b" not in caplog.text


def test_events_with_their_names_if_asked():
    events = list(parse_sse_stream([BODY.encode()], as_events=True))
    assert [event.event for event in events] == ["message", "message", "odd", "message", "message"]
    assert events[3].data == b"[DONE]"


def test_an_endless_event_is_an_error():
    with pytest.raises(InvalidResponseError):
        list(parse_sse_stream([b"data: aaaa\n\n"], max_event_bytes=3))


def test_nothing_is_no_error():
    assert list(parse_sse_stream([])) == []
