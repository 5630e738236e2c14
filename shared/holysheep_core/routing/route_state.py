"""What is known of routes from earlier answers, for all calls that share it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.routing.circuit import Circuit, CircuitConfig, Health, Note, State
from holysheep_core.routing.providers import Provider, Route


class RouteStates:
    """Remembers of each route whether to leave it alone, how it did, and what it rejects.

    A cooldown that is over leaves the route *half open*: one call may try it, and the others
    wait for what comes of that, so that a server that has just come back is not met by all of
    them at once.

    Args:
        circuit: When a route counts as failing, and how it comes back.

    Attributes:
        changed: Is called with the key of a route whose circuit opened or closed, and until
            when it is open (None: it closed).
    """

    def __init__(self, circuit: CircuitConfig | None = None) -> None:
        self._config = circuit or CircuitConfig()
        self._lock = threading.RLock()
        self._circuits: dict[str, Circuit] = {}
        self._no_prefill: set[str] = set()
        self._left: dict[str, Allowance] = {}
        self.changed: Callable[[str, float | None], object] = lambda _key, _until: None

    def rejects_prefill(self, route: Route) -> bool:
        """Tell whether a route has rejected a prefill."""
        return route.key in self._no_prefill

    def learn_no_prefill(self, route: Route) -> None:
        """A route rejected a prefill: never try it there again."""
        self._no_prefill.add(route.key)

    def hear(self, provider: Provider, left: Allowance | None) -> None:
        """A server said what is left of its limits."""
        if left is not None:
            self._left[provider.account] = left

    def left(self, provider: Provider) -> Allowance | None:
        """Return what a provider last said is left of its limits."""
        return self._left.get(provider.account)

    def admits(self, route: Route, now: float) -> bool:
        """Tell whether a call may use a route; a half-open one is then closed to the others."""
        circuit = self._circuits.get(route.key)
        if circuit is None or circuit.until is None:
            return True
        with self._lock:
            return circuit.admits(now)

    def cool(self, route: Route, now: float, until: float) -> None:
        """Leave a route alone until then, or longer if that was said before."""
        self.open(route.key, now, until)
        self.changed(route.key, self._circuits[route.key].until)

    def open(self, key: str, now: float, until: float) -> None:
        """Likewise, for one who heard of it from elsewhere."""
        with self._lock:
            self._of(key).open(now, until)

    def close(self, key: str) -> None:
        """A route is well again, as was heard from elsewhere."""
        with self._lock:
            self._of(key).close()

    def succeeded(self, route: Route, sent: float) -> None:
        """Content came for a request sent at that time; that may end the cooldown early."""
        circuit = self._circuits.get(route.key)
        if circuit is None or circuit.until is None:
            return
        with self._lock:
            closed = circuit.succeeded(sent)
        if closed:
            self.changed(route.key, None)

    def ended(self, route: Route, note: Note | None, *, probing: bool) -> bool:
        """A request is over.

        Args:
            route: Where it went.
            note: How it was; None if it says nothing about the route.
            probing: No content had come, so it may still have been the probe.

        Returns:
            The circuit must open for it.
        """
        with self._lock:
            circuit = self._of(route.key)
            if probing:
                circuit.released()
            return note is not None and circuit.note(note)

    def state(self, route: Route, now: float) -> State:
        """Return the state of a route's circuit."""
        circuit = self._circuits.get(route.key)
        return "closed" if circuit is None else circuit.state(now)

    def health(self, provider: Provider, *, model: str | None = None, since: float = 0.0) -> Health:
        """Sum up how a provider did, with one model or all of them, since a time."""
        with self._lock:
            notes = [
                note
                for key, circuit in self._circuits.items()
                if _belongs(key, provider, model)
                for note in circuit.notes
                if note.at >= since
            ]
        return Health.of(notes)

    def _of(self, key: str) -> Circuit:
        return self._circuits.setdefault(key, Circuit(self._config))


def _belongs(key: str, provider: Provider, model: str | None) -> bool:
    account, _, its_model = key.partition("/")
    return account == provider.account and model in (None, its_model)
