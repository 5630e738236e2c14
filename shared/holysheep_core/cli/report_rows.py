"""The figures of a report as rows of text, for the terminal and for the page."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from holysheep_core.cli.report_data import FailedCall, Group, Report, percentile
from holysheep_core.cli.words import Words
from holysheep_core.secrets import redact_line


def head(words: Words, first: str, count: str) -> list[str]:
    """Return the columns of `as_table`; latencies are the 50th / 95th / 99th percentile.

    Args:
        words: The language.
        first: Key of the first column's name.
        count: Key of what is counted: "requests" or "calls".
    """
    # A request that fails is no failure of its call: another one may have completed it.
    rate = "requests_answered" if count == "requests" else "success_rate"
    rest = (rate, "first_token_s", "total_latency_s", "tokens_in_out", "usd")
    return [words(first), words(count), *map(words, rest)]


def as_table(groups: Iterable[Group], words: Words) -> list[list[str]]:
    """Return a row of text for each group; `head` has the columns."""
    return [
        [
            redact_line(group.name),
            f"{group.count:,}",
            f"{100 * group.availability:.2f} %",
            spread(group.first_tokens),
            spread(group.durations),
            f"{group.usage.input_tokens:,} / {group.usage.output_tokens:,}",
            money(group, words),
        ]
        for group in groups
    ]


def failed_head(words: Words) -> list[str]:
    """Return the columns of `as_failed`."""
    return list(map(words, ("time", "error", "model", "provider", "call_id", "request_id")))


def as_failed(failures: Iterable[FailedCall]) -> list[list[str]]:
    """Return a row of text for each failed call."""
    return [
        [
            clock(each.at),
            *map(redact_line, (each.error, each.model, each.provider, each.call_id)),
            redact_line(", ".join(each.request_ids)) or "-",
        ]
        for each in failures
    ]


def spread(values: Sequence[float]) -> str:
    """Return the 50th / 95th / 99th percentile as text."""
    found = [percentile(values, share) for share in (0.5, 0.95, 0.99)]
    return " / ".join("-" if each is None else f"{each:.2f}" for each in found)


def money(group: Group, words: Words) -> str:
    """Return the cost of a group in US$, and the number without a known price."""
    known = f"{group.cost:,.4f}"
    if not group.unpriced:
        return known
    if group.unpriced == group.count:
        return words("unknown")
    return words("known_and_unknown", known=known, unknown=group.unpriced)


def facts(found: Report, words: Words) -> list[tuple[str, str, str]]:
    """Return the main figures: name, value, remark."""
    calls = found.calls
    failed = words("none_failed")
    if calls.failed:
        failed = words("some_failed", failed=f"{calls.failed:,}", count=f"{calls.count:,}")
    closed = calls.count - calls.failed - len(calls.durations)
    late = percentile(calls.first_tokens, 0.95)
    # Adding 0.0 turns a negative zero into 0.
    saving = words("unknown")
    if found.saving is not None:
        saving = f"US$ {round(found.saving, 4) + 0.0:,.4f}"
    # Against the only model that was paid for there is nothing to save.
    paid = {each.name for each in found.models if each.count > each.unpriced}
    compared = words("saving", model=redact_line(found.against), saving=saving)
    return [
        (words("calls"), f"{calls.count:,}", words("closed", count=f"{closed:,}")),
        (words("success_rate"), f"{100 * calls.availability:.3f} %", failed),
        (
            words("first_token_p95"),
            "-" if late is None else f"{late:.2f} s",
            spread(calls.first_tokens),
        ),
        (words("recovered"), f"{calls.resumed:,}", words("resumes", count=f"{found.resumes:,}")),
        (words("saved"), f"{found.saved_characters:,}", words("saved_remark")),
        (
            words("waited"),
            f"{found.waited:,.1f} s",
            words("fallbacks", count=f"{found.downgrades.total():,}"),
        ),
        (
            words("tokens"),
            f"{calls.usage.total_tokens:,}",
            words(
                "in_and_out",
                read=f"{calls.usage.input_tokens:,}",
                written=f"{calls.usage.output_tokens:,}",
            ),
        ),
        (
            words("cost"),
            f"US$ {money(calls, words)}",
            "" if paid == {found.against} else compared,
        ),
    ]


def lists(found: Report, words: Words) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Return the counts by name: (title, (name, count) pairs)."""
    recovered = {"recovered": f"{found.recovered:,}", "count": f"{found.troubles.total():,}"}
    return [
        (words("failed_calls_by_error"), found.errors.most_common()),
        (words("failed_requests", **recovered), found.troubles.most_common()),
        (words("moves"), found.downgrades.most_common()),
    ]


def clock(at: float) -> str:
    """Return a Unix time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def span(found: Report, words: Words) -> str:
    """Return the length of the report's time, in words."""
    return length(found.until - found.since, words)


def length(seconds: float, words: Words) -> str:
    """Return a length of time in words: "30 minutes", "24 hours"."""
    hours = seconds / 3600
    if hours < 1:
        return words("minutes", count=f"{hours * 60:g}")
    return words("an_hour") if hours == 1 else words("hours", count=f"{hours:g}")
