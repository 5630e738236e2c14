"""Which connections a pool has, in use and idle. Pure; the pools lock it where threads share it."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import httpcore

from holysheep_core.transport.connections import Connections


class _Link(Protocol):
    @property
    def origin(self) -> httpcore.Origin:
        """Where it leads: scheme, host and port."""


_AnyLink = TypeVar("_AnyLink", bound=_Link)


class Inventory(Generic[_AnyLink]):
    """The connections of one pool.

    Args:
        settings: How many there may be, and how long idle ones are kept.
    """

    def __init__(self, settings: Connections) -> None:
        self._most = settings.max_connections
        self._most_idle = settings.max_keepalive
        self._expiry = settings.keepalive_expiry
        self._busy: set[_AnyLink] = set()
        self._idle: list[tuple[_AnyLink, float]] = []  # and since when; oldest first

    def take(self, origin: httpcore.Origin, now: float) -> _AnyLink | None:
        """Return an idle connection to `origin`, the one used last; it is in use from now on."""
        for at in range(len(self._idle) - 1, -1, -1):
            link, since = self._idle[at]
            if now - since > self._expiry:
                return None  # and so are all that are older
            if link.origin == origin:
                del self._idle[at]
                self._busy.add(link)
                return link
        return None

    def add(self, link: _AnyLink) -> None:
        """Add a new connection, which is in use."""
        self._busy.add(link)

    def put_back(self, link: _AnyLink, now: float) -> bool:
        """A connection is idle from now on; tell whether it is still one of these."""
        if link not in self._busy:
            return False
        self._busy.remove(link)
        self._idle.append((link, now))
        return True

    def remove(self, link: _AnyLink) -> None:
        """A connection that was in use will be closed."""
        self._busy.discard(link)

    def outdated(self, now: float) -> list[_AnyLink]:
        """Remove and return the idle connections that are too old or too many."""
        count = len(self._idle)
        excess = count - self._most_idle
        if self._most is not None:
            excess = max(excess, count + len(self._busy) - self._most)
        removed = 0
        while removed < count and (removed < excess or now - self._idle[removed][1] > self._expiry):
            removed += 1
        outdated, self._idle = self._idle[:removed], self._idle[removed:]
        return [link for link, _ in outdated]

    def clear(self) -> list[_AnyLink]:
        """Remove and return all connections."""
        links = [*self._busy, *(link for link, _ in self._idle)]
        self._busy, self._idle = set(), []
        return links

    def __len__(self) -> int:
        return len(self._busy) + len(self._idle)
