"""How long a server asks to wait: every form seen, and nonsense that counts as none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core import OverloadedError, StreamingRetryHandler
from holysheep_core.protocol.error_response import refusal
from holysheep_core.protocol.rate_limit_headers import reset_wait, retry_after, wait_in_words
from holysheep_core.simulator import error_event, refuse

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("1s", 1), ("6m0s", 360), ("12ms", 0.012), ("1h2m3.5s", 3723.5), ("1d", 86400)),
        *(("45", 45), ("0.5", 0.5), (str(int(NOW) + 45), 45), (str(int(NOW + 45) * 1000), 45)),
        *(("0", None), ("-1", None), ("0s", None), ("soon", None), ("", None), ("nan", None)),
        *(("inf", None), (str(int(NOW) - 45), None), ("1e300", None), ("5 parsecs", None)),
    ],
)
def test_a_reset_header_is_read_in_every_form(value, seconds):
    for name in (
        "x-ratelimit-reset",
        "x-ratelimit-reset-requests",
        "llm_provider-x-ratelimit-reset-tokens",
        "anthropic-ratelimit-input-tokens-reset",
    ):
        wait = reset_wait({name: value}, wall=NOW)
        assert wait == (None if seconds is None else pytest.approx(seconds)), name


@pytest.mark.parametrize("written", ["2026-11-18T10:00:45Z", "2026-11-18T19:00:45+09:00"])
def test_rfc_3339_is_counted_from_the_servers_own_clock(written):
    headers = {
        "anthropic-ratelimit-requests-reset": written,
        "date": "Wed, 18 Nov 2026 10:00:00 GMT",
    }
    assert reset_wait(headers, wall=0.0) == 45


def test_the_exhausted_window_counts_and_else_the_longest():
    both = {"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "6m0s"}
    assert reset_wait(both, wall=NOW) == 360
    assert reset_wait({**both, "x-ratelimit-remaining-requests": "0"}, wall=NOW) == 2
    neither = {"x-ratelimit-remaining-requests": "5", "x-ratelimit-remaining-tokens": "7"}
    assert reset_wait({**both, **neither}, wall=NOW) == 360


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit exceeded. Retry after 5 seconds", 5),
        ("Limit 3, Used 3. Please try again in 20s. Visit …", 20),
        ("Please try again in 6m0s.", 360),
        ("Please retry after 1.5 minutes", 90),
        ("try again in 120ms", 0.12),
        ("Please wait 2 minutes, 5 seconds", 125),
        ("요청이 너무 많습니다. 5초 후에 다시 시도하세요.", 5),
        ("잠시 후, 2분 뒤에 다시 시도하세요", 120),
        *(("Too many requests", None), ("Limit is 60 per 1 minute", None), ("Retry later", None)),
        *(("retry after 5 sheep", None), ("", None), ("retry after 99999999 hours", None)),
    ],
)
def test_a_wait_in_words_is_read(message, seconds):
    assert wait_in_words(message) == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=80))
def test_no_text_is_too_strange_for_it(text):
    for wait in (
        retry_after({"retry-after": text}, wall=NOW),
        reset_wait({"x-ratelimit-reset": text}, wall=NOW),
        wait_in_words(f"retry after {text}"),
    ):
        assert wait is None or wait >= 0


def refused(status, error, **headers):
    body = json.dumps({"error": error}).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(status, given, body, wall=NOW)


def test_the_plainest_place_wins():
    words = {"message": "Retry after 9 seconds"}
    assert refused(429, words).retry_after == 9
    assert refused(429, words, x_ratelimit_reset_requests="6m0s").retry_after == 9
    assert refused(429, {"message": "no"}, x_ratelimit_reset_requests="7s").retry_after == 7
    assert refused(429, words, x_ratelimit_reset_requests="7s", retry_after="5").retry_after == 5
    nested = {"message": "no", "metadata": {"headers": {"X-RateLimit-Reset": str(NOW * 1000)}}}
    assert refused(429, nested).retry_after is None  # that moment is now
    nested["metadata"]["headers"]["X-RateLimit-Reset"] = str(int(NOW + 8) * 1000)
    assert refused(429, nested).retry_after == 8
    assert refused(429, {"message": "no", "retry_after": 3}).retry_after == 3


def test_windows_and_words_are_believed_in_a_rate_limit_only():
    for status in (400, 500, 503):
        error = refused(status, {"message": "Retry after 9 seconds"}, x_ratelimit_reset="7s")
        assert error.retry_after is None
    assert refused(503, {"message": "busy"}, retry_after="7").retry_after == 7
    assert isinstance(refused(503, {"message": "busy"}), OverloadedError)


def test_a_wait_inside_an_error_event_is_kept(play, text):
    wait = {"type": "rate_limit_error", "message": "Please try again in 30ms."}
    script = play(faults=[error_event(0, wait)])
    told = []
    with StreamingRetryHandler("k", base_url=script.base_url, on_event=told.append) as handler:
        assert handler.complete("gpt-4.1", [{"role": "user", "content": "go"}]).text == text
    assert [event.wait for event in told if type(event).__name__ == "RateLimitWait"] == [0.03]


def test_a_long_wait_named_by_a_reset_header_downgrades_at_once(play):
    script = play(faults=[refuse(429, headers={"x-ratelimit-reset-requests": "6m0s"})])
    with StreamingRetryHandler("k", base_url=script.base_url) as handler:
        completion = handler.complete("gpt-4.1", [{"role": "user", "content": "go"}])
    assert completion.model == "gemini-2.5-flash"
    assert completion.waited == 0
