"""Keeps to `RateLimits`: lets requests pass, makes them wait in order, or rejects them.

`counters` counts; here is the waiting. Like a call, a wait is one pure generator (`_steps`) with
a thin driver for threads and one for asyncio.
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
"""Seconds beyond its own time for which a caller waits while those before it are being counted,
which is a moment unless the store hangs."""

OnThrottled = Callable[[str, float, float], object]
"""Is called when a request has to wait: the limit in words, the seconds, and the time."""


class Passage(NamedTuple):
    """A request that wants to pass.

    Attributes:
        request: The request.
        until: When its call ends at the latest, on the drivers' clock; None for never.
        left: What the server last said is left of its own limits.
        throttled: Is called once if it has to wait.
    """

    request: ChatRequest
    until: float | None
    left: Allowance | None
    throttled: OnThrottled


class Take(NamedTuple):
    """A step of a wait: try to take room for that many tokens."""

    tokens: int
    left: Allowance | None


class RateLimiter:
    """The limits of one account.

    Args:
        account: Tells it from others; no secret.
        limits: The limits.
        store: Where they are counted for many processes; None for this process alone.
    """

    def __init__(self, account: str, limits: RateLimits, store: Store | None = None) -> None:
        self.limits = limits
        self._store = store
        self._counters = Counters(account, limits, store)
        self._queue = FairQueue()
        self._held = Availability()  # why the first in the queue has to wait, and until when
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget those who wait: they are threads of the parent. Count from nothing."""
        self._queue, self._held = FairQueue(), Availability()
        self._counters.renew()

    def enter(self, passage: Passage) -> int:
        """Return when the request may go out; the tokens that are reserved for it.

        Raises:
            LocalRateLimitError: It would take longer than is wanted.
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
        loop, turn = asyncio.get_running_loop(), asyncio.Event()

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
        """Correct a reservation, in tokens, by what a request has used.

        Args:
            reserved: From `enter`.
            used: By the request's record; 0 if it did not go out.
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
                # Those before are being counted, which takes a moment, or are held back: then
                # so is everybody behind them, at least as long.
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
            f"Own limit reached ({room.limit}): room in {room.wait:.1f} s, which is longer than "
            f"max_wait={self.limits.max_wait:g} or the call's own time allows.",
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
            # The thread runs on; what it then takes is given back.
            taking.add_done_callback(lambda done: self._give_back(done, tokens))
            raise

    def _give_back(self, done: Future[Availability], tokens: int) -> None:
        if not done.cancelled() and done.exception() is None and not done.result().wait:
            self.settle(tokens, 0)


async def _wait_for(turn: asyncio.Event, seconds: float) -> None:
    # Not `asyncio.wait_for`: before Python 3.12 it swallows a cancellation that comes together
    # with the result, and the call goes on (https://github.com/python/cpython/issues/86296).
    timer = asyncio.get_running_loop().call_later(seconds, turn.set)
    try:
        await turn.wait()
    finally:
        timer.cancel()
    turn.clear()


_limiters: Shared[RateLimiter] = Shared(keep=True)


def limiter_of(provider: Provider, store: Store | None) -> RateLimiter | None:
    """Return the limiter of a provider's account, which all clients of this process share."""
    limits = provider.limits
    if limits is None:
        return None
    key = (provider.account, limits, "" if store is None else store.client.name)
    return _limiters.get(key, lambda: RateLimiter(provider.account, limits, store))
