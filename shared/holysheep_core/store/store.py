"""State that many processes and machines share through Redis.

Decisions are always made from what this process knows; the store only keeps that up to date.
A thread exchanges news with Redis once a second, in one round trip: circuits that opened and
closed, what the retry budget gained and lost, the provider an operator chose, a canary's
step. So the calls themselves do not wait for it. Rate limits are the exception, since they
must be exact: each is counted in Redis when a request goes out.

When Redis is slow, down, restarted or emptied, calls continue with what this process knows, after
one warning; what is known here is written again when Redis returns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from holysheep_core.process import Shared, WeakGroup, Workers, renew_after_fork, weakly
from holysheep_core.retry_budget import RetryBudget
from holysheep_core.store.redis_client import RedisClient

_log = logging.getLogger("holysheep.store")
_Result = TypeVar("_Result")

SYNC_SECONDS = 1.0
"""How old the news of other processes may be."""

_EXCHANGE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local at = 1
local function take()
  at = at + 1
  return ARGV[at - 1]
end
for _ = 1, tonumber(take()) do
  local name, value, seconds = take(), take(), tonumber(take())
  local ends = seconds > 0 and string.format('%.3f', now + seconds) or '0'
  redis.call('HSET', KEYS[1], name, ends .. ' ' .. value)
end
local sums = {}
for _ = 1, tonumber(take()) do
  local name, change, most = take(), tonumber(take()), tonumber(take())
  local sum = tonumber(redis.call('HGET', KEYS[2], name)) or most
  sum = math.max(-most, math.min(most, sum + change))
  redis.call('HSET', KEYS[2], name, tostring(sum))
  sums[#sums + 1] = tostring(sum)
end
local facts = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends, value = string.match(all[i + 1], '^(%S+) (.*)$')
  ends = tonumber(ends)
  if ends > 0 and ends <= now then
    redis.call('HDEL', KEYS[1], all[i])
  else
    facts[#facts + 1] = all[i]
    facts[#facts + 1] = value
    facts[#facts + 1] = tostring(ends > 0 and ends - now or 0)
  end
end
return {facts, sums}
"""
"""Write facts, add to sums, and return all facts and those sums, at once. Times are spans on
both sides and moments by Redis' clock inside, so no machine's clock matters."""


class Fact(NamedTuple):
    """A shared value, and the seconds it is valid (0: until it is replaced)."""

    value: str
    seconds: float


class Member(Protocol):
    """A member that takes over what other processes know."""

    def absorb(self, facts: Mapping[str, Fact]) -> None:
        """Take over all facts, this process' own among them."""


