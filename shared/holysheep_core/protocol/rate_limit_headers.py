"""How long a server asks to wait, in every form servers say it.

`retry-after-ms` and `retry-after` are requests to wait. `x-ratelimit-reset-*` and
`anthropic-ratelimit-*-reset` only say when a window of a limit is reset; they come with every
response. Some gateways say it in the message alone ("Please try again in 6m0s").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

_ABSURD = 366 * 24 * 3600.0  # whoever asks for more is broken, or hostile
_EPOCH, _EPOCH_MS = 1e9, 1e12  # no server asks to wait 30 years: such numbers are moments

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)", re.ASCII)
_RESET = re.compile(r"(?:x-ratelimit-reset(?:-(.+))?|anthropic-ratelimit-(.+)-reset)$")
_WORDS = re.compile(
    r"(?:try again|retry|wait|available)(?:ing)?(?: again)?(?: in| after| for)?:? *(?:about )?"
    r"((?:\d+(?:\.\d+)?\s*"
    r"(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)(?![a-z])[ ,]*)+)"
    r"|(\d+(?:\.\d+)?\s*[초분])\s*(?:후|뒤)",
    re.IGNORECASE | re.ASCII,
)
_WORD_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+|[초분])", re.IGNORECASE)


def retry_after(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return the seconds a server asks to wait, or None if it does not say.

    `retry-after-ms` wins over `retry-after`, being more exact; the latter may be seconds,
    fractions of them, or an HTTP-date, which is counted from the response's own `Date` so
    that a wrong clock on this side does no harm. Negative and absurd values count as none.
    LiteLLM passes its upstream's header on under a prefix.

    Args:
        headers: Names in lower case.
        wall: Unix time now, for a date that comes without a `Date` header.
    """
    for prefix in ("", "llm_provider-"):
        milliseconds = _number(headers.get(f"{prefix}retry-after-ms"))
        if milliseconds is not None:
            return milliseconds / 1000
        value = headers.get(f"{prefix}retry-after")
        if value is None:
            continue
        seconds = _number(value)
        if seconds is not None:
            return seconds
        then = _http_date(value)
        if then is not None:
            return _until(then, headers, wall)
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
    exhausted, named = [], []
    for prefix in ("", "llm_provider-"):
        for name, value in headers.items():
            found = _RESET.match(name.removeprefix(prefix)) if name.startswith(prefix) else None
            wait = _moment(value, headers, wall) if found else None
            if found is None or not wait:
                continue
            named.append(wait)
            if headers.get(re.sub("reset", "remaining", name)) == "0":
                exhausted.append(wait)
    return max(exhausted or named, default=None)


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
    requests = _count(headers, "x-ratelimit-remaining-requests", "x-ratelimit-remaining")
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
    found = _WORDS.search(message)
    if found is None:
        return None
    said = found.group(1) or found.group(2)
    return _sane(sum(float(n) * _unit(unit) for n, unit in _WORD_PART.findall(said)))


def _unit(word: str) -> float:
    word = word.lower()
    if word == "ms" or word.startswith("milli"):
        return 0.001
    return _UNITS[{"초": "s", "분": "m"}.get(word, word[0])]


def _moment(value: str, headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds until what a reset header names."""
    value = value.strip()
    if _DURATION.fullmatch(value):
        return _sane(sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(value)))
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
