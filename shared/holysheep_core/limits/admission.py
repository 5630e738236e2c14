"""Lets the requests of one call out, each when its account has room for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from holysheep_core.engine.actions import Admit
from holysheep_core.limits.limiter import RateLimiter, limiter_of
from holysheep_core.routing.providers import Provider
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.store.store import Store
from holysheep_core.types import Attempt


class Admission:
    """The gate of one call.

    Args:
        providers: Where requests may go.
        memory: Knows what the servers said is left.
        store: Where limits are counted for many processes.
        pace: A limiter of the user's own, which is asked first; in async calls it may be a
            coroutine function.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        route_states: RouteStates,
        store: Store | None,
        pace: Callable[[], Any] | None,
    ) -> None:
        self.is_needed = pace is not None or any(each.limits for each in providers)
        self._route_states = route_states
        self._store = store
        self._pace = pace
        self._let_out: list[tuple[RateLimiter, int] | None] = []

    def enter(self, action: Admit) -> None:
        """Return when the request may go out.

        Raises:
            LocalRateLimitError: It would take longer than is wanted.
        """
        if self._pace is not None:
            self._pace()
        limiter = limiter_of(action.route.provider, self._store)
        left = self._route_states.left(action.route.provider)
        taken = None if limiter is None else (limiter, limiter.enter(action, left))
        self._let_out.append(taken)

    async def aenter(self, action: Admit) -> None:
        """Like `enter`, for asyncio."""
        waited = None if self._pace is None else self._pace()
        if inspect.isawaitable(waited):
            await waited
        limiter = limiter_of(action.route.provider, self._store)
        left = self._route_states.left(action.route.provider)
        taken = None if limiter is None else (limiter, await limiter.aenter(action, left))
        self._let_out.append(taken)

    def settle(self, attempts: Sequence[Attempt]) -> None:
        """Correct what was reserved by what the requests have used, in the order they went."""
        for taken, attempt in zip_longest(self._let_out, attempts):
            if taken is not None:
                limiter, reserved = taken
                limiter.settle(reserved, 0 if attempt is None else attempt.usage.total_tokens)