class Store:
    """A Redis that is shared. Use `Store.at`, which gives one to all who name the same URL.

    Args:
        url: "redis://…", "rediss://…" or "unix://…".
        namespace: What the names of its keys begin with.

    Attributes:
        client: The connection to it.
    """

    _shared: ClassVar[Shared[Store]] = Shared()

    def __init__(self, url: str, namespace: str = "holysheep") -> None:
        self.client = RedisClient(url, namespace)
        self._script = self.client.redis.register_script(_EXCHANGE)
        self._members: WeakGroup[Member] = WeakGroup()
        self._budgets: WeakGroup[RetryBudget] = WeakGroup()
        self._lock = threading.RLock()
        self._facts: dict[str, tuple[Fact, float]] = {}  # not told yet, and since when
        self._corrections: dict[tuple[str, int], int] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._workers = Workers("holysheep-store", 4)
        self._failed = False
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Start again without the threads: a forked process does not have them."""
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread = None

    @classmethod
    def at(cls, url: str, namespace: str = "holysheep") -> Store:
        """Return this process' store for a URL."""
        return cls._shared.get((url, namespace), lambda: cls(url, namespace))

    def __repr__(self) -> str:
        return f"Store({self.client.name!r})"  # the URL may hold a password

    # -- for those who share ----------------------------------------------------------------

    def join(self, member: Member) -> None:
        """Pass all facts to a member from now on, as long as it exists."""
        self._members.add(member)

    def share_budget(self, budget: RetryBudget) -> None:
        """Let all processes draw on one retry budget; there is one for each size."""
        self._budgets.add(budget)

    def tell(self, name: str, fact: Fact) -> None:
        """Make something known, at once if Redis answers."""
        with self._lock:
            self._facts[name] = (fact, time.monotonic())
        self._wake.set()

    def open(self) -> None:
        """Read what others know, and keep doing so in the background."""
        with self._lock:
            if self._thread is not None:
                return
            step = weakly(self._keep_up)
            self._thread = threading.Thread(
                target=_run, args=(step, self._wake), name="holysheep-store", daemon=True
            )
        self.exchange()
        self._thread.start()

    async def aopen(self) -> None:
        """Like `open`, for asyncio."""
        if self._thread is None:
            await self.in_thread(self.open)

    async def in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Run something that talks to Redis without holding up the event loop.

        One client for threads serves both worlds: an async one is bound to its loop, and
        fails under some hundreds of calls at once.
        """
        return await self._workers.run(work)

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Begin something in a thread that talks to Redis."""
        return self._workers.submit(work)

    # -- limits -----------------------------------------------------------------------------

    def later(self, key: str, expiry: int, amount: int) -> None:
        """Add to a counter of limits with the next exchange."""
        with self._lock:
            self._corrections[key, expiry] = self._corrections.get((key, expiry), 0) + amount

    # -- the exchange -----------------------------------------------------------------------

    def exchange(self) -> bool:
        """Write and read all news, in one round trip (two if tokens are to be corrected)."""
        with self._lock:
            facts, corrections = dict(self._facts), self._corrections
            self._corrections = {}
        buckets = [
            (budget, name, *counts)
            for budget in self._budgets
            for name, counts in budget.unshared().items()
        ]
        args: list[Any] = [len(facts)]
        for name, (fact, since) in facts.items():
            seconds = fact.seconds and max(0.001, fact.seconds - (time.monotonic() - since))
            args += [name, fact.value, seconds]
        args.append(len(buckets))
        for budget, name, change, capacity in buckets:
            args += [f"budget:{budget.capacity:g}:{name}", change, capacity]
        told = False
        with self.client.tolerating_redis_errors():
            namespace = self.client.namespace
            keys = [f"{{{namespace}}}:facts", f"{{{namespace}}}:sums"]
            known, sums = self._script(keys=keys, args=args)
            told = True
        if not told:
            for (key, expiry), amount in corrections.items():
                self.later(key, expiry, amount)
            return False
        with self.client.tolerating_redis_errors():
            for (key, expiry), amount in corrections.items():
                self.client.storage.incr(key, expiry, amount)
        self.client.answered()
        with self._lock:
            for name, entry in facts.items():
                if self._facts.get(name) is entry:
                    del self._facts[name]
        for (budget, name, change, _), total in zip(buckets, sums, strict=True):
            budget.share(name, change, float(total))
        heard = {
            name.decode(): Fact(value.decode(), float(seconds))
            for name, value, seconds in zip(*[iter(known)] * 3, strict=True)
        }
        for member in self._members:
            member.absorb(heard)
        return True

    def close(self) -> None:
        """Tell what is left to tell, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._wake.set()
            thread.join()
            self.exchange()

    def _keep_up(self) -> bool:
        if self._thread is not threading.current_thread():
            return False
        try:
            self.exchange()
        except Exception as error:  # noqa: BLE001 - what ends this thread ends the sharing
            if not self._failed:
                _log.error("%r: an exchange failed; the next one may not.", self, exc_info=error)
            self._failed = True
        else:
            self._failed = False
        return True


def _run(step: Callable[[], bool | None], wake: threading.Event) -> None:
    while True:
        wake.wait(SYNC_SECONDS)
        wake.clear()
        if not step():  # the store is closed, or garbage
            return
