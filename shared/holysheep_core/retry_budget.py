"""The retry budget: what bounds the retries of all calls of a process together."""

from __future__ import annotations

import threading

from holysheep_core.config.checks import check_number


class RetryBudget:
    """A bucket of tokens that every further request of a process's calls draws from.

    Per-call limits alone let an outage multiply the traffic of all calls by `max_retries`
    just when the server can bear it least. The bucket bounds the calls together:

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
    chapter 21. The SDKs also give back what the last retry of a call has cost if it worked. That
    bounds an outage, but where every fourth request fails it lets traffic grow by 1.3; and to
    give back all retries of such a call doubles it where half of them fail, since nearly
    every call works within five retries and nothing is ever spent.

    The bound is per bucket: 100 processes have 100 times 50 retries to begin with, unless they
    are given smaller ones. `docs/retry-budget.md` has the figures.

    Args:
        capacity: Tokens of a full bucket.
        cost: Tokens one further request takes.
    """

    def __init__(self, capacity: float = 500.0, cost: float = 10.0) -> None:
        check_number("capacity", capacity)
        check_number("cost", cost)
        self._capacity = capacity
        self._cost = cost
        self._tokens = capacity
        self._unshared = 0.0
        self._lock = threading.Lock()

    @property
    def tokens(self) -> float:
        """Tokens left."""
        return self._tokens

    @property
    def capacity(self) -> float:
        """Tokens of a full bucket."""
        return self._capacity

    def take(self) -> bool:
        """Pay for one further request; False, and nothing paid, if the bucket holds too little."""
        with self._lock:
            if self._tokens < self._cost:
                return False
            self._add(-self._cost)
            return True

    def succeeded(self, retries: int) -> None:
        """Give back what that many requests have cost; with 0, add the token of a whole answer."""
        with self._lock:
            gain = retries * self._cost if retries else 1.0
            self._add(gain)

    def refill(self) -> None:
        """Fill the bucket to the brim."""
        with self._lock:
            self._add(self._capacity)

    # -- for a bucket that many processes draw on -------------------------------------------

    @property
    def unshared(self) -> float:
        """Tokens gained and lost that the others have not been told of."""
        return self._unshared

    def share(self, told: float, total: float) -> None:
        """The others were told of `told` tokens, and all together there are `total`.

        That may be less than none: what several spent at the same time remains owed, or each
        exchange would forgive some of it.
        """
        with self._lock:
            self._unshared -= told
            self._tokens = min(self._capacity, total + self._unshared)

    def _add(self, tokens: float) -> None:
        before = self._tokens
        self._tokens = min(self._capacity, before + tokens)
        self._unshared += self._tokens - before


PROCESS_BUDGET = RetryBudget()
"""The budget of every call in this process that was not given one of its own."""
