"""Network streams that keep to a moving deadline, and connections that survive without DNS.

Where an answer is a plain chunked body, `read_body` hands out what is in its chunks, past
httpcore's parser (see `chunked`).
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from holysheep_core.clock import clock
from holysheep_core.transport.chunked import Dechunker
from holysheep_core.transport.deadline import Deadline
from holysheep_core.transport.dns_cache import AddressBook, is_name_failure

_MOST = 64 * 1024  # bytes of one read
_KNOWN_SECONDS = 3.0  # an address that worked a minute ago answers soon, or has moved
Options = Iterable[Any]


class Stream(httpcore.NetworkStream):
    """A connection, with a short way to the body of an answer."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._chunks = Dechunker()
        self.close = inner.close  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes of a request."""
        self._chunks.request_sent()
        self._inner.write(buffer, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return bytes of an answer, for httpcore."""
        chunks = self._chunks
        if chunks.in_head:
            data = self._receive(max_bytes, timeout)
            return chunks.take_head(data) if data else data
        chunks.plain = False
        data, chunks.rest = chunks.rest, b""
        return data or self._receive(max_bytes, timeout)

    def read_body(self, timeout: float | None) -> bytes:
        """Return what is in the next chunks; b"" where httpcore is to read on."""
        chunks = self._chunks
        if not chunks.plain:
            return b""
        body = chunks.take(b"") if chunks.rest else b""  # it came with the head
        while chunks.plain and not body:
            data = self._receive(_MOST, timeout)
            if data:
                body = chunks.take(data)
            else:
                chunks.plain = False
        return body

    def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        if not isinstance(timeout, Deadline):
            return self._inner.read(max_bytes, timeout)
        while True:
            try:
                return self._inner.read(max_bytes, timeout.slice())
            except httpcore.ReadTimeout:  # noqa: PERF203 - seldom: a slice has seconds
                if timeout.is_over():
                    raise

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on encrypted."""
        return Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))


class Backend(httpcore.NetworkBackend):
    """Connects by name, or by an address that worked."""

    def __init__(self, inner: httpcore.NetworkBackend, book: AddressBook) -> None:
        self._inner = inner
        self._book = book

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.NetworkStream:
        """Connect; within the book's time without asking for the name."""
        book, connect, rest = self._book, self._inner.connect_tcp, (local_address, socket_options)
        known = book.fresh(host, port, clock())
        if known is not None:
            try:
                return Stream(connect(known, port, _short(timeout), *rest))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                book.failed(host, port)
        try:
            stream = connect(host, port, timeout, *rest)
        except httpcore.ConnectError as error:
            address = book.last_good(host, port)
            if address is None or not is_name_failure(error):
                raise
            return Stream(connect(address, port, timeout, *rest))
        _note(book, host, port, stream)
        return Stream(stream)


class AsyncStream(httpcore.AsyncNetworkStream):
    """Like `Stream`, for asyncio."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._chunks = Dechunker()
        self.aclose = inner.aclose  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes of a request."""
        self._chunks.request_sent()
        await self._inner.write(buffer, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return bytes of an answer, for httpcore."""
        chunks = self._chunks
        if chunks.in_head:
            data = await self._receive(max_bytes, timeout)
            return chunks.take_head(data) if data else data
        chunks.plain = False
        data, chunks.rest = chunks.rest, b""
        return data or await self._receive(max_bytes, timeout)

    async def read_body(self, timeout: float | None) -> bytes:
        """Return what is in the next chunks; b"" where httpcore is to read on."""
        chunks = self._chunks
        if not chunks.plain:
            return b""
        body = chunks.take(b"") if chunks.rest else b""  # it came with the head
        while chunks.plain and not body:
            data = await self._receive(_MOST, timeout)
            if data:
                body = chunks.take(data)
            else:
                chunks.plain = False
        return body

    async def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        if not isinstance(timeout, Deadline):
            return await self._inner.read(max_bytes, timeout)
        while True:
            try:
                return await self._inner.read(max_bytes, timeout.slice())
            except httpcore.ReadTimeout:  # noqa: PERF203 - seldom: a slice has seconds
                if timeout.is_over():
                    raise

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Go on encrypted."""
        return AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Like `Backend`, for asyncio."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, book: AddressBook) -> None:
        self._inner = inner
        self._book = book

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; within the book's time without asking for the name."""
        book, connect, rest = self._book, self._inner.connect_tcp, (local_address, socket_options)
        known = book.fresh(host, port, clock())
        if known is not None:
            try:
                return AsyncStream(await connect(known, port, _short(timeout), *rest))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                book.failed(host, port)
        try:
            stream = await connect(host, port, timeout, *rest)
        except httpcore.ConnectError as error:
            address = book.last_good(host, port)
            if address is None or not is_name_failure(error):
                raise
            return AsyncStream(await connect(address, port, timeout, *rest))
        _note(book, host, port, stream)
        return AsyncStream(stream)

    async def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        await self._inner.sleep(seconds)


def _short(timeout: float | None) -> float:
    return _KNOWN_SECONDS if timeout is None else min(timeout, _KNOWN_SECONDS)


def _note(
    book: AddressBook,
    host: str,
    port: int,
    stream: httpcore.NetworkStream | httpcore.AsyncNetworkStream,
) -> None:
    # A connection may be reset at once. Its peer is then unknown (asyncio: None, a socket:
    # ENOTCONN), and what is sent next finds out.
    with contextlib.suppress(OSError):
        peer = stream.get_extra_info("server_addr")
        if peer is not None:
            book.worked(host, port, peer[0], clock())
