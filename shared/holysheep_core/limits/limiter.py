"""Keeps to `RateLimits`: lets requests pass, makes them wait in order, or says no.

The counting is done by the `limits` library, in memory or in Redis: requests by a moving
window, which is exact, and tokens by a fixed one, which can be given back what was reserved in
vain. What is added here is waiting: first come, first served, for threads and tasks alike.

Like a call, a wait is one pure course (`_course`) with a thin driver for threads and one for
asyncio.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from holysheep_core.clock import clock
from holysheep_core.config.limits import RateLimits
from holysheep_core.engine.actions import Admit
from holysheep_core.errors import LocalRateLimitError
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.routing.providers import Provider
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import ChatRequest

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.storage import Storage

    from holysheep_core.store.store import Store

_A_MOMENT, _A_TURN = 0.001, 0.02
_COUNTING = 10.0
"""Seconds beyond its own time for which a caller waits while those before it are being counted,
which is a moment unless the store hangs."""


class Availability(NamedTuple):
    """Whether there is room for a request: if not, which limit says so and for how long."""

    wait: float = 0.0
    limit: str = ""


class FairQueue:
    """Who waits, in order. A newcomer does not overtake, however lucky its timing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], object]] = deque()

    def join(self, wake: Callable[[], object]) -> None:
        """Stand at the end; `wake` is called, from any thread, when it is your turn."""
        with self._lock:
            self._waiting.append(wake)

    def is_first(self, wake: Callable[[], object]) -> bool:
        """Tell whether it is your turn."""
        with self._lock:
            return self._waiting[0] is wake

    def leave(self, wake: Callable[[], object]) -> None:
        """Go, from wherever you stand."""
        with self._lock:
            if wake not in self._waiting:
                return
            first = self._waiting[0] is wake
            self._waiting.remove(wake)
            while first and self._waiting:
                try:
                    self._waiting[0]()
                except RuntimeError:  # noqa: PERF203 - nearly always the first one wakes
                    self._waiting.popleft()  # its event loop was closed while it waited
                else:
                    return


