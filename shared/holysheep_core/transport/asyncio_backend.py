"""TCP and TLS for asyncio, where waiting for bytes costs next to nothing.

httpcore's own network backend runs on anyio, which for every read registers the socket with the
event loop again and makes and undoes a cancel scope and a timer. With a token every few tens
of milliseconds in each of many streams, that was half of what a stream cost. Here the socket stays
registered, and a connection has one timer, which is moved on only when it runs out.

Connections through a proxy that is itself spoken to with TLS stay with anyio, which can do TLS
inside TLS on every Python.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpcore

from holysheep_core.transport.dns_cache import is_address

_MAX_BUFFERED = 256 * 1024
_PIECE = 64 * 1024  # bytes that are sent under one time limit
_HAPPY_EYEBALLS = 0.25  # seconds before the next address is tried beside the first (RFC 8305)


class _Inbox(asyncio.Protocol):
    """What arrives on a connection, until it is read; one reader at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.transport: Any = None
        self._pieces: list[bytes] = []
        self._size = 0
        self.ended = False
        self.lost = False
        self.error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _MAX_BUFFERED:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self.writable.set()  # who is sending still is told by `write`
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.lost, self.error = True, True, exc
        if self._timer is not None:
            self._timer.cancel()
        self.writable.set()
        self._wake()

    def pause_writing(self) -> None:
        if not self.ended:
            self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self, seconds: float | None) -> bytes:
        """Return what has come, or comes within so many seconds; b"" at the end."""
        if not self._pieces and not self.ended:
            self._waiter = self._loop.create_future()
            if seconds is not None:
                self._due = self._loop.time() + seconds
                if self._timer is None or self._timer.when() > self._due:
                    self._set_timer()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            if self._size > _MAX_BUFFERED and not self.ended:
                self.transport.resume_reading()
            self._size = 0
            return data
        if self.error is not None:
            raise httpcore.ReadError(str(self.error)) from self.error
        return b""

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() >= self._due:
            self._waiter.set_exception(httpcore.ReadTimeout())
        else:
            self._set_timer()

    def is_readable(self) -> bool:
        """Tell whether anything, the end too, has come that nobody has read."""
        if self._pieces or self.ended:
            return True
        poll = getattr(select, "poll", None)
        number = self.transport.get_extra_info("socket").fileno()
        if poll is None:  # Windows
            return bool(select.select([number], [], [], 0)[0])
        polling = poll()
        polling.register(number, select.POLLIN)
        return bool(polling.poll(0))


class Socket(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, inbox: _Inbox, transport: asyncio.Transport) -> None:
        self._inbox = inbox
        self._transport = transport

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Return what has come; however much that is, since it is in memory already."""
        return await self._inbox.read(timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes; the time limit is for each piece of them, not for the whole."""
        inbox, transport = self._inbox, self._transport
        for at in range(0, len(buffer), _PIECE):
            if inbox.ended or transport.is_closing():
                # Who has ended its side does not want the rest, and may have said why.
                reason = inbox.error
                raise httpcore.WriteError(str(reason or "The server ended the connection."))
            transport.write(buffer[at : at + _PIECE])
            with (
                _as_httpcore(httpcore.WriteTimeout, httpcore.WriteError),
                anyio.fail_after(timeout),
            ):
                await inbox.writable.wait()

    async def aclose(self) -> None:
        """Close the connection at once."""
        self.abort()
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Close the connection at once, without waiting; the socket is closed in the next turn."""
        if not self._inbox.lost:  # asyncio's transports cannot be aborted then
            self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Socket:
        """Go on encrypted."""
        loop = asyncio.get_running_loop()
        try:
            with (
                _as_httpcore(httpcore.ConnectTimeout, httpcore.ConnectError),
                anyio.fail_after(timeout),
            ):
                transport = await loop.start_tls(
                    self._transport, self._inbox, ssl_context, server_hostname=server_hostname
                )
        except BaseException:
            await self.aclose()
            raise
        if transport is None:
            raise httpcore.ConnectError("The connection was lost in the TLS handshake.")
        self._inbox.transport = transport
        return Socket(self._inbox, transport)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore may ask for."""
        if info == "is_readable":
            return self._inbox.is_readable()
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Makes connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Socket:
        """Connect; where a name has several addresses, to the first that answers."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"local_addr": (local_address, 0)} if local_address else {}
        # An address needs no race, whose tasks live as long as the connection; and uvloop has no
        # such parameter.
        if isinstance(loop, asyncio.BaseEventLoop) and not is_address(host):
            options["happy_eyeballs_delay"] = _HAPPY_EYEBALLS
        with (
            _as_httpcore(httpcore.ConnectTimeout, httpcore.ConnectError),
            anyio.fail_after(timeout),
        ):
            transport, inbox = await loop.create_connection(
                lambda: _Inbox(loop), host, port, **options
            )
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return Socket(inbox, transport)

    async def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        await asyncio.sleep(seconds)


@contextmanager
def _as_httpcore(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
