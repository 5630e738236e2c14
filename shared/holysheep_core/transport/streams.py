"""Network streams that keep to a moving deadline and say what became of their address.

Where an answer is a plain chunked body, `read_body` hands out what is in its chunks, past
httpcore's parser (see `chunked`).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol

import httpcore

from holysheep_core.transport.asyncio_backend import Socket
from holysheep_core.transport.chunked import Dechunker
from holysheep_core.transport.deadline import Deadline, UploadLimit
from holysheep_core.transport.message_watch import MessageWatch

_PIECE = 64 * 1024  # bytes that are sent under one time limit
_MOST = 64 * 1024  # bytes of one read
_AT_ONCE = 0.001  # seconds; what is read is there already
_closing: set[asyncio.Future[None]] = set()


class Dialled(Protocol):
    """Who made a connection.

    Attributes:
        limit: Seconds for each word with a proxy, for which httpcore sets no limit of its own.
        write_error: What is raised if a request cannot be sent to its end. Whoever speaks HTTP on
            the connection looks for this class, to read what the server says all the same.
    """

    limit: float | None
    write_error: type[Exception]

    def opened(self, stream: Stream | AsyncStream) -> None:
        """This is the connection from now on."""

    def answered(self) -> None:
        """The head of a response came."""

    def failed(self) -> None:
        """Reading or writing failed."""


class _Nobody:
    limit: float | None = None
    write_error: type[Exception] = httpcore.WriteError

    def opened(self, stream: Stream | AsyncStream) -> None: ...

    def answered(self) -> None: ...

    def failed(self) -> None: ...


class Stream(httpcore.NetworkStream):
    """A connection, with a short way to the body of an answer."""

    def __init__(self, inner: httpcore.NetworkStream, by: Dialled | None = None) -> None:
        self._inner = inner
        self._by = by or _Nobody()
        self._sending = False
        self._chunks = Dechunker()
        self.watch = MessageWatch()
        self._by.opened(self)
        self.close = inner.close  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes of a request."""
        self._chunks.request_sent()
        self.watch.sent(buffer)
        self._sending = True
        try:
            for at in range(0, len(buffer), _PIECE):
                limit = timeout.slice() if isinstance(timeout, UploadLimit) else timeout
                self._inner.write(buffer[at : at + _PIECE], limit)
        except httpcore.WriteError as error:
            self._by.failed()
            raise self._by.write_error(str(error)) from error
        except httpcore.WriteTimeout:
            self._by.failed()
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return bytes of an answer, for httpcore."""
        chunks, had_head = self._chunks, self.watch.has_head
        if self._sending:
            self._sending = False
            if isinstance(timeout, Deadline):
                timeout.sent()
        if timeout is None and self.watch.is_idle:
            timeout = self._by.limit
        if chunks.in_head:
            data = self._receive(max_bytes, timeout)
            data = chunks.take_head(data) if data else data
        else:
            chunks.plain = False
            data, chunks.rest = chunks.rest, b""
            data = data or self._receive(max_bytes, timeout)
        self.watch.received(data)
        if self.watch.has_head and not had_head:
            self._by.answered()
        return data

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

    def unasked(self) -> bytes | None:
        """Return what came while no request was under way: b"" for the end, None for nothing."""
        if not self._inner.get_extra_info("is_readable"):
            return None
        try:
            return self._inner.read(_MOST, _AT_ONCE)
        except httpcore.ReadTimeout:  # words of TLS, which are nobody's answer
            return None
        except httpcore.ReadError:
            return b""

    def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        try:
            if not isinstance(timeout, Deadline):
                return self._inner.read(max_bytes, timeout)
            while True:
                try:
                    return self._inner.read(max_bytes, timeout.slice())
                except httpcore.ReadTimeout:  # noqa: PERF203 - seldom: a slice has seconds
                    if timeout.is_over():
                        raise
        except (httpcore.ReadError, httpcore.ReadTimeout):
            self._by.failed()
            raise

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on encrypted."""
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return Stream(inner, self._by)


class AsyncStream(httpcore.AsyncNetworkStream):
    """Like `Stream`, for asyncio."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, by: Dialled | None = None) -> None:
        self._inner = inner
        self._by = by or _Nobody()
        self._sending = False
        self._chunks = Dechunker()
        self.watch = MessageWatch()
        self._by.opened(self)
        self.aclose = inner.aclose  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes of a request."""
        self._chunks.request_sent()
        self.watch.sent(buffer)
        self._sending = True
        try:
            for at in range(0, len(buffer), _PIECE):
                limit = timeout.slice() if isinstance(timeout, UploadLimit) else timeout
                await self._inner.write(buffer[at : at + _PIECE], limit)
        except httpcore.WriteError as error:
            self._by.failed()
            raise self._by.write_error(str(error)) from error
        except httpcore.WriteTimeout:
            self._by.failed()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return bytes of an answer, for httpcore."""
        chunks, had_head = self._chunks, self.watch.has_head
        if self._sending:
            self._sending = False
            if isinstance(timeout, Deadline):
                timeout.sent()
        if timeout is None and self.watch.is_idle:
            timeout = self._by.limit
        if chunks.in_head:
            data = await self._receive(max_bytes, timeout)
            data = chunks.take_head(data) if data else data
        else:
            chunks.plain = False
            data, chunks.rest = chunks.rest, b""
            data = data or await self._receive(max_bytes, timeout)
        self.watch.received(data)
        if self.watch.has_head and not had_head:
            self._by.answered()
        return data

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

    async def unasked(self) -> bytes | None:
        """Return what came while no request was under way: b"" for the end, None for nothing."""
        if not self._inner.get_extra_info("is_readable"):
            return None
        try:
            return await self._inner.read(_MOST, _AT_ONCE)
        except httpcore.ReadTimeout:
            return None
        except httpcore.ReadError:
            return b""

    async def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        try:
            if not isinstance(timeout, Deadline):
                return await self._inner.read(max_bytes, timeout)
            while True:
                try:
                    return await self._inner.read(max_bytes, timeout.slice())
                except httpcore.ReadTimeout:  # noqa: PERF203 - seldom: a slice has seconds
                    if timeout.is_over():
                        raise
        except (httpcore.ReadError, httpcore.ReadTimeout):
            self._by.failed()
            raise

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Go on encrypted."""
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        return AsyncStream(inner, self._by)

    def abort(self) -> None:
        """Close the connection at once, without waiting."""
        if isinstance(self._inner, Socket):
            self._inner.abort()
        else:  # anyio's can only be closed by a coroutine
            task = asyncio.ensure_future(self._inner.aclose())
            _closing.add(task)
            task.add_done_callback(_closing.discard)
