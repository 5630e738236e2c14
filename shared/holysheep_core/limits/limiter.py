"""Applies `RateLimits`: admits requests, makes them wait in order, or rejects them.

`counters` counts; this module waits. Like a call, a wait is one pure generator (`_steps`) with a
thin driver for threads and one for asyncio.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from holysheep_core.clock import clock
from holysheep_core.config.limits import RateLimits
from holysheep_core.errors import LocalRateLimitError
from holysheep_core.limits.counters import Availability, Counters
from holysheep_core.limits.queue import FairQueue
from holysheep_core.process import Shared, renew_after_fork
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.routing.providers import Provider
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import ChatRequest

if TYPE_CHECKING:
    from holysheep_core.store.store import Store

_A_TURN = 0.02
_COUNTING = 10.0
"""Seconds beyond its own limit that a caller waits while the callers before it are counted.
Counting is fast unless the store hangs."""

OnThrottled = Callable[[str, float, float], object]
"""Called when a request has to wait: the limit in words, the seconds, and the time."""


class Passage(NamedTuple):
    """A request that asks for admission.

    Attributes:
        request: The request.
        until: End of the call's total time, on the driver's clock; None for no limit.
        left: The allowance that the server last reported; None if unknown.
        throttled: Called once if the request has to wait.
    """

    request: ChatRequest
    until: float | None
    left: Allowance | None
    throttled: OnThrottled


class Take(NamedTuple):
    """A step of a wait: try to reserve that many tokens."""

    tokens: int
    left: Allowance | None


class RateLimiter:
    """The limits of one account.

    Args:
        account: Identifies the account; contains no secret.
        limits: The limits.
        store: Counts for many processes; None for this process alone.
    """

    def __init__(self, account: str, limits: RateLimits, store: Store | None = None) -> None:
        self.limits = limits
        self._store = store
        self._counters = Counters(account, limits, store)
        self._queue = FairQueue()
        self._held = Availability()  # the limit that holds the first caller, and until when
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Empty the queue, whose callers are threads of the parent, and reset the counts."""
        self._queue, self._held = FairQueue(), Availability()
        self._counters.renew()

    def enter(self, passage: Passage) -> int:
        """Wait until the request may be sent; return the tokens reserved for it.

        Raises:
            LocalRateLimitError: The wait would exceed `max_wait` or the call's total time.
        """
        turn = threading.Event()
        steps = self._steps(passage, turn.set)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Take):
                    step = steps.send(self._counters.take(step.tokens, step.left))
                else:
                    turn.wait(step)
                    turn.clear()
                    step = steps.send(None)
        except StopIteration as end:
            return int(end.value)
        finally:
            steps.close()

    async def aenter(self, passage: Passage) -> int:
        """Like `enter`, for asyncio."""
        loop = asyncio.get_running_loop()
        turn = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(turn.set)

        steps = self._steps(passage, wake)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Take):
                    step = steps.send(await self._atake(step.tokens, step.left))
                else:
                    await _wait_for(turn, step)
                    step = steps.send(None)
        except StopIteration as end:
            return int(end.value)
        finally:
            steps.close()

    def settle(self, reserved: int, used: int) -> None:
        """Correct a reservation by the tokens that a request used.

        Args:
            reserved: The result of `enter`.
            used: Used tokens; 0 if the request was not sent.
        """
        self._counters.settle(reserved, used)

    def _steps(
        self, passage: Passage, wake: Callable[[], object]
    ) -> Generator[Take | float, Availability | None, int]:
        queue = self._queue
        tokens = self._estimate(passage.request)
        latest = clock() + self.limits.max_wait
        if passage.until is not None:
            latest = min(latest, passage.until)
        said = False
        queue.join(wake)
        try:
            while not queue.is_first(wake):
                # The callers before are being counted, which is fast, or are held: then every
                # caller behind them waits at least as long.
                held, late = self._held, clock() - latest
                if (held.wait and held.wait > latest) or late > _COUNTING:
                    wait = max(0.0, held.wait - clock())
                    raise self._rejection(Availability(wait, held.limit or "callers before it"))
                yield max(_A_TURN, -late)
            while True:
                room = (yield Take(tokens, passage.left)) or Availability()
                self._held = Availability(room.wait and clock() + room.wait, room.limit)
                if not room.wait:
                    return tokens
                if clock() + room.wait > latest:
                    raise self._rejection(room)
                if not said:
                    passage.throttled(room.limit, room.wait, clock())
                    said = True
                yield room.wait
        finally:
            queue.leave(wake)

    def _rejection(self, room: Availability) -> LocalRateLimitError:
        return LocalRateLimitError(
            f"Your own rate limit ({room.limit}) is reached. The request could be sent in "
            f"{room.wait:.1f} s, later than max_wait={self.limits.max_wait:g} or the call's total "
            "time allows.",
            retry_after=room.wait,
        )

    def _estimate(self, request: ChatRequest) -> int:
        if not self._counters.tokens_are_limited:
            return 0
        params = request.params
        named = params.get("max_completion_tokens") or params.get("max_tokens")
        answer = named if isinstance(named, int) else self.limits.expected_tokens
        return prompt_tokens(request) + answer

    async def _atake(self, tokens: int, left: Allowance | None) -> Availability:
        if self._store is None:
            return self._counters.take(tokens, left)
        taking = self._store.submit(lambda: self._counters.take(tokens, left))
        try:
            return await asyncio.wrap_future(taking)
        except asyncio.CancelledError:
            # The thread continues; return the tokens that it reserves.
            taking.add_done_callback(lambda done: self._give_back(done, tokens))
            raise

    def _give_back(self, done: Future[Availability], tokens: int) -> None:
        if not done.cancelled() and done.exception() is None and not done.result().wait:
            self.settle(tokens, 0)


async def _wait_for(turn: asyncio.Event, seconds: float) -> None:
    # Not `asyncio.wait_for`: before Python 3.12 it swallows a cancellation that arrives together
    # with the result (https://github.com/python/cpython/issues/86296).
    timer = asyncio.get_running_loop().call_later(seconds, turn.set)
    try:
        await turn.wait()
    finally:
        timer.cancel()
    turn.clear()


_limiters: Shared[RateLimiter] = Shared(keep=True)


def limiter_of(provider: Provider, store: Store | None) -> RateLimiter | None:
    """Return the limiter of a provider's account, shared by all clients; None without limits."""
    limits = provider.limits
    if limits is None:
        return None
    key = (provider.account, limits, "" if store is None else store.client.name)
    return _limiters.get(key, lambda: RateLimiter(provider.account, limits, store))
