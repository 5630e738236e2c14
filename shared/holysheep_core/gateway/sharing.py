"""Shares a gateway's changes with all processes that use the same store."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Protocol

from holysheep_core.clock import clock
from holysheep_core.process import weakly
from holysheep_core.routing.route_state import RouteChange
from holysheep_core.store.store import Fact, Store

_ACTIVE = "active"
_CLOSED_SECONDS = 60.0
"""Seconds for which a closed circuit is shared: other processes may still have it open."""


class Target(Protocol):
    """A gateway, which applies the changes of other processes."""

    def circuit_shared(self, key: str, seconds: float | None) -> None:
        """Apply a circuit that opened for `seconds`, or closed (None)."""

    def active_shared(self, name: str) -> None:
        """Apply a switch to another provider."""

    def canary_shared(self, canary: str, step: int) -> None:
        """Apply a canary's step."""


class Sharing:
    """Writes a gateway's changes to a store, and applies those of other processes.

    Args:
        store: The store.
        target: The gateway; held weakly.
    """

    def __init__(self, store: Store, target: Target) -> None:
        self._store = store
        self._circuit_shared = weakly(target.circuit_shared)
        self._active_shared = weakly(target.active_shared)
        self._canary_shared = weakly(target.canary_shared)
        self._absorbed: dict[str, str] = {}
        store.join(self)

    def circuit(self, change: RouteChange) -> None:
        """Share a circuit that opened or closed."""
        name = f"circuit:{change.key}"
        if change.until is None:
            self._tell(name, "closed", _CLOSED_SECONDS)
        elif (seconds := change.until - clock()) > 0:
            self._tell(name, "open", seconds)

    def active(self, name: str) -> None:
        """Share which provider gets calls first."""
        self._tell(_ACTIVE, name)

    def canary(self, name: str, step: int) -> None:
        """Share a canary's step."""
        self._tell(f"canary:{name}", str(step))

    def absorb(self, facts: Mapping[str, Fact]) -> None:
        """Apply the changes of other processes."""
        for name, fact in facts.items():
            if self._absorbed.get(name) == fact.value:
                continue
            self._absorbed[name] = fact.value
            kind, _, rest = name.partition(":")
            said = fact.value.split(" ")[0]
            if kind == "circuit":
                self._circuit_shared(rest, fact.seconds if said == "open" else None)
            elif kind == "canary":
                self._canary_shared(rest, int(said))
            elif name == _ACTIVE:
                self._active_shared(said)

    def _tell(self, name: str, said: str, seconds: float = 0.0) -> None:
        value = _marked(said)
        self._absorbed[name] = value
        self._store.tell(name, Fact(value, seconds))


def announce(provider: str, url: str) -> bool:
    """Switch all processes of a store to a provider; return False if the store does not answer.

    Raises:
        ConfigurationError: The URL is invalid.
    """
    store = Store(url)
    store.tell(_ACTIVE, Fact(_marked(provider), 0.0))
    return store.exchange()


def _marked(said: str) -> str:
    return f"{said} {uuid.uuid4().hex}"  # lets a process recognise its own changes
