"""Async generators that only their owner closes."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Owned(Generic[_Item]):
    """An async generator inside another one, which iterates it and closes it.

    When a loop ends, asyncio closes every async generator it knows of, each in a task of its own.
    An owner that closes its inner generator at that moment finds it running already, and the loop
    reports "asynchronous generator is already running". So the loop is not told of an inner one:
    closing the owner closes both.
    """

    __slots__ = ("_begun", "_generator")

    def __init__(self, generator: AsyncGenerator[_Item, None]) -> None:
        self._generator = generator
        self._begun = False

    def __aiter__(self) -> Owned[_Item]:
        return self

    def __anext__(self) -> Awaitable[_Item]:
        if self._begun:
            return self._generator.__anext__()
        # Its hooks are fixed when the first item is asked for.
        self._begun = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return self._generator.__anext__()
        finally:
            sys.set_asyncgen_hooks(*hooks)

    def aclose(self) -> Awaitable[None]:
        """Close it."""
        return self._generator.aclose()
