"""How long a server asks to wait, in every form servers say it.

`retry-after-ms`, `retry-after` and Google's `RetryInfo` are requests to wait.
`x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset` and IETF's `ratelimit` only say when a window
of a limit is reset; they come with every response. Some gateways say it in the message alone
("Please try again in 6m0s", "请在20秒后重试").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

_ABSURD = 366 * 24 * 3600.0  # whoever asks for more is broken, or hostile
_EPOCH, _EPOCH_MS = 1e9, 1e12  # no server asks to wait 30 years: such numbers are moments

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_CJK_UNITS = {
    **dict.fromkeys(("毫秒", "ミリ秒", "밀리초"), "ms"),
    **dict.fromkeys(("秒钟", "秒鐘", "秒", "초"), "s"),
    **dict.fromkeys(("分钟", "分鐘", "分", "분"), "m"),
    **dict.fromkeys(("个小时", "小时", "小時", "時間", "시간"), "h"),
    **dict.fromkeys(("天", "日", "일"), "d"),
}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)", re.ASCII)
_RESET = re.compile(
    r"(?:x-rate-?limit-reset(?:-(.+))?|ratelimit-reset|anthropic-ratelimit-(.+)-reset)$"
)
_IETF = re.compile(r"(?:^|[;,\s])(r|t|remaining|reset)\s*=\s*(\d+(?:\.\d+)?)", re.ASCII)
_PREFIXES = ("", "llm_provider-")
_WORDS = re.compile(
    r"(?:try(?: your request)? again|retry(?: your request)?|wait|available|resets?|cooldown)"
    r"(?:ing)?(?: again)?(?:[- _](?:in|after|for))?[:=]? *(?:about |at least |another |~)?"
    r"((?:\d+(?:\.\d+)?\s*"
    r"(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?![a-z])"
    r"(?:[ ,]|and )*)+)",
    re.IGNORECASE | re.ASCII,
)
_CJK_UNIT = "|".join(sorted(_CJK_UNITS, key=len, reverse=True))
_CJK = rf"((?:\d+(?:\.\d+)?\s*(?:{_CJK_UNIT})\s*)+)"
_CJK_WORDS = (
    re.compile(_CJK + r"(?:間|间|간|ほど|程度|정도)?\s*(?:之|以)?(?:后|後|후|뒤|이후|お?待|기다)"),
    re.compile(r"(?:等待|请等|請等|稍候|稍等|再试|再試|重试|重試|待って)[^\d。]{0,6}" + _CJK),
)
_WORD_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*([a-z]+|{_CJK_UNIT})", re.IGNORECASE)
_IN_WORDS = re.compile(
    r"\d+(?:\.\d+)? ?(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)",
    re.IGNORECASE | re.ASCII,
)
_LIST = re.compile(r"\d{1,9}(?:\.\d+)?(?:\s*,\s*\d{1,9}(?:\.\d+)?)+", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:", re.ASCII)
_MOMENT = re.compile(r"[1-9]\d{9}(?:\d{3})?", re.ASCII)
"""Unix time, in seconds or milliseconds: as seconds to wait it is absurd."""
_RETRY_DELAY = re.compile(r"retryDelay\W{1,20}(\d+(?:\.\d+)?)(ms|s)", re.ASCII)
_BODY_SECONDS = (
    *("retry_after", "retryAfter", "retry-after", "retry_after_seconds", "retryAfterSeconds"),
    *("resets_in_seconds", "wait_seconds", "retry_in", "estimated_time"),
)
_BODY_MILLISECONDS = ("retry_after_ms", "retryAfterMs", "retry-after-ms")


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """Return what `x-should-retry` says, as OpenAI's and Anthropic's clients obey it; else None.

    Args:
        headers: Names in lower case.
    """
    said = headers.get("x-should-retry", "").strip().lower()
    return {"true": True, "false": False}.get(said)


def retry_after(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return the seconds a server asks to wait, or None if it does not say.

    `retry-after-ms`, and Azure's and Portkey's `x-ms-retry-after-ms`, win over `retry-after`,
    being more exact; the latter may be seconds, fractions of them, or an HTTP-date, which is
    counted from the response's own `Date` so that a wrong clock on this side does no harm.
    Negative and absurd values count as none. LiteLLM passes its upstream's header on under a
    prefix.

    Args:
        headers: Names in lower case.
        wall: Unix time now, for a date that comes without a `Date` header.
    """
    for prefix in _PREFIXES:
        for name in ("retry-after-ms", "x-ms-retry-after-ms"):
            milliseconds = _number(headers.get(f"{prefix}{name}"))
            if milliseconds is not None:
                return milliseconds / 1000
        value = headers.get(f"{prefix}retry-after", "").strip().strip('"').strip()
        seconds = _seconds(value)
        if seconds is not None:
            return seconds
        then = _http_date(value)
        if then is None and _RFC3339.match(value):
            then = _rfc3339(value)
        if then is None and _MOMENT.fullmatch(value):
            then = float(value[:10])
        if then is not None:
            return _sane(_until(then, headers, wall))
    return None


def _seconds(value: str) -> float | None:
    """Return the seconds that a value of `retry-after` names, in or beside HTTP's form.

    Beside it: "13s", "1m30s", "30 seconds", and "5, 30" where a proxy wrote its own header beside
    the server's, of which the longer wait is right.
    """
    seconds = _number(value)
    if seconds is None and _DURATION.fullmatch(value):
        seconds = _duration(value)
    if seconds is None and _IN_WORDS.fullmatch(value):
        seconds = _sane(sum(float(n) * _unit(unit) for n, unit in _WORD_PART.findall(value)))
    if seconds is None and _LIST.fullmatch(value):
        waits = [_number(each.strip()) for each in value.split(",")]
        seconds = max((wait for wait in waits if wait is not None), default=None)
    return seconds


