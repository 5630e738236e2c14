"""The counters of one call, which the table of failures asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from holysheep_core.engine.exchange import Exchange
from holysheep_core.errors import (
    APIConnectionError,
    HolySheepError,
    InvalidToolCallError,
    StreamCutError,
    StreamStalledError,
)

SOUND_PROGRESS = 40
"""Characters an attempt must have added for the next one to follow without a wait."""


class Noted(NamedTuple):
    """What the counters say of a failure.

    Attributes:
        here: How often this has happened in a row on the current route.
        progressed: The request that failed had added enough new text, so the server works.
        closed_early: The connection was closed before a byte of the response, for the first time.
    """

    here: int
    progressed: bool
    closed_early: bool


@dataclass
class Counts:
    """The counters of a call.

    Attributes:
        here: Failures in a row on the current route.
        rejected: Responses to a request for the rest that could not be joined.
        misspelt: Responses whose tool calls the model ended with something that is no JSON.
        closed_early: Connections that were closed before a byte of the response.
        stalls: Stalls on the current route.
        retries: Requests spent by `RetryConfig.max_retries`.
        lent: Requests, by account, whose cost comes back to the budget once content flows.
    """

    here: int = 0
    rejected: int = 0
    misspelt: int = 0
    closed_early: int = 0
    stalls: int = 0
    retries: int = 0
    lent: Counter[str] = field(default_factory=Counter)

    def note(self, failure: HolySheepError, exchange: Exchange, *, resumes: int) -> Noted:
        """Count a failure.

        Args:
            failure: What broke.
            exchange: The exchange it broke in.
            resumes: How often the answer was resumed before.
        """
        # To resume at once is right for a connection that was working, and hammering for one
        # that breaks after every other word.
        enough = not resumes or len(exchange.shown) >= SOUND_PROGRESS
        progressed = exchange.decoder.has_content and enough
        self.here = 1 if progressed else self.here + 1
        self.rejected += bool(exchange.rejected)
        self.stalls += isinstance(failure, StreamStalledError)
        closed = exchange.decoder.status is None and _is_closed(failure)
        self.closed_early += closed
        first_closed = closed and self.closed_early == 1
        if isinstance(failure, InvalidToolCallError):
            self.misspelt += 1
            return Noted(self.misspelt, self.misspelt == 1, first_closed)  # the server works
        if exchange.rejected:
            return Noted(self.rejected, progressed=False, closed_early=first_closed)
        return Noted(self.here, progressed, first_closed)

    def moved(self) -> None:
        """Another route is asked from now on."""
        self.here = self.stalls = 0


def _is_closed(failure: HolySheepError) -> bool:
    cause = failure.__cause__
    return isinstance(failure, APIConnectionError) and isinstance(cause, StreamCutError)
