"""Listeners of async calls, which may be coroutine functions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from holysheep_core.events import Event


class AsyncListeners:
    """Hands events to listeners of which some are coroutine functions.

    The session, which makes the events, cannot await. So what listeners return runs as tasks,
    started in order, while the call itself waits for the network.
    """

    def __init__(self, listeners: Callable[[Event], list[Any]]) -> None:
        self._listeners = listeners
        self._tasks: list[asyncio.Future[Any]] = []

    def __call__(self, event: Event) -> None:
        """Hand out an event."""
        told = filter(inspect.isawaitable, self._listeners(event))
        self._tasks += [asyncio.ensure_future(each) for each in told]

    async def done(self) -> None:
        """Wait for the listeners, before the call is over; what one of them raises is raised."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            await asyncio.gather(*tasks)