def wait_in_body(fields: Mapping[str, Any], text: str) -> float | None:
    """Return the seconds that fields of an error's body ask to wait, or None.

    Google's `RetryInfo` may be inside a text inside the JSON, since gateways quote it.

    Args:
        fields: The error's fields.
        text: The whole body.
    """
    found = _RETRY_DELAY.search(text)
    if found is not None:
        return _sane(float(found.group(1)) * _UNITS[found.group(2)])
    inner = fields.get("metadata")
    for place in (fields, inner if isinstance(inner, dict) else {}):
        for names, unit in ((_BODY_MILLISECONDS, 0.001), (_BODY_SECONDS, 1.0)):
            for name in names:
                value = place.get(name)
                if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                    continue
                seconds = _number(str(value).strip().removesuffix("s"))
                if seconds is not None:
                    return seconds * unit
    return None


def reset_wait(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return the seconds until a rate limit's windows are reset, or None if none is named.

    Of several (requests, tokens, …) the exhausted ones count, the longest of them; where the
    server does not say which are, the longest of all. Read are durations ("1s", "6m0s",
    "12ms"), seconds, Unix time in seconds and in milliseconds, and RFC 3339. Zero and negative
    values, which Azure sends, count as none.

    Args:
        headers: Names in lower case.
        wall: Unix time now, for a moment that comes without a `Date` header.
    """
    exhausted: list[float] = []
    named: list[float] = []
    for prefix in _PREFIXES:
        for name, value in headers.items():
            if not name.startswith(prefix):
                continue
            if name.removeprefix(prefix) == "ratelimit":
                _read_ietf(value, exhausted, named)
                continue
            wait = _moment(value, headers, wall) if _RESET.match(name.removeprefix(prefix)) else 0
            if not wait:
                continue
            named.append(wait)
            if headers.get(re.sub("reset", "remaining", name)) == "0":
                exhausted.append(wait)
    return max(exhausted or named, default=None)


def _read_ietf(value: str, exhausted: list[float], named: list[float]) -> None:
    """Read IETF's `RateLimit`: `limit=9, remaining=0, reset=30`, or `"default";r=0;t=30, …`."""
    for policy in value.split(",") if ";" in value else [value]:
        parts = dict(_IETF.findall(policy))
        wait = _number(parts.get("t", parts.get("reset")))
        if not wait:
            continue
        named.append(wait)
        if _number(parts.get("r", parts.get("remaining"))) == 0:
            exhausted.append(wait)


@dataclass(frozen=True)
class Allowance:
    """What a server says is left of its limits.

    Attributes:
        requests: Requests that may still be made; None if it does not say.
        tokens: Likewise tokens.
        until: When the windows are reset, on the caller's clock.
    """

    requests: int | None
    tokens: int | None
    until: float


def allowance(headers: Mapping[str, str], *, now: float, wall: float) -> Allowance | None:
    """Return what `x-ratelimit-remaining-*` say is left, or None if they or the reset are missing.

    Args:
        headers: Names in lower case.
        now: The time on the caller's clock.
        wall: Unix time now, for a reset that is a moment.
    """
    requests = _count(
        headers, "x-ratelimit-remaining-requests", "x-ratelimit-remaining", "ratelimit-remaining"
    )
    tokens = _count(headers, "x-ratelimit-remaining-tokens")
    wait = reset_wait(headers, wall=wall)
    if wait is None or (requests is None and tokens is None):
        return None
    return Allowance(requests, tokens, now + wait)


def _count(headers: Mapping[str, str], *names: str) -> int | None:
    for name in names:
        number = _number(headers.get(name))
        if number is not None:
            return int(number)
    return None


def wait_in_words(message: str) -> float | None:
    """Return the seconds an error's message asks to wait, or None if it names none."""
    found = next(filter(None, (way.search(message) for way in (_WORDS, *_CJK_WORDS))), None)
    if found is None:
        return None
    return _sane(sum(float(n) * _unit(unit) for n, unit in _WORD_PART.findall(found.group(1))))


def _unit(word: str) -> float:
    word = word.lower()
    if word == "ms" or word.startswith("milli"):
        return 0.001
    return _UNITS[_CJK_UNITS.get(word, word[0])]


def _duration(value: str) -> float | None:
    return _sane(sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(value)))


def _moment(value: str, headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds until what a reset header names."""
    value = value.strip()
    if _DURATION.fullmatch(value):
        return _duration(value)
    try:
        number = float(value)
    except ValueError:
        then = _rfc3339(value)
    else:
        if number < _EPOCH:
            return _sane(number)
        then = number / 1000 if number >= _EPOCH_MS else number
    return None if then is None else _sane(_until(then, headers, wall))


def _until(then: float, headers: Mapping[str, str], wall: float) -> float:
    sent = _http_date(headers.get("date", ""))
    return max(0.0, then - (wall if sent is None else sent))


def _number(value: str | None) -> float | None:
    if value is None or "_" in value or not value.isascii():  # which `float` reads, and HTTP not
        return None
    try:
        return _sane(float(value))
    except ValueError:
        return None


def _sane(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= _ABSURD else None


def _rfc3339(value: str) -> float | None:
    try:
        then = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value))
        return (then if then.tzinfo else then.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


def _http_date(value: str) -> float | None:
    try:
        then = parsedate_to_datetime(value)
        # asctime's form names no zone and means GMT (RFC 9110, 5.6.7).
        return (then if then.tzinfo else then.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
