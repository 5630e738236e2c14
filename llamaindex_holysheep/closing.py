"""Streams that close what is under them.

LlamaIndex's callback wrapper around a generator keeps, when it is closed, the exception that
closed it, and with it everything below, until the garbage collector comes by: the connection
would stay open. So the public streams close the engine's stream themselves, which is noted
here when it is opened, below the wrapper.
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
    """An engine stream was opened."""
    _opened.get().append(stream)


def closing_all(
    told: Generator[_Item, None, None], streams: list[Deltas | AsyncDeltas]
) -> Generator[_Item, None, None]:
    """Yield what `told` yields; in the end, however it comes, close the streams."""
    try:
        yield from told
    finally:
        for stream in streams:
            if isinstance(stream, Generator):
                stream.close()


async def aclosing_all(
    told: AsyncGenerator[_Item, None], streams: list[Deltas | AsyncDeltas]
) -> AsyncGenerator[_Item, None]:
    """Like `closing_all`, for asyncio."""
    owned = Owned(told)
    try:
        async for item in owned:
            yield item
    finally:
        await owned.aclose()
        for stream in streams:
            if isinstance(stream, Owned):
                await stream.aclose()
