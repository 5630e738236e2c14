"""Calls in Python's own log, under the name "holysheep".

`logging.basicConfig(level=logging.INFO)` shows cuts, retries and downgrades, `DEBUG` every request.
The fields of each line are in the record's `holysheep` attribute, for handlers that write JSON. The
log holds no text of prompts or answers, and no key.
"""

from __future__ import annotations

import logging
import warnings
from functools import lru_cache

import msgspec

from holysheep_core import events
from holysheep_core.observers.observer import Observer
from holysheep_core.secrets import redact_line
from holysheep_core.types import CallRecord

LOGGER = logging.getLogger("holysheep")
LOGGER.addHandler(logging.NullHandler())  # or Python prints warnings nobody asked for

_DEBUG = (events.RequestSent, events.FirstToken, events.StillWaiting, events.StreamCompleted)


@lru_cache(maxsize=1024)
def _warn_once(asked: str, answered: str) -> None:
    """Warn of a fallback, once for each pair of models: who compares models must know of it."""
    text = (
        f"{answered!r} answered instead of {asked!r}, as its fallback model. Each answer names its "
        "model in its metadata; fallback_models=[] forbids other models."
    )
    # The line that asked is not known here, in a generator or another thread.
    warnings.warn_explicit(text, UserWarning, "holysheep_core", 1)
    LOGGER.warning("%s", text, extra={"holysheep": {"event": "FallbackAnswered"}})


class Log(Observer):
    """Writes calls to the log."""

    def happened(self, event: events.Event) -> None:
        """Write an event."""
        level = logging.DEBUG if isinstance(event, _DEBUG) else logging.INFO
        if isinstance(event, events.StreamFailed):
            level = logging.WARNING
        if LOGGER.isEnabledFor(level):
            fields = {"event": type(event).__name__, **msgspec.to_builtins(event)}
            LOGGER.log(
                level,
                "%s %s",
                event.call_id or "gateway",
                redact_line(str(event)),
                extra={"holysheep": fields},
            )

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - no text here
        """Write the record of a call; warn of an answer by a fallback model."""
        if record.outcome == "completed" and record.downgrades:
            answered = next(
                each.model for each in reversed(record.attempts) if each.outcome == "completed"
            )
            if answered != record.requested_model:
                _warn_once(record.requested_model, answered)
        if LOGGER.isEnabledFor(logging.INFO):
            cost = "unknown" if record.cost_usd is None else f"US$ {record.cost_usd:.6f}"
            LOGGER.info(
                "%s %s by %s/%s in %.2f s: %d requests, %d tokens, cost %s",
                record.call_id,
                record.outcome,
                record.provider,
                redact_line(record.model),  # as the server names it
                record.duration,
                len(record.attempts),
                record.usage.total_tokens,
                cost,
                extra={"holysheep": {"event": "CallEnded", **msgspec.to_builtins(record)}},
            )
