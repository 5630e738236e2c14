"""Admission control: holds each request of a call until the account's rate limits allow it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from holysheep_core.limits.limiter import OnThrottled, Passage, RateLimiter, limiter_of
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.store.store import Store
from holysheep_core.types import Attempt, ChatRequest


class Admission:
    """Admission control of one call.

    Args:
        providers: Where requests may go.
        states: Knows what the servers said is left.
        store: Where limits are counted for many processes.
        pace: A limiter of the user's own, which is asked first; in async calls it may be a
            coroutine function.

    Attributes:
        is_needed: Whether there is any limit.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        states: RouteStates,
        store: Store | None,
        pace: Callable[[], Any] | None,
    ) -> None:
        self.is_needed = pace is not None or any(each.rate_limits for each in providers)
        self._states = states
        self._store = store
        self._pace = pace
        self._reserved: list[tuple[RateLimiter, int] | None] = []

    def enter(
        self, route: Route, request: ChatRequest, until: float | None, throttled: OnThrottled
    ) -> None:
        """Return when the request may go out.

        Args:
            route: Where to.
            request: What will be sent.
            until: When the call's total time ends, on the driver's clock; None for never.
            throttled: Is called if it has to wait: the limit in words, the seconds, the time.

        Raises:
            LocalRateLimitError: It would take longer than is wanted.
        """
        if self._pace is not None:
            self._pace()
        limiter = limiter_of(route.provider, self._store)
        passage = Passage(request, until, self._states.left(route.provider), throttled)
        self._reserved.append(None if limiter is None else (limiter, limiter.enter(passage)))

    async def aenter(
        self, route: Route, request: ChatRequest, until: float | None, throttled: OnThrottled
    ) -> None:
        """Like `enter`, for asyncio."""
        paced = None if self._pace is None else self._pace()
        if inspect.isawaitable(paced):
            await paced
        limiter = limiter_of(route.provider, self._store)
        passage = Passage(request, until, self._states.left(route.provider), throttled)
        self._reserved.append(None if limiter is None else (limiter, await limiter.aenter(passage)))

    def settle(self, attempts: Sequence[Attempt]) -> None:
        """Correct what was reserved by what the requests have used, in the order they went."""
        for reserved, attempt in zip_longest(self._reserved, attempts):
            if reserved is not None:
                limiter, tokens = reserved
                limiter.settle(tokens, 0 if attempt is None else attempt.usage.total_tokens)
