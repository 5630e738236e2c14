"""How long a server asks to wait: every form seen, and nonsense that counts as none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core import OverloadedError, StreamingRetryHandler
from holysheep_core.protocol.error_response import refusal
from holysheep_core.protocol.rate_limit_headers import (
    reset_wait,
    retry_after,
    should_retry,
    wait_in_words,
)
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
        ("Please retry in 13.7s.", 13.7),
        ("Please try again in 1.5s", 1.5),
        ("try again in 2m30s", 150),
        ("try again in 20 ms", 0.02),
        ("Please try your request again in 10 seconds", 10),
        ("Rate limited. Retry-After: 3s", 3),
        ("Limit resets in 1 minute and 30 seconds", 90),
        ("Please wait another 2 hours", 7200),
        ("请求过于频繁，请在20秒后重试", 20),
        ("请 1 分钟 30 秒之后再试", 90),
        ("请等待 500 毫秒", 0.5),
        ("每分钟最多3次，请2分钟以后重试", 120),
        ("請稍候 15 秒", 15),
        ("レート制限に達しました。30秒後に再試行してください", 30),
        ("1分30秒ほど待ってから", 90),
        ("2時間後にお試しください", 7200),
        ("30초간 기다려 주세요", 30),
        ("1분 30초 후에 다시 시도하세요", 90),
        ("500밀리초 뒤에", 0.5),
        ("retry in ~5s", 5),
        *(("1分間に60回まで", None), ("每分钟60次", None), ("1분당 3회", None)),
        *(("Too many requests", None), ("Limit is 60 per 1 minute", None), ("Retry later", None)),
        *(("retry after 5 sheep", None), ("", None), ("retry after 99999999 hours", None)),
    ],
)
def test_a_wait_in_words_is_read(message, seconds):
    assert wait_in_words(message) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "1", "x-ms-retry-after-ms": "1500"}, 0.001),
        ({"retry-after": "13s"}, 13),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "30 seconds"}, 30),
        ({"retry-after": "2 min"}, 120),
        ({"retry-after": '"30"'}, 30),
        ({"retry-after": "5, 30"}, 30),  # a proxy's own beside the server's
        ({"retry-after": "5,5"}, 5),
        ({"retry-after": str(int(NOW) + 30)}, 30),
        ({"retry-after": str(int(NOW + 30) * 1000)}, 30),
        ({"retry-after": "2026-10-21T12:00:30Z", "date": "Wed, 21 Oct 2026 12:00:00 GMT"}, 30),
    ],
)
def test_a_wait_in_a_dialect_of_retry_after_is_read(headers, seconds):
    assert retry_after(headers, wall=NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit-reset": "30"}, 30),
        ({"ratelimit-reset": "30", "ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, 30),
        ({"ratelimit": "limit=100, remaining=0, reset=30"}, 30),
        ({"ratelimit": "limit=100, remaining=50, reset=30"}, 30),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": '"day";r=9;t=86400, "minute";r=0;t=20'}, 20),
        ({"ratelimit": '"day";r=9;t=40, "minute";r=3;t=20'}, 40),
        ({"x-ratelimit-reset-after": "2.5"}, 2.5),
        ({"x-rate-limit-reset": str(int(NOW) + 45)}, 45),
        ({"ratelimit": "soon"}, None),
        ({"ratelimit": '"default";r=0'}, None),
        ({"ratelimit-policy": '"default";q=100;w=60'}, None),
    ],
)
def test_ietfs_windows_are_read(headers, seconds):
    assert reset_wait(headers, wall=NOW) == (None if seconds is None else pytest.approx(seconds))


INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"details": [INFO]}}, 13),
        ([{"error": {"details": [{"@type": "other"}, {**INFO, "retryDelay": "1.5s"}]}}], 1.5),
        ({"error": {"message": json.dumps({"error": {"details": [INFO]}})}}, 13),
        ({"error": {"message": json.dumps(json.dumps({"details": [INFO]}))}}, 13),
        ({"error": {"retry_after": 3}}, 3),
        ({"error": {"message": "no"}, "retry_after_ms": 250}, 0.25),
        ({"error": {"metadata": {"retry_after_seconds": "7"}}}, 7),
        ({"error": {"retry_after": "2.5s"}}, 2.5),
        ({"error": {"resets_in_seconds": 60}}, 60),
        ({"error": "Model a/b is currently loading", "estimated_time": 20.0}, 20),
        *(({"error": {"retry_after": bad}}, None) for bad in (True, "soon", -1, None, [3], 1e300)),
        ({"error": {"details": [{"retryDelay": "99999999999s"}]}}, None),
        ([], None),
    ],
)
def test_a_wait_in_a_field_of_the_body_is_read(body, seconds):
    for status in (429, 503, 500):
        error = refusal(status, {}, json.dumps(body).encode(), wall=NOW)
        assert error.retry_after == (None if seconds is None else pytest.approx(seconds))
    assert refusal(400, {}, json.dumps(body).encode(), wall=NOW).retry_after is None


@pytest.mark.parametrize(
    ("said", "meant"), [("true", True), ("FALSE", False), ("", None), ("1", None)]
)
def test_what_a_server_says_of_another_try_is_read(said, meant):
    assert should_retry({"x-should-retry": said}) is meant
    assert should_retry({}) is None


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
