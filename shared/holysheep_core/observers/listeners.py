"""Listeners of a call: observers, `on_event`, a framework's callbacks.

An exception of a listener does not end the call. The first one of each listener is logged with its
traceback, later ones are not.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from holysheep_core.events import Event
from holysheep_core.types import ChatRequest

_log = logging.getLogger("holysheep")
_LEAVING = 1.0
"""Seconds that closing a stream early waits for listeners."""


class Guard:
    """A user's function whose exceptions are logged and not raised."""

    __slots__ = ("_failed", "_function")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._failed = False

    def __call__(self, *args: Any) -> Any:
        """Call it; return None if it fails."""
        try:
            return self._function(*args)
        except Exception as error:  # noqa: BLE001 - whatever a listener raises
            self._report(error)
            return None

    def finished(self, task: asyncio.Future[Any]) -> None:
        """Log the exception of a finished task of a coroutine function."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._report(error)

    def _report(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            name = getattr(self._function, "__qualname__", repr(self._function))
            _log.error("The listener %s failed; the call continues.", name, exc_info=error)


def announce(
    began: Sequence[Guard],
    request: ChatRequest,
    listeners: list[Guard],
    on_event: Callable[[Event], Any] | None,
) -> list[Guard]:
    """Notify observers that a call begins; return the listeners of its events.

    Args:
        began: The observers' methods for the beginning of a call.
        request: The request of the call.
        listeners: The listeners of the events of every call.
        on_event: A listener of this call alone; None for none.
    """
    for each in began:
        each(request.call_id, request)
    return listeners if on_event is None else [*listeners, Guard(on_event)]


class Listeners:
    """Sends events to listeners, in order."""

    def __init__(self, listeners: Sequence[Guard]) -> None:
        self._listeners = listeners

    def __call__(self, event: Event) -> None:
        """Send an event."""
        for listener in self._listeners:
            listener(event)


class AsyncListeners:
    """Sends events to listeners of which some are coroutine functions.

    The session emits events and cannot await. So coroutines run as tasks, started in order, while
    the call waits for the network. Used as a context manager around the call, it leaves none of
    them running.
    """

    def __init__(self, listeners: Sequence[Guard]) -> None:
        self._listeners = listeners
        self._tasks: list[asyncio.Future[Any]] = []

    def __call__(self, event: Event) -> None:
        """Send an event."""
        for listener in self._listeners:
            result = listener(event)
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(result)
                task.add_done_callback(listener.finished)
                self._tasks.append(task)

    async def done(self) -> None:
        """Wait for the listeners' tasks, before the call ends."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            await asyncio.wait(tasks)

    async def __aenter__(self) -> AsyncListeners:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        tasks, self._tasks = self._tasks, []
        if isinstance(error, asyncio.CancelledError):
            late = set(tasks)  # the call's task was cancelled, and so are they
        elif tasks:
            # A reader who leaves early does not wait for long.
            limit = _LEAVING if isinstance(error, GeneratorExit) else None
            _, late = await asyncio.wait(tasks, timeout=limit)
        else:
            return
        for task in late:
            task.cancel()
