"""Many clients, one server in trouble, on virtual time.

Every client is a real `Session`; a heap of events stands for sockets, clock and sleep. Nothing
waits, so that three minutes of ten thousand clients take a few seconds, and a seed makes them
the same three minutes each time.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from holysheep_core import APIConnectionError, FallbackConfig, HolySheepError, Provider, RetryConfig
from holysheep_core.catalog import Catalog
from holysheep_core.engine.actions import Finish, Wait
from holysheep_core.engine.session import Session
from holysheep_core.engine.settings import Settings
from holysheep_core.retry_budget import RetryBudget
from holysheep_core.routing.routes import FallbackChain, RouteStates, build_chain
from holysheep_core.types import ChatRequest

MODEL, FALLBACK = "gpt-4.1", "gemini-2.5-flash"
ASK = ChatRequest(MODEL, [{"role": "user", "content": "go"}])
ANSWER = (
    b'data: {"choices":[{"delta":{"content":"Baa."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)

CLIENTS = 10_000
PERIOD = 60.0
"""Seconds from one call of a client to its next."""
LATENCY = 0.2
"""Seconds from a request to its answer or refusal."""
BEGINS, ENDS, STOPS = 30.0, 90.0, 150.0
"""When the trouble begins and ends, and when no client calls any more; seconds."""
REFUSED = 0
"""In place of a status: the server accepts no connection."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the server from `BEGINS` to `ENDS`.

    Attributes:
        title: What a table calls it.
        status: What a failing request is answered with, or `REFUSED`.
        share: Probability that a request fails.
        models: The models that are ill; the others answer.
    """

    title: str
    status: int = 503
    share: float = 1.0
    models: tuple[str, ...] = (MODEL, FALLBACK)


@dataclass(frozen=True)
class Fleet:
    """How the clients retry.

    Attributes:
        title: What a table calls it.
        processes: Clients are dealt out to that many processes, each with a bucket of its own.
        budget: Makes a process's bucket.
        retry: The settings of each.
        fallbacks: Models to fall back to.
        synced: Seconds between two meetings of the buckets in a store, where all become one
            again; None for never.
        unrelated: Every call is made by a client object of its own, which knows nothing of the
            cooldowns of the others.
    """

    title: str
    processes: int = 1
    budget: Callable[[], RetryBudget] = RetryBudget
    retry: RetryConfig = field(default_factory=RetryConfig)
    fallbacks: tuple[str, ...] = ()
    synced: float | None = None
    unrelated: bool = False


@dataclass
class Tally:
    """What came of it.

    Attributes:
        started: When each call began, and how long it took until it was whole; None if lost.
        requests: Requests to the server, by the second they came in.
        to_model: Requests to each model while it was in trouble.
    """

    started: list[tuple[float, float | None]] = field(default_factory=list)
    requests: Counter[int] = field(default_factory=Counter)
    to_model: Counter[str] = field(default_factory=Counter)

    def calls(self, begin: float = BEGINS, end: float = ENDS) -> list[float | None]:
        """Return how long each call took that began in that span; None if lost."""
        return [took for at, took in self.started if begin <= at < end]

    def multiple(self) -> float:
        """Requests in the time of trouble, as a multiple of the calls made in it."""
        return sum(self._within(BEGINS, ENDS)) / len(self.calls())

    def peak(self) -> int:
        """Most requests in a second of trouble."""
        return max(self._within(BEGINS, ENDS))

    def spike(self) -> int:
        """Most requests in a second after it."""
        return max(self._within(ENDS, STOPS))

    def lost(self) -> int:
        """Calls begun in the time of trouble that ended with an error."""
        return sum(took is None for took in self.calls())

    def lost_after(self) -> int:
        """Calls begun after it that ended with an error."""
        return sum(took is None for took in self.calls(ENDS, STOPS))

    def mean_time(self) -> float | None:
        """Mean seconds to a whole answer of calls begun in the time of trouble, if any came."""
        took = [took for took in self.calls() if took is not None]
        return sum(took) / len(took) if took else None

    def _within(self, begin: float, end: float) -> list[int]:
        return [self.requests[second] for second in range(int(begin), int(end))]


class _Process:
    def __init__(self, fleet: Fleet) -> None:
        self.budget = fleet.budget()
        fallback = FallbackConfig(models=fleet.fallbacks)
        self.settings = Settings(retry=fleet.retry, fallback=fallback, budget=self.budget)
        self._chain = build_chain(ASK, [Provider("k")], fallback, RouteStates(), Catalog())
        self._unrelated = fleet.unrelated

    def chain(self) -> FallbackChain:
        return (
            FallbackChain(self._chain.routes, RouteStates(), Catalog())
            if self._unrelated
            else self._chain
        )


class _Store:
    """Where the buckets of many processes become one again, every now and then.

    What they spent together beyond its content stays as a debt. If it were forgotten, every
    token would be spent by all of them, again and again.
    """

    def __init__(self, buckets: Sequence[RetryBudget]) -> None:
        self._buckets = buckets
        self._totals: dict[str, float] = {}

    def meet(self) -> None:
        shares = [
            (bucket, name, *counts)
            for bucket in self._buckets
            for name, counts in bucket.unshared().items()
        ]
        for _, name, change, capacity in shares:
            total = self._totals.get(name, capacity) + change
            self._totals[name] = max(-capacity, min(capacity, total))
        for bucket, name, change, _ in shares:
            bucket.share(name, change, self._totals[name])


class Storm:
    """One run."""

    def __init__(self, trouble: Trouble, fleet: Fleet, clients: int, seed: int) -> None:
        self._trouble = trouble
        self._fleet = fleet
        self._clients = clients
        self._rng = random.Random(seed).random
        self._heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._number = itertools.count()
        self._ill = {model.encode() for model in trouble.models}
        self.tally = Tally()

    def run(self) -> Tally:
        processes = [_Process(self._fleet) for _ in range(self._fleet.processes)]
        for client in range(self._clients):
            self._at(self._rng() * PERIOD, self._call, processes[client % len(processes)])
        if self._fleet.synced:
            store = _Store([process.budget for process in processes])
            for tick in range(1, int(STOPS / self._fleet.synced)):
                self._at(tick * self._fleet.synced, lambda _now: store.meet())
        while self._heap:
            now, _, act, facts = heapq.heappop(self._heap)
            act(now, *facts)
        return self.tally

    def _at(self, when: float, act: Callable[..., None], *facts: object) -> None:
        heapq.heappush(self._heap, (when, next(self._number), act, facts))

    def _call(self, now: float, process: _Process) -> None:
        if now + PERIOD < STOPS:
            self._at(now + PERIOD, self._call, process)
        session = Session(ASK, process.chain(), process.settings, now=now, rng=self._rng)
        self._step(now, session, now)

    def _step(self, now: float, session: Session, begun: float) -> None:
        try:
            action = session.next_action(now)
        except HolySheepError:
            self.tally.started.append((begun, None))
            return
        if isinstance(action, Finish):
            self.tally.started.append((begun, now - begun))
        elif isinstance(action, Wait):
            self._at(now + action.seconds, self._step, session, begun)
        else:
            self.tally.requests[int(now)] += 1
            self._at(now + LATENCY, self._answer, session, begun, self._fails(now, action.body))

    def _fails(self, now: float, body: bytes) -> bool:
        if not BEGINS <= now < ENDS:
            return False
        model = MODEL if MODEL.encode() in body else FALLBACK
        self.tally.to_model[model] += 1
        return model in self._trouble.models and self._rng() < self._trouble.share

    def _answer(self, now: float, session: Session, begun: float, fails: bool) -> None:
        status = self._trouble.status if fails else 200
        if status == REFUSED:
            session.receive_error(APIConnectionError("Connection refused."), now)
        else:
            session.receive_response(status, {}, now)
            if not fails:
                session.receive_data(ANSWER, now)
            session.receive_eof(now)
        self._step(now, session, begun)


def simulate(trouble: Trouble, fleet: Fleet, clients: int = CLIENTS, seed: int = 1) -> Tally:
    """Run one scenario.

    Args:
        trouble: What is wrong with the server, and when.
        fleet: How the clients retry.
        clients: How many; each calls once per `PERIOD`.
        seed: Of everything that is left to chance.
    """
    return Storm(trouble, fleet, clients, seed).run()
