"""Who gets the events of a call: observers, `on_event`, a framework's channels.

They watch a call and must never end it. The first failure of each is logged with its traceback,
later ones are not.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from holysheep_core.events import Event

_log = logging.getLogger("holysheep")
_LEAVING = 1.0
"""Seconds for which a reader who leaves waits for listeners."""


class Guard:
    """A function of the user's, whose failure is logged and not raised."""

    __slots__ = ("_failed", "_function")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._failed = False

    def __call__(self, *args: Any) -> Any:
        """Call it; None where it fails."""
        try:
            return self._function(*args)
        except Exception as error:  # noqa: BLE001 - whatever a listener raises
            self._report(error)
            return None

    def finished(self, task: asyncio.Future[Any]) -> None:
        """Look at how the task of a coroutine function ended."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._report(error)

    def _report(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            name = getattr(self._function, "__qualname__", repr(self._function))
            _log.error("The listener %s failed; the call continues.", name, exc_info=error)


class Listeners:
    """Sends events to listeners, in order."""

    def __init__(self, listeners: Sequence[Guard]) -> None:
        self._listeners = listeners

    def __call__(self, event: Event) -> None:
        """Send an event."""
        for listener in self._listeners:
            listener(event)


class AsyncListeners:
    """Likewise, where some of the listeners are coroutine functions.

    The session, which makes the events, cannot await. So what listeners return runs as tasks,
    started in order, while the call itself waits for the network. As a context manager around
    the call it leaves none of them running.
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
        """Wait for the listeners, before the call is over."""
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
