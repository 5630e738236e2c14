"""Tells listeners that a call without news is still alive."""

from __future__ import annotations

from holysheep_core import events
from holysheep_core.engine.clocks import Clocks
from holysheep_core.engine.ledger import Ledger


class Heartbeat:
    """Sends `StillWaiting` events while nothing else is heard of a call.

    Attributes:
        receiving: What came since the last event that is no content yet; "" for nothing.
    """

    __slots__ = ("_clocks", "_ledger", "receiving")

    def __init__(self, clocks: Clocks, ledger: Ledger) -> None:
        self._clocks = clocks
        self._ledger = ledger
        self.receiving = ""

    def beat(self, what: str, until: float | None, now: float) -> None:
        """Send an event if it is time for one.

        Args:
            what: What the call waits for.
            until: When the wait ends at the latest, on the driver's clock; None for never.
            now: The time.
        """
        if not self._clocks.is_quiet(now):
            return
        self._clocks.alive = now
        wait = None if until is None else until - now
        receiving, self.receiving = self.receiving, ""
        self._ledger.emit(events.StillWaiting, now, what=what, wait=wait, receiving=receiving)
