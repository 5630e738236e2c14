"""Counts requests and tokens against the limits of one account, in memory or in Redis.

The `limits` library counts: requests in a moving window, which is exact, and tokens in a fixed
window, to which unused tokens can be returned.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from holysheep_core.clock import clock
from holysheep_core.config.limits import RateLimits
from holysheep_core.protocol.rate_limit_headers import Allowance

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.storage import Storage

    from holysheep_core.store.store import Store

_A_MOMENT = 0.001


class Availability(NamedTuple):
    """Seconds until a request may be sent (0: now), and the limit that holds it, in words."""

    wait: float = 0.0
    limit: str = ""


class Spent(NamedTuple):
    """Requests and tokens admitted since the server last reported its allowance."""

    requests: int
    tokens: int

    def plus(self, tokens: int) -> Spent:
        """Return the sum with one more request of that many tokens."""
        return Spent(self.requests + 1, self.tokens + tokens)


class Counters:
    """Counts the requests and tokens of one account.

    Args:
        account: Identifies the account; contains no secret.
        limits: The limits.
        store: Counts for many processes; None for this process alone.
    """

    def __init__(self, account: str, limits: RateLimits, store: Store | None) -> None:
        # Imported here: programs without limits save the import time.
        from limits import RateLimitItemPerDay, RateLimitItemPerMinute  # noqa: PLC0415

        self._account = account
        self._store = store
        rpm, tpm, tpd = limits.requests_per_minute, limits.tokens_per_minute, limits.tokens_per_day
        self._requests = None if rpm is None else RateLimitItemPerMinute(rpm)
        self._tokens: list[RateLimitItem] = []
        self._tokens += [] if tpm is None else [RateLimitItemPerMinute(tpm, namespace="TOKENS")]
        self._tokens += [] if tpd is None else [RateLimitItemPerDay(tpd, namespace="TOKENS")]
        self.renew()

    def renew(self) -> None:
        """Reset the counts in memory to zero."""
        from limits.storage import MemoryStorage  # noqa: PLC0415

        self._memory = MemoryStorage()
        self._heard: Allowance | None = None
        self._since_heard = Spent(0, 0)

    @property
    def tokens_are_limited(self) -> bool:
        """Whether a token limit is set."""
        return bool(self._tokens)

    def take(self, tokens: int, left: Allowance | None) -> Availability:
        """Reserve a request and its tokens, if every limit allows them.

        Args:
            tokens: Estimated tokens of prompt and answer.
            left: The allowance that the server last reported; None if unknown.

        Returns:
            `wait` is 0 if the request is reserved; otherwise nothing is.
        """
        room = self._what_the_server_said(tokens, left)
        if room.wait:
            return room
        storage = self._store.client.limits() if self._store is not None else None
        if storage is not None and self._store is not None:
            with self._store.client.tolerating_redis_errors():
                room = self._count(storage, tokens)
                if not room.wait:
                    self._count(self._memory, tokens)  # the count to use if the store fails
                    self._since_heard = self._since_heard.plus(tokens)
                return room
        room = self._count(self._memory, tokens)
        if not room.wait:
            self._since_heard = self._since_heard.plus(tokens)
        return room

    def _what_the_server_said(self, tokens: int, left: Allowance | None) -> Availability:
        """Respect the server's own allowance: it also counts other programs with this key."""
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
        """Reserve in every limit, or in none."""
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
        """Correct a reservation by the tokens that a request used.

        Args:
            reserved: Reserved tokens.
            used: Used tokens; 0 if the request was not sent.
        """
        for item in self._tokens:
            difference = min(used, item.amount) - min(reserved, item.amount)
            if difference:
                key, expiry = item.key_for(self._account), item.get_expiry()
                self._memory.incr(key, expiry, difference)
                if self._store is not None:
                    self._store.later(key, expiry, difference)


def _seconds_to(moment: float) -> float:
    return max(_A_MOMENT, moment - time.time() + _A_MOMENT)
