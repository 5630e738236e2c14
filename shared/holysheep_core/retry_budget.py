"""The retry budget: what bounds the retries of all calls of a process together."""

from __future__ import annotations

import threading

from holysheep_core.config.checks import check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.process import renew_after_fork

ALL_PROVIDERS = ""
"""Name of the bucket that all providers draw on together."""
_CAP = 4
"""Size of that bucket, in buckets of one provider."""


class Bucket:
    """Tokens up to a capacity, perhaps shared with other processes. Not thread-safe."""

    __slots__ = ("capacity", "tokens", "unshared")

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.tokens = capacity
        self.unshared = 0.0  # gained and lost since the other processes were last told

    def add(self, tokens: float) -> None:
        """Add tokens (or take, if negative), up to the capacity."""
        before = self.tokens
        self.tokens = min(self.capacity, before + tokens)
        self.unshared += self.tokens - before

    def share(self, told: float, total: float) -> None:
        """The others were told of `told` tokens, and all together there are `total`.

        That may be less than none: what several spent at the same time remains owed, or each
        exchange would forgive some of it.
        """
        self.unshared -= told
        self.tokens = min(self.capacity, total + self.unshared)


@refuses_unknown()
class RetryBudget:
    """Buckets of tokens that every further request of a process's calls draws from.

    Per-call limits alone let an outage multiply the traffic of all calls by `max_retries`
    just when the server can bear it least. A bucket bounds the calls together. Each provider
    has one, so that a sick server uses up its own retries and nobody else's; a bucket of four
    times that size, which all providers draw on, bounds the process.

    - A further request costs 10 tokens, and a whole answer earns 1.
    - What it cost comes back with the first content of a move to another route, of the
      continuation of a cut answer, and of a retry after a 429: there the server works, or sets
      the pace itself.
    - Nothing comes back for a plain retry, the same question to a server that failed. So there
      is at most one of them for every 10 whole answers, and 50 more once, out of a full bucket:
      retries multiply the traffic by 1.1 at most, however many of the requests fail.
    - Where the bucket is empty, a call moves to another route if one is open (`policy`), and
      else fails at once with its first cause.

    Isolated failures are always tried again: below one request in 11 the bucket fills faster than
    they empty it. The size is that of the AWS SDKs, the rate the 10 % of Google's SRE book,
    chapter 21; gRPC keeps one for each server, too. The SDKs also give back what the last retry
    of a call has cost if it worked. That bounds an outage, but where every fourth request fails
    it lets traffic grow by 1.3; and to give back all retries of such a call doubles it where
    half of them fail, since nearly every call works within five retries and nothing is ever
    spent.

    The bound is per process: 100 processes have 100 times 50 retries to begin with, unless they
    share a store or are given smaller budgets. `docs/retry-budget.md` has the figures.

    Args:
        capacity: Tokens of a provider's full bucket.
        cost: Tokens one further request takes.
    """

    def __init__(self, capacity: float = 500.0, cost: float = 10.0) -> None:
        check_number("capacity", capacity)
        check_number("cost", cost)
        self._capacity = capacity
        self._cost = cost
        self._buckets = {ALL_PROVIDERS: Bucket(capacity * _CAP)}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()

    @property
    def tokens(self) -> float:
        """Tokens left in the emptiest bucket of a provider."""
        with self._lock:
            left = [each.tokens for name, each in self._buckets.items() if name != ALL_PROVIDERS]
        return min(left, default=self._capacity)

    @property
    def capacity(self) -> float:
        """Tokens of a provider's full bucket."""
        return self._capacity

    def take(self, provider: str = "default") -> bool:
        """Pay for one further request; False, and nothing paid, if a bucket holds too little.

        Args:
            provider: Whose bucket pays: the account that the request goes to.
        """
        with self._lock:
            buckets = self._of(provider)
            if any(each.tokens < self._cost for each in buckets):
                return False
            for each in buckets:
                each.add(-self._cost)
            return True

    def succeeded(self, retries: int, provider: str = "default") -> None:
        """Give back what that many retries have cost; with 0, add the token of a whole answer."""
        with self._lock:
            gain = retries * self._cost if retries else 1.0
            for each in self._of(provider):
                each.add(gain)

    def refill(self) -> None:
        """Fill all buckets."""
        with self._lock:
            for each in self._buckets.values():
                each.add(each.capacity)

    # -- for a budget that many processes draw on -------------------------------------------

    def unshared(self) -> dict[str, tuple[float, float]]:
        """Return, for each bucket, the tokens the others have not been told of and its capacity."""
        with self._lock:
            return {name: (each.unshared, each.capacity) for name, each in self._buckets.items()}

    def share(self, bucket: str, told: float, total: float) -> None:
        """The others were told of `told` tokens of a bucket, and together there are `total`."""
        with self._lock:
            self._buckets[bucket].share(told, total)

    def _of(self, provider: str) -> tuple[Bucket, Bucket]:
        own = self._buckets.get(provider)
        if own is None:
            own = self._buckets[provider] = Bucket(self._capacity)
        return own, self._buckets[ALL_PROVIDERS]


PROCESS_BUDGET = RetryBudget()
"""The budget of every call in this process that was not given one of its own."""
