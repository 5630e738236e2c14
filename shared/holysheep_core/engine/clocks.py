"""The time limits of one call, and when to report that it is still alive. Pure."""

from __future__ import annotations

from holysheep_core.config.retry import Timeouts
from holysheep_core.errors import (
    DeadlineExceededError,
    FirstTokenTimeoutError,
    HolySheepError,
    StreamStalledError,
)

LINGER = 0.5
"""Seconds to wait, once an answer is proven whole, for its usage chunk and the end of its body
(which lets the connection be used again)."""

GROWTH = 5
"""Limits that pass at most while an event or a body only grows, and nothing can be read of it."""

HEARTBEAT = 2.0
"""Seconds without content after which a `StillWaiting` event is sent."""


class Clocks:
    """When the running request is late, and when the next one is due.

    All times are on the driver's clock, in seconds.

    Attributes:
        end: When the total time of the call ends; None for never.
        heartbeat: Seconds without content after which a `StillWaiting` event is sent.
        due: When the next request may be sent.
        since: When the first-token or stall limit began to run.
        alive: When something last happened that a listener knows of.
        restart: Content came since the driver last read: the limit starts when it reads again.
    """

    __slots__ = (
        *("_content", "_first_token", "_stall", "_timeouts"),
        *("alive", "due", "end", "heartbeat", "restart", "since"),
    )

    def __init__(self, timeouts: Timeouts, now: float) -> None:
        self._timeouts = timeouts
        self._first_token, self._stall = timeouts.first_token, timeouts.stall
        self.end = None if timeouts.total is None else now + timeouts.total
        self.heartbeat = HEARTBEAT
        self.due = self.since = self.alive = self._content = now
        self.restart = False

    def sent(self, now: float) -> None:
        """A request was sent: its first-token limit runs."""
        self.since = self.alive = self._content = now
        self.restart = False

    def limit(self, first_token: float | None, stall: float | None) -> None:
        """Set the limits of the request that is sent next; None: those of the settings."""
        timeouts = self._timeouts
        self._first_token = _least(timeouts.first_token, first_token)
        self._stall = _least(timeouts.stall, stall)

    def came(self, now: float) -> None:
        """Content came that is not shown yet: the limit starts again."""
        self._content = now
        self.restart = True

    def shown(self, now: float) -> None:
        """Text or reasoning came: the limit starts again, and a listener knows of it."""
        self._content = self.alive = now
        self.restart = True

    def grew(self, now: float, *, has_content: bool) -> None:
        """An event or a body became longer: the limit starts again, `GROWTH` times at most."""
        limit = self._stall if has_content else self._first_token
        if limit is None or now < self._content + GROWTH * limit:
            self.restart = True

    def deadline(self, *, finished: bool, has_content: bool) -> float | None:
        """Return when the answer that is read now is late; None for never.

        Args:
            finished: The answer has ended.
            has_content: Content has come.
        """
        limit: float | None = LINGER
        if not finished:
            limit = self._stall if has_content else self._first_token
        late = None if limit is None else self.since + limit
        end = self.end
        if end is None:
            return late
        return end if late is None else min(end, late)

    def lateness(self, now: float, *, has_content: bool) -> HolySheepError:
        """Return the error for a deadline that has passed."""
        timeouts, end = self._timeouts, self.end
        if end is not None and now >= end:
            return DeadlineExceededError(f"The call took longer than its {timeouts.total:g} s.")
        if has_content:
            return StreamStalledError(f"No content for {self._stall:g} s in mid-answer.")
        return FirstTokenTimeoutError(f"No content within {self._first_token:g} s.")

    def is_quiet(self, now: float) -> bool:
        """Tell whether it is time to report that the call is still alive."""
        return now >= self.alive + self.heartbeat


def _least(*limits: float | None) -> float | None:
    return min((each for each in limits if each is not None), default=None)
