"""Calls to what a user gave: observers, `on_event`, a framework's channels.

They watch a call and must never end it. The first failure of each is logged with its traceback,
later ones are not.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

_log = logging.getLogger("holysheep")


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

    async def finish(self, result: Awaitable[Any]) -> None:
        """Wait for what a coroutine function returned."""
        try:
            await result
        except Exception as error:  # noqa: BLE001 - whatever a listener raises
            self._report(error)

    def _report(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            name = getattr(self._function, "__qualname__", repr(self._function))
            _log.error("The listener %s failed; the call goes on.", name, exc_info=error)
