"""Answers and faults on the client's side of the socket."""

import httpx
import pytest

from holysheep_core.simulator import (
    cut,
    error_event,
    malformed,
    refuse,
    reply,
    slow,
    stall,
)
from support.posting import contents, post
from support.waiting import wait_until


def test_a_fault_free_stream_is_whole_and_ends_with_both_signs(play, text):
    body = post(play()).text
    assert contents(body) == text
    assert '"finish_reason":"stop"' in body
    assert body.endswith("data: [DONE]\n\n")


def test_an_answer_is_given_unstreamed_if_asked_for(play, text):
    answer = post(play(), stream=False).json()
    assert answer["choices"][0]["message"]["content"] == text
    assert answer["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("by", "error"), [("rst", httpx.ReadError), ("fin", httpx.RemoteProtocolError)]
)
def test_a_cut_is_seen_on_the_socket(play, by, error):
    with pytest.raises(error):
        post(play(faults=[cut(10, by)]))


def test_a_clean_early_end_shows_no_error_and_no_finish(play, text):
    for at in range(len(text) + 1):
        body = post(play(faults=[cut(at, "eof")])).text
        assert contents(body) == text[:at]
        assert '"finish_reason":"stop"' not in body


def test_a_stall_is_silent_and_notices_that_the_client_leaves(play):
    script = play(faults=[stall(10)])
    with pytest.raises(httpx.ReadTimeout):
        post(script, timeout=0.2)
    wait_until(lambda: script.requests[0].client_gone, 1)


def test_a_slow_start_sends_headers_and_a_comment_first(play):
    assert post(play(faults=[slow(0.05)])).text.startswith(": waiting")


def test_events_in_the_stream(play):
    assert '"error"' in post(play(faults=[error_event(5)])).text
    assert '[{"del\n' in post(play(faults=[malformed(5)])).text


def test_refusals_have_their_status_headers_and_body(play):
    answer = post(play(faults=[refuse(429, retry_after=7, code="rate_limit_exceeded")]))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert post(play(faults=[reply(200, "<p>", {"content-type": "text/html"})])).text == "<p>"
