"""How fast the text of one response comes, beside what is usual for its route.

Only for calls with `Timeouts(min_rate=…)`; others have none of this. The reader's own time does not
count: the seconds are those that the driver waited for bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

WINDOW = 5.0
"""Seconds of waiting over which a rate is measured."""


class Pace:
    """The rate of one response.

    Args:
        least: Share of the usual rate below which the response is slow.
        usual: Characters per second that the route's answers have in the median; None if too few
            are known.
    """

    __slots__ = ("_characters", "_floor", "_seconds", "_window", "_written")

    def __init__(self, least: float, usual: float | None) -> None:
        self._floor = 0.0 if usual is None else least * usual
        self._characters = self._written = 0
        self._seconds = self._window = 0.0

    def add(self, pieces: Iterable[tuple[str, str]], seconds: float) -> bool:
        """Take what came after a wait; tell whether the last window was too slow.

        Args:
            pieces: Text and reasoning.
            seconds: How long the driver waited for them.
        """
        characters = sum(len(text) + len(thought) for text, thought in pieces)
        self._characters += characters
        self._seconds += seconds
        self._written += characters
        self._window += seconds
        if self._window < WINDOW:
            return False
        slow = self._written < self._floor * self._window
        self._written, self._window = 0, 0.0
        return slow

    @property
    def rate(self) -> float | None:
        """Characters per second of the whole response; None if it was too short to tell."""
        return self._characters / self._seconds if self._seconds >= _TELLING else None


_TELLING = 0.5
"""Seconds of waiting below which a rate is chance."""
