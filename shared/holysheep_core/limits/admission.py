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
        providers: The providers of the call.
        states: Has the allowances that the servers last reported.
        store: Counts the limits of many processes; None for this process alone.
        pace: The user's own limiter, called before each request; in async calls it may be a
            coroutine function.

    Attributes:
        is_needed: Whether any limit is set.
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
        """Wait until the request may be sent.

        Args:
            route: The route of the request.
            request: The request.
            until: End of the call's total time, on the driver's clock; None for no limit.
            throttled: Called once before a wait: the limit in words, the seconds, the time.

        Raises:
            LocalRateLimitError: The wait would exceed `max_wait` or `until`.
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
        """Correct the reserved tokens by the tokens that the requests used, in sending order."""
        for reserved, attempt in zip_longest(self._reserved, attempts):
            if reserved is not None:
                limiter, tokens = reserved
                limiter.settle(tokens, 0 if attempt is None else attempt.usage.total_tokens)
