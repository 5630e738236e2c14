"""The circuit breaker of one route, and the statistics of its recent requests.

=========  ==========================  =====================================================
state      a call may use the route    left by
=========  ==========================  =====================================================
closed     yes                         a cooldown, or too many failures -> open
open       no                          its time is over -> half-open; successes -> closed
half-open  a limited number, as probe  successes in a row -> closed; a failure -> open
=========  ==========================  =====================================================

Pure: the time is handed in. Where no other route is left, calls go to an open one all the same
(an answer is worth a try); the retry budget, not the circuit, then bounds the traffic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, NamedTuple

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown

PROBE_SECONDS = 10.0
"""How long a probe has a half-open route to itself. One that ends frees its place at once; this
is for callers that went away."""

State = Literal["closed", "open", "half-open"]


@refuses_unknown()
@dataclass(frozen=True)
class CircuitConfig:
    """When a circuit opens because a route fails too often, and how it closes again.

    By default a circuit opens after five failures within 30 s that are at least half of all
    answers. A single failure without other requests does not open it.

    Attributes:
        failures: Fewest failures within `window` that open the circuit; 0 for never.
        error_rate: Least share of the answers within `window` that failed, above 0 to 1.
        window: Length of the window in seconds.
        slow_first_token: Seconds after which a first token counts as a failure; None for never
            (reasoning models take minutes, so no figure fits all).
        probes: Calls that may try a half-open route at the same time. One is enough to know.
        successes: Good answers in a row that close the circuit; more than one, so that a
            server that is not well yet does not get all calls back at its first good answer.
    """

    failures: int = 5
    error_rate: float = 0.5
    window: float = 30.0
    slow_first_token: float | None = None
    probes: int = 1
    successes: int = 2

    def __post_init__(self) -> None:
        check_count("failures", self.failures)
        check_number("error_rate", self.error_rate, minimum=0.001, maximum=1.0)
        check_number("window", self.window, minimum=0.1)
        if self.slow_first_token is not None:
            check_number("slow_first_token", self.slow_first_token, minimum=0.001)
        check_count("probes", self.probes, minimum=1)
        check_count("successes", self.successes, minimum=1)


class Outcome(Enum):
    """The result of one request, for the circuit of its route."""

    SUCCESS = auto()
    DISTURBED = auto()
    """It counts in the error rate that people and canaries look at, but does not open the
    circuit: a cut may be the client's own network, a rate limit has a cooldown of its own."""
    FAILURE = auto()


class Note(NamedTuple):
    """One request: when it ended, how, and the seconds to its first token, if there was one."""

    at: float
    outcome: Outcome
    first_token: float | None


@dataclass(frozen=True)
class Health:
    """Statistics of a route's or provider's recent requests.

    Attributes:
        requests: Requests that ended.
        errors: How many of them failed, were rate limited or were cut.
        first_token_p50: Seconds to the first token in the median; None if none came.
        first_token_p95: Likewise, 95th percentile.
        first_token_p99: Likewise, 99th percentile.
    """

    requests: int
    errors: int
    first_token_p50: float | None
    first_token_p95: float | None
    first_token_p99: float | None

    @property
    def error_rate(self) -> float:
        """Share of failed requests, 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Health:
        """Sum up notes."""
        taken = list(notes)
        waits = sorted(note.first_token for note in taken if note.first_token is not None)
        return cls(
            len(taken),
            sum(note.outcome is not Outcome.SUCCESS for note in taken),
            *(_percentile(waits, share) for share in (0.50, 0.95, 0.99)),
        )


def _percentile(ordered: list[float], share: float) -> float | None:
    # The nearest rank: a latency that really occurred, also among few.
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


class Circuit:
    """The circuit breaker of one route. Not thread-safe: `RouteStates` has the lock."""

    def __init__(self, config: CircuitConfig) -> None:
        self._config = config
        self._until: float | None = None  # None: closed
        self._opened = 0.0
        self._probes: list[float] = []  # when each began
        self._good = 0
        self.notes: deque[Note] = deque(maxlen=500)

    @property
    def until(self) -> float | None:
        """When an open circuit becomes half-open; None for a closed one."""
        return self._until

    def state(self, now: float) -> State:
        """Return the state."""
        if self._until is None:
            return "closed"
        return "open" if now < self._until else "half-open"

    def is_available(self, now: float) -> bool:
        """Tell whether a call may use the route: the circuit is closed, or a probe is free."""
        if self._until is None:
            return True
        return now >= self._until and len(self._running(now)) < self._config.probes

    def take_probe(self, now: float) -> bool:
        """Use the route for a call; in half-open state it takes a probe. False if none is free."""
        if not self.is_available(now):
            return False
        if self._until is not None:
            self._probes = [*self._running(now), now]
        return True

    def _running(self, now: float) -> list[float]:
        return [began for began in self._probes if now - began < PROBE_SECONDS]

    def open(self, now: float, until: float) -> None:
        """Open the circuit until then, or longer if that was asked for before."""
        self._opened = now
        self._until = until if self._until is None else max(until, self._until)
        self._probes.clear()
        self._good = 0

    def close(self) -> None:
        """Close the circuit: the route works."""
        self._until = None
        self._probes.clear()
        self._good = 0

    def succeeded(self, sent: float) -> bool:
        """Content came for a request sent at that time; before the cooldown it does not count.

        Returns:
            The circuit closed for it.
        """
        if self._until is None or sent < self._opened:
            return False
        self.released()
        self._good += 1
        if self._good < self._config.successes:
            return False
        self.close()
        return True

    def released(self) -> None:
        """A probe has ended, in whatever way."""
        if self._probes:
            self._probes.pop(0)

    def note(self, note: Note) -> bool:
        """Record a request that ended; tell whether the circuit must open because of it."""
        slow, config = self._config.slow_first_token, self._config
        late = slow is not None and note.first_token is not None and note.first_token > slow
        if late and note.outcome is Outcome.SUCCESS:
            note = note._replace(outcome=Outcome.FAILURE)
        self.notes.append(note)
        if note.outcome is not Outcome.FAILURE:
            return False
        if self._until is not None:
            return note.at >= self._until  # the failure of a probe
        recent = [each for each in self.notes if note.at - each.at <= config.window]
        failed = sum(each.outcome is Outcome.FAILURE for each in recent)
        enough = 0 < config.failures <= failed
        return enough and failed >= config.error_rate * len(recent)
