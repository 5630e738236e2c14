"""`holysheep report --json` and `holysheep watch --json`: the figures for programs.

Times are in ISO 8601 with their zone, lengths of time in seconds, prices in US$; what is not known
is null.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from holysheep_core.cli.report_data import FailedCall, Group, Report, percentile
from holysheep_core.secrets import redact_line


def report_as_json(found: Report) -> dict[str, Any]:
    """Return a report as plain values."""
    calls = found.calls
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "calls": {
            **_group(calls),
            "recovered": calls.resumed,
            "closed_by_reader": calls.count - calls.failed - len(calls.durations),
        },
        "resumes": found.resumes,
        "characters_saved_by_resume": found.saved_characters,
        "waited_seconds": round(found.waited, 3),
        "failed_requests": dict(found.troubles),
        "failed_requests_recovered": found.recovered,
        "errors": dict(found.errors),
        "moves_to_fallback_models": dict(found.downgrades),
        "saving": {"against": found.against, "usd": _money(found.saving)},
        "models": [{"model": each.name, **_group(each)} for each in found.models],
        "providers": [{"provider": each.name, **_group(each)} for each in found.providers],
        "tags": [{"tag": each.name, **_group(each)} for each in found.tags],
        "step_seconds": found.step,
        "steps": [{"begins": iso(float(each.name)), **_group(each)} for each in found.steps],
        "failed_calls": [failed_as_json(each) for each in found.failures],
        "provider_events": [
            {"time": iso(at), "event": redact_line(said)} for at, said in found.notes
        ],
    }


def failed_as_json(failed: FailedCall) -> dict[str, Any]:
    """Return a failed call as plain values."""
    return {
        "time": iso(failed.at),
        "error": failed.error,
        "model": failed.model,
        "provider": failed.provider,
        "call_id": failed.call_id,
        "request_ids": list(failed.request_ids),
    }


def iso(at: float) -> str:
    """Return a Unix time in ISO 8601, in UTC."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")


def _group(group: Group) -> dict[str, Any]:
    return {
        "count": group.count,
        "failed": group.failed,
        "success_rate": round(group.availability, 6),
        "first_token_seconds": _spread(group.first_tokens),
        "total_latency_seconds": _spread(group.durations),
        "input_tokens": group.usage.input_tokens,
        "output_tokens": group.usage.output_tokens,
        "cached_tokens": group.usage.cached_tokens,
        "cost_usd": None if group.count and group.unpriced == group.count else _money(group.cost),
        "unpriced": group.unpriced,
    }


def _money(usd: float | None) -> float | None:
    # Sums of floats end in digits that no price has.
    return None if usd is None else round(usd, 12)


def _spread(values: list[float]) -> dict[str, float | None]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: percentile(values, share) for name, share in shares.items()}
