"""How a connection is made: by name, or to an address that answered.

An address is good once the head of a response came from it, not before: a server may accept
connections and do no more. Any failure on it makes it the last choice. The time limit is for the
name service and all addresses together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import Any

import anyio
import httpcore

from holysheep_core.clock import clock
from holysheep_core.transport.deadline import ConnectLimit
from holysheep_core.transport.dns_cache import AddressBook, alook_up, look_up
from holysheep_core.transport.streams import AsyncStream, Stream

_KNOWN_SECONDS = 3.0  # an address that answered a minute ago does so soon, or has moved
_HEAD_START = 0.25  # seconds before the next address is tried beside the first (RFC 8305)
_FOREVER = float("inf")
_FAILURES = (httpcore.ConnectError, httpcore.ConnectTimeout)
Options = Iterable[Any]


class _Address:
    """The address that a connection goes to, and what becomes of it."""

    def __init__(self, book: AddressBook, core: ModuleType) -> None:
        self._book = book
        self.write_error: type[Exception] = core.WriteError
        self._at: tuple[str, int, str] | None = None
        self.limit: float | None = None
        self._tcp = _FOREVER  # seconds for TCP, if the call limits it

    def _begin(self, timeout: float | None) -> float:
        """Take a time limit; return when it ends."""
        self.limit = timeout
        self._tcp = timeout.tcp if isinstance(timeout, ConnectLimit) else _FOREVER
        return clock() + (_FOREVER if timeout is None else timeout)

    def answered(self) -> None:
        """The head of a response came."""
        if self._at is not None:
            self._book.worked(*self._at, clock())

    def failed(self) -> None:
        """Something failed on the connection."""
        if self._at is not None:
            self._book.failed(*self._at)

    @contextmanager
    def _trying(self, host: str, port: int, address: str) -> Iterator[None]:
        try:
            yield
        except _FAILURES:
            self._book.failed(host, port, address)
            raise

    def _last_resort(self, host: str, port: int, error: httpcore.ConnectError) -> list[str]:
        address = self._book.last_good(host, port)
        if address is None:
            raise error
        return [address]


class Backend(_Address, httpcore.NetworkBackend):
    """Makes one connection.

    Args:
        inner: Makes sockets.
        book: Where addresses are remembered.
        core: httpcore, or httpcore2: what speaks HTTP on it.

    Attributes:
        stream: The connection; None until it is made.
    """

    def __init__(self, inner: httpcore.NetworkBackend, book: AddressBook, core: ModuleType) -> None:
        super().__init__(book, core)
        self._inner = inner
        self.stream: Stream | None = None

    def opened(self, stream: Any) -> None:
        """This is the connection from now on."""
        self.stream = stream

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.NetworkStream:
        """Connect; within the book's time without asking for the name."""
        end = self._begin(timeout)
        rest = (local_address, socket_options)
        known = self._book.fresh(host, port, clock())
        if known is not None:
            try:
                return self._dial(host, port, known, min(_KNOWN_SECONDS, _left(end)), rest)
            except _FAILURES:  # it has moved, perhaps
                pass
        try:
            found = look_up(host, port, None if timeout is None else _left(end))
        except httpcore.ConnectError as error:
            found = self._last_resort(host, port, error)
        addresses = self._book.in_order(host, port, found)
        for count, address in zip(range(len(addresses), 1, -1), addresses, strict=False):
            try:
                return self._dial(host, port, address, _left(end) / count, rest)
            except _FAILURES:  # noqa: PERF203 - the next address
                continue
        return self._dial(host, port, addresses[-1], _left(end), rest)

    def _dial(
        self, host: str, port: int, address: str, seconds: float, rest: tuple[Any, Any]
    ) -> Stream:
        with self._trying(host, port, address):
            least = min(seconds, self._tcp)
            limit = None if least == _FOREVER else least
            stream = self._inner.connect_tcp(address, port, limit, *rest)
        self._at = (host, port, address)
        return Stream(stream, self)


class AsyncBackend(_Address, httpcore.AsyncNetworkBackend):
    """Like `Backend`, for asyncio; where a name has several addresses, they are raced."""

    def __init__(
        self, inner: httpcore.AsyncNetworkBackend, book: AddressBook, core: ModuleType
    ) -> None:
        super().__init__(book, core)
        self._inner = inner
        self.stream: AsyncStream | None = None

    def opened(self, stream: Any) -> None:
        """This is the connection from now on."""
        self.stream = stream

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; within the book's time without asking for the name."""
        end = self._begin(timeout)
        rest = (local_address, socket_options)
        known = self._book.fresh(host, port, clock())
        if known is not None:
            try:
                link = await self._dial(host, port, known, min(_KNOWN_SECONDS, _left(end)), rest)
                return self._chosen(host, port, known, link)
            except _FAILURES:  # it has moved, perhaps
                pass
        try:
            with anyio.fail_after(None if timeout is None else _left(end)):
                found = await alook_up(host, port)
        except httpcore.ConnectError as error:
            found = self._last_resort(host, port, error)
        except TimeoutError:
            raise httpcore.ConnectTimeout("The name service did not reply.") from None
        addresses = self._book.in_order(host, port, found)
        if len(addresses) == 1:  # needs no race
            link = await self._dial(host, port, addresses[0], _left(end), rest)
            return self._chosen(host, port, addresses[0], link)
        async with _racing() as tasks:
            for address in addresses:
                dial = self._dial(host, port, address, _left(end), rest)
                tasks[asyncio.create_task(dial)] = address
                await _first(tasks, _HEAD_START)
                if (winner := _winner(tasks)) is not None:
                    break
            while winner is None and not all(task.done() for task in tasks):
                await _first(tasks, None)
                winner = _winner(tasks)
            winner = winner or next(reversed(tasks))  # whose failure is the one to tell
            return self._chosen(host, port, tasks[winner], _taken(tasks, winner))

    async def _dial(
        self, host: str, port: int, address: str, seconds: float, rest: tuple[Any, Any]
    ) -> httpcore.AsyncNetworkStream:
        with self._trying(host, port, address):
            least = min(seconds, self._tcp)
            limit = None if least == _FOREVER else least
            return await self._inner.connect_tcp(address, port, limit, *rest)

    def _chosen(
        self, host: str, port: int, address: str, link: httpcore.AsyncNetworkStream
    ) -> AsyncStream:
        self._at = (host, port, address)
        return AsyncStream(link, self)

    async def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        await self._inner.sleep(seconds)


_Task = asyncio.Task[httpcore.AsyncNetworkStream]


@asynccontextmanager
async def _racing() -> AsyncIterator[dict[_Task, str]]:
    """Hold tasks that make connections; at the end, those that are left are closed."""
    tasks: dict[_Task, str] = {}
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
            task.add_done_callback(_drop)


def _drop(task: _Task) -> None:
    if not task.cancelled() and task.exception() is None:
        AsyncStream(task.result()).abort()


async def _first(tasks: Iterable[_Task], seconds: float | None) -> None:
    """Wait for one more of them to be done, so many seconds at most."""
    waiting = [task for task in tasks if not task.done()]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def _winner(tasks: Iterable[_Task]) -> _Task | None:
    return next((task for task in tasks if task.done() and task.exception() is None), None)


def _taken(tasks: dict[_Task, str], winner: _Task) -> httpcore.AsyncNetworkStream:
    link = winner.result()
    del tasks[winner]
    return link


def _left(end: float) -> float:
    return max(0.001, end - clock())
