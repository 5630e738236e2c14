"""The state of routes, learned from earlier requests and shared by calls."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

from holysheep_core.families.refusals import Lesson
from holysheep_core.process import renew_after_fork
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.routing.circuit import Circuit, CircuitConfig, Health, Note, State
from holysheep_core.routing.learned import LEARNED
from holysheep_core.routing.providers import Provider, Route


class RouteChange(NamedTuple):
    """The circuit of a route opened or closed.

    Attributes:
        key: The route's key.
        until: When an open circuit becomes half-open; None: it closed.
    """

    key: str
    until: float | None


class RouteStates:
    """The circuit of each route, its recent requests, and what it rejects. Thread-safe.

    After a cooldown the route is *half-open*: one call may try it as a probe, and the others
    wait for its result, so that a server that has just recovered does not get all of them at once.

    Questions (`is_available`, `state`, `health`, …) change nothing. Commands return the
    `RouteChange` they caused, if any; whoever gives the command passes it on.

    Args:
        circuit: When a route counts as failing, and how it comes back.
    """

    def __init__(self, circuit: CircuitConfig | None = None) -> None:
        self._config = circuit or CircuitConfig()
        self._lock = threading.RLock()
        self._circuits: dict[str, Circuit] = {}
        self._left: dict[str, Allowance] = {}
        self._rates: dict[str, deque[float]] = {}
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    # -- questions --------------------------------------------------------------------------

    def has_config_of(self, other: RouteStates) -> bool:
        """Tell whether circuits open here as they do in `other`."""
        return self._config == other._config

    def rejects_prefill(self, route: Route) -> bool:
        """Tell whether a route has rejected a prefill."""
        return LEARNED.rejects_prefill(route.key)

    def lessons(self, route: Route) -> tuple[Lesson, ...]:
        """Return the fields that a route has refused."""
        return LEARNED.lessons(route.key)

    def left(self, provider: Provider) -> Allowance | None:
        """Return what a provider last reported as left of its limits."""
        return self._left.get(provider.account)

    def usual_rate(self, route: Route) -> float | None:
        """Return the median rate of a route's recent answers, in characters per second.

        None where fewer than three are known.
        """
        with self._lock:
            rates = sorted(self._rates.get(route.key, ()))
        return rates[len(rates) // 2] if len(rates) >= _FEWEST_RATES else None

    def is_available(self, route: Route, now: float) -> bool:
        """Tell whether a call may use a route: its circuit is closed, or a probe is free."""
        circuit = self._circuits.get(route.key)
        if circuit is None or circuit.until is None:
            return True
        with self._lock:
            return circuit.is_available(now)

    def available_at(self, route: Route, now: float) -> float:
        """Return when a route's circuit lets the next call through, if it is open."""
        circuit = self._circuits.get(route.key)
        return now if circuit is None or circuit.until is None else max(now, circuit.until)

    def state(self, route: Route, now: float) -> State:
        """Return the state of a route's circuit."""
        circuit = self._circuits.get(route.key)
        return "closed" if circuit is None else circuit.state(now)

    def health(self, provider: Provider, *, model: str | None = None, since: float = 0.0) -> Health:
        """Return the statistics of a provider, for one model or all, since a time."""
        with self._lock:
            notes = [
                note
                for key, circuit in self._circuits.items()
                if _belongs(key, provider, model)
                for note in circuit.notes
                if note.at >= since
            ]
        return Health.of(notes)

    # -- commands ---------------------------------------------------------------------------

    def learn_no_prefill(self, route: Route) -> None:
        """Remember that a route rejected a prefill: it is not tried there again."""
        LEARNED.learn_no_prefill(route.key)

    def learn(self, route: Route, lesson: Lesson) -> bool:
        """Remember, for the process, a field that a route refused; False if that was known."""
        return LEARNED.learn(route.key, lesson)

    def note_allowance(self, provider: Provider, left: Allowance | None) -> None:
        """Remember what a server reported as left of its limits."""
        if left is not None:
            self._left[provider.account] = left

    def note_rate(self, route: Route, rate: float) -> None:
        """Remember how fast an answer came, in characters per second."""
        with self._lock:
            self._rates.setdefault(route.key, deque(maxlen=_MOST_RATES)).append(rate)

    def take_probe(self, route: Route, now: float) -> bool:
        """Use a route for a call, and take its probe if it is half-open. False if none is free."""
        circuit = self._circuits.get(route.key)
        if circuit is None or circuit.until is None:
            return True
        with self._lock:
            return circuit.take_probe(now)

    def cool(self, route: Route, now: float, until: float) -> RouteChange:
        """Open a route's circuit until then, or longer if that was asked for before."""
        self.open(route.key, now, until)
        return RouteChange(route.key, self._circuits[route.key].until)

    def open(self, key: str, now: float, until: float) -> None:
        """Open a circuit, as another process did."""
        with self._lock:
            self._of(key).open(now, until)

    def close(self, key: str) -> None:
        """Close a circuit, as another process did."""
        with self._lock:
            self._of(key).close()

    def succeeded(self, route: Route, sent: float) -> RouteChange | None:
        """Content came for a request sent at that time; that may close the circuit early."""
        circuit = self._circuits.get(route.key)
        if circuit is None or circuit.until is None:
            return None
        with self._lock:
            closed = circuit.succeeded(sent)
        return RouteChange(route.key, None) if closed else None

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

    def _of(self, key: str) -> Circuit:
        return self._circuits.setdefault(key, Circuit(self._config))


_FEWEST_RATES, _MOST_RATES = 3, 20


def _belongs(key: str, provider: Provider, model: str | None) -> bool:
    account, _, its_model = key.partition("/")
    return account == provider.account and model in (None, its_model)
