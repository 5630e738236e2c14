"""What a gateway shares with the other processes that name the same store."""

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
"""How long a closed circuit is worth telling: as long as somebody may believe it open."""


class Target(Protocol):
    """A gateway, which takes over what other processes found out or decided."""

    def circuit_shared(self, key: str, seconds: float | None) -> None:
        """A circuit opened for so many seconds, or closed (None)."""

    def active_shared(self, name: str) -> None:
        """Another provider is asked first."""

    def canary_shared(self, canary: str, step: int) -> None:
        """A canary moved to a step."""


class Sharing:
    """Tells a store what a gateway found out, and the gateway what others did.

    Args:
        store: Where it is shared.
        target: The gateway; it is held weakly.
    """

    def __init__(self, store: Store, target: Target) -> None:
        self._store = store
        self._circuit_shared = weakly(target.circuit_shared)
        self._active_shared = weakly(target.active_shared)
        self._canary_shared = weakly(target.canary_shared)
        self._absorbed: dict[str, str] = {}
        store.join(self)

    def circuit(self, change: RouteChange) -> None:
        """Tell that a circuit opened or closed."""
        name = f"circuit:{change.key}"
        if change.until is None:
            self._tell(name, "closed", _CLOSED_SECONDS)
        elif (seconds := change.until - clock()) > 0:
            self._tell(name, "open", seconds)

    def active(self, name: str) -> None:
        """Tell which provider is asked first."""
        self._tell(_ACTIVE, name)

    def canary(self, name: str, step: int) -> None:
        """Tell which step a canary is at."""
        self._tell(f"canary:{name}", str(step))

    def absorb(self, facts: Mapping[str, Fact]) -> None:
        """Take over what other processes found out or decided."""
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
    """Tell all processes that share a store which provider to ask first; False if it is away."""
    store = Store(url)
    store.tell(_ACTIVE, Fact(_marked(provider), 0.0))
    return store.exchange()


def _marked(said: str) -> str:
    return f"{said} {uuid.uuid4().hex}"  # so that a process knows its own facts again
