"""Streams that close the engine's stream under them.

LlamaIndex wraps a generator for its callbacks. A closed wrapper keeps a reference to everything
below it until the next garbage collection, and the connection would stay open. So the engine's
streams are recorded here when they are opened, and the public streams close them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from holysheep_core import Completion, Delta
from holysheep_core.integrations import Owned

Deltas = Generator[Delta | Completion, None, None]
AsyncDeltas = Owned[Delta | Completion]
_Item = TypeVar("_Item")

_opened: ContextVar[list[Deltas | AsyncDeltas]] = ContextVar("holysheep_opened")


@contextmanager
def noting() -> Iterator[list[Deltas | AsyncDeltas]]:
    """Collect the engine streams that are opened inside the block."""
    streams: list[Deltas | AsyncDeltas] = []
    token = _opened.set(streams)
    try:
        yield streams
    finally:
        _opened.reset(token)


def note(stream: Deltas | AsyncDeltas) -> None:
    """Record an engine stream that was opened."""
    _opened.get().append(stream)


def closing_all(
    wrapper: Generator[_Item, None, None], streams: list[Deltas | AsyncDeltas]
) -> Generator[_Item, None, None]:
    """Yield the items of `wrapper`; at its end, an error or `close`, close the streams."""
    try:
        yield from wrapper
    finally:
        for stream in streams:
            if isinstance(stream, Generator):
                stream.close()


async def aclosing_all(
    wrapper: AsyncGenerator[_Item, None], streams: list[Deltas | AsyncDeltas]
) -> AsyncGenerator[_Item, None]:
    """Like `closing_all`, for asyncio."""
    owned = Owned(wrapper)
    try:
        async for item in owned:
            yield item
    finally:
        await owned.aclose()
        for stream in streams:
            if isinstance(stream, Owned):
                await stream.aclose()