class RateLimiter:
    """The limits of one account.

    Args:
        account: What tells it from others; no secret.
        limits: The limits.
        store: Where they are counted for many processes; None for this process alone.
    """

    def __init__(self, account: str, limits: RateLimits, store: Store | None = None) -> None:
        # Here and not above: who sets no limits does not wait for the import.
        from limits import RateLimitItemPerDay, RateLimitItemPerMinute  # noqa: PLC0415
        from limits.storage import MemoryStorage  # noqa: PLC0415

        self.limits = limits
        self._account = account
        self._store = store
        self._memory = MemoryStorage()
        self._queue = FairQueue()
        self._held = Availability()  # why the first in line has to wait, and until when
        self._heard: Allowance | None = None
        self._since_heard = Spent(0, 0)
        rpm, tpm, tpd = limits.requests_per_minute, limits.tokens_per_minute, limits.tokens_per_day
        self._requests = None if rpm is None else RateLimitItemPerMinute(rpm)
        self._tokens: list[RateLimitItem] = []
        self._tokens += [] if tpm is None else [RateLimitItemPerMinute(tpm, namespace="TOKENS")]
        self._tokens += [] if tpd is None else [RateLimitItemPerDay(tpd, namespace="TOKENS")]

    # -- passing ----------------------------------------------------------------------------

    def enter(self, action: Admit, left: Allowance | None) -> int:
        """Return when the request may go out; the tokens that are reserved for it.

        Args:
            action: The request.
            left: What the server last said is left of its own limits.

        Raises:
            LocalRateLimitError: It would take longer than is wanted.
        """
        turn = threading.Event()
        course = self._course(action, turn.set, left)
        try:
            step = next(course)
            while True:
                if isinstance(step, Take):
                    step = course.send(self._take(step.tokens, step.left))
                else:
                    turn.wait(step)
                    turn.clear()
                    step = course.send(None)
        except StopIteration as end:
            return int(end.value)
        finally:
            course.close()

    async def aenter(self, action: Admit, left: Allowance | None) -> int:
        """Like `enter`, for asyncio."""
        loop, turn = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(turn.set)

        course = self._course(action, wake, left)
        try:
            step = next(course)
            while True:
                if isinstance(step, Take):
                    step = course.send(await self._atake(step.tokens, step.left))
                else:
                    await _wait_for(turn, step)
                    step = course.send(None)
        except StopIteration as end:
            return int(end.value)
        finally:
            course.close()

    def _course(
        self, action: Admit, wake: Callable[[], object], left: Allowance | None
    ) -> Generator[Take | float, Availability | None, int]:
        tokens = self._estimate(action.request)
        latest = clock() + self.limits.max_wait
        if action.until is not None:
            latest = min(latest, action.until)
        said = False
        self._queue.join(wake)
        try:
            while not self._queue.is_first(wake):
                # Those before are being counted, which takes a moment, or are held back: then
                # so is everybody behind them, at least as long.
                held, late = self._held, clock() - latest
                if (held.wait and held.wait > latest) or late > _COUNTING:
                    wait = max(0.0, held.wait - clock())
                    raise self._refusal(Availability(wait, held.limit or "callers before this one"))
                yield max(_A_TURN, -late)
            while True:
                room = (yield Take(tokens, left)) or Availability()
                self._held = Availability(room.wait and clock() + room.wait, room.limit)
                if not room.wait:
                    return tokens
                if clock() + room.wait > latest:
                    raise self._refusal(room)
                if not said:
                    action.held(room.limit, room.wait, clock())
                    said = True
                yield room.wait
        finally:
            self._queue.leave(wake)

    def _refusal(self, room: Availability) -> LocalRateLimitError:
        return LocalRateLimitError(
            f"Own limit reached ({room.limit}): room in {room.wait:.1f} s, which is longer than "
            f"max_wait={self.limits.max_wait:g} or the call's own time allows.",
            retry_after=room.wait,
        )

    def _estimate(self, request: ChatRequest) -> int:
        if not self._tokens:
            return 0
        params = request.params
        named = params.get("max_completion_tokens") or params.get("max_tokens")
        answer = named if isinstance(named, int) else self.limits.expected_tokens
        return prompt_tokens(request) + answer

    # -- counting ---------------------------------------------------------------------------

    def _take(self, tokens: int, left: Allowance | None) -> Availability:
        room = self._what_the_server_said(tokens, left)
        if room.wait:
            return room
        storage = self._store.limits() if self._store is not None else None
        if storage is not None and self._store is not None:
            with self._store.tolerating_redis_errors():
                room = self._count(storage, tokens)
                if not room.wait:
                    self._count(self._memory, tokens)  # so that it knows when the store is lost
                    self._since_heard = self._since_heard.plus(tokens)
                return room
        room = self._count(self._memory, tokens)
        if not room.wait:
            self._since_heard = self._since_heard.plus(tokens)
        return room

    async def _atake(self, tokens: int, left: Allowance | None) -> Availability:
        if self._store is None:
            return self._take(tokens, left)
        taking = self._store.submit(lambda: self._take(tokens, left))
        try:
            return await asyncio.wrap_future(taking)
        except asyncio.CancelledError:
            # The thread goes on; what it then takes is nobody's.
            taking.add_done_callback(lambda done: self._give_back(done, tokens))
            raise

    def _give_back(self, done: Future[Availability], tokens: int) -> None:
        if not done.cancelled() and done.exception() is None and not done.result().wait:
            self.settle(tokens, 0)

    def _what_the_server_said(self, tokens: int, left: Allowance | None) -> Availability:
        """It counts what we cannot see: other programs with the same key."""
        if left is not self._heard:
            self._heard, self._since_heard = left, Spent(0, 0)
        wait = 0.0 if left is None else left.until - clock()
        if left is None or wait <= 0:
            return Availability()
        if left.requests is not None and self._since_heard.requests >= left.requests:
            return Availability(wait, "requests, as the server counts them")
        if left.tokens is not None and self._since_heard.tokens + tokens > left.tokens:
            return Availability(wait, "tokens, as the server counts them")
        return Availability()

    def _count(self, storage: Storage, tokens: int) -> Availability:
        """Take what is needed of every limit, or nothing at all."""
        from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        taken = []
        room = Availability()
        for item in self._tokens:
            key, most = item.key_for(self._account), min(tokens, item.amount)
            taken.append((key, item.get_expiry(), most))
            if storage.incr(key, item.get_expiry(), most) > item.amount:
                room = Availability(_seconds_to(storage.get_expiry(key)), f"{item.amount:,} tokens")
                break
        if not room.wait and self._requests is not None:
            window = MovingWindowRateLimiter(storage)
            if not window.hit(self._requests, self._account):
                reset = window.get_window_stats(self._requests, self._account).reset_time
                room = Availability(
                    _seconds_to(reset), f"{self._requests.amount} requests per minute"
                )
        if room.wait:
            for key, expiry, most in taken:
                storage.incr(key, expiry, -most)
        return room

    def settle(self, reserved: int, used: int) -> None:
        """Correct a reservation, in tokens, by what a request has used.

        Args:
            reserved: From `enter`.
            used: By the request's record; 0 if it did not go out.
        """
        for item in self._tokens:
            difference = min(used, item.amount) - min(reserved, item.amount)
            if difference:
                key, expiry = item.key_for(self._account), item.get_expiry()
                self._memory.incr(key, expiry, difference)
                if self._store is not None:
                    self._store.later(key, expiry, difference)


class Take(NamedTuple):
    """A step of a course: try to take room for that many tokens."""

    tokens: int
    left: Allowance | None


class Spent(NamedTuple):
    """What was let through since the server last said what is left."""

    requests: int
    tokens: int

    def plus(self, tokens: int) -> Spent:
        """Add a request."""
        return Spent(self.requests + 1, self.tokens + tokens)


async def _wait_for(turn: asyncio.Event, seconds: float) -> None:
    # Not `asyncio.wait_for`: before Python 3.12 it swallows a cancellation that comes together
    # with the result, and the call goes on (https://github.com/python/cpython/issues/86296).
    timer = asyncio.get_running_loop().call_later(seconds, turn.set)
    try:
        await turn.wait()
    finally:
        timer.cancel()
    turn.clear()


def _seconds_to(moment: float) -> float:
    return max(_A_MOMENT, moment - time.time() + _A_MOMENT)


_SHARED: dict[tuple[str, RateLimits, str], RateLimiter] = {}
_LOCK = threading.Lock()


def limiter_of(provider: Provider, store: Store | None) -> RateLimiter | None:
    """Return the limiter of a provider's account, which all clients of this process share."""
    if provider.limits is None:
        return None
    key = (provider.account, provider.limits, "" if store is None else store.name)
    with _LOCK:
        limiter = _SHARED.get(key)
        if limiter is None:
            limiter = _SHARED[key] = RateLimiter(provider.account, provider.limits, store)
        return limiter
