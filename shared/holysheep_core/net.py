"""Where httpx is known: clients, clocks for a read, and the meaning of its exceptions.

The stall clock counts content, so the time a read may take changes from read to read, while
httpx takes one number per request. `Deadline` closes that gap: a float that httpx hands down
untouched to the network stream, where `_TimedStream` asks it how long is left at each read, and
tells it when nothing came for a while, so that a silent call can show that it is alive.
A client of the user's own, whose streams are not ours, sees the plain float and applies it to
every read; the session then notices lateness whenever bytes arrive, at worst one read later.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from holysheep_core.errors import (
    APIConnectionError,
    ConfigurationError,
    ConnectTimeoutError,
    HolySheepError,
    StreamCutError,
    StreamStalledError,
)
from holysheep_core.session import Session

clock = time.monotonic
"""The clock of both drivers."""

LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30)
"""No cap on connections: a cap makes streams wait for each other, which reads like a stall.
How many calls may run at once is the caller's decision."""

_MIN_TIMEOUT = 0.001
Options = Iterable[Any]


class Deadline(float):
    """Seconds a read may take at most, which shrink as the session's deadline comes nearer."""

    _session: Session

    def __new__(cls, session: Session) -> Deadline:
        """Make one; as a number, it is what a network stream that is not ours sees."""
        self = super().__new__(cls, _left(session))
        self._session = session
        return self

    def slice(self) -> float:
        """Return the seconds to read before `is_over` is worth asking."""
        return min(_left(self._session), self._session.heartbeat)

    def is_over(self) -> bool:
        """Tell, after a slice without bytes, whether time is up; if not, the session hears it."""
        if _left(self._session) <= _MIN_TIMEOUT:
            return True
        self._session.receive_silence(clock())
        return False


def _left(session: Session) -> float:
    deadline = session.deadline
    return _FOREVER if deadline is None else max(_MIN_TIMEOUT, deadline - clock())


def request_timeout(connect: float | None, session: Session) -> httpx.Timeout:
    """Return the timeouts of one request, with reads bounded by the session's moving deadline."""
    longest = _left(session)
    shorter = longest if connect is None else min(connect, longest)
    return httpx.Timeout(connect=shorter, read=Deadline(session), write=shorter, pool=shorter)


_FOREVER = 10.0 * 365 * 24 * 3600


def translate(error: Exception) -> HolySheepError:
    """Turn an httpx exception into one of ours; the original becomes its `__cause__`.

    The request it holds loses its key: errors are logged, pickled and sent to trackers.
    """
    request = getattr(error, "_request", None)
    if request is not None:
        request.headers.pop("authorization", None)
    for kind, cls, text in _MEANINGS:
        if isinstance(error, kind):
            translated = cls(f"{text}: {error}" if str(error) else f"{text}.")
            translated.__cause__ = error
            return translated
    raise error


_MEANINGS: tuple[tuple[type[Exception], type[HolySheepError], str], ...] = (
    (httpx.ConnectTimeout, ConnectTimeoutError, "No connection in time"),
    (httpx.PoolTimeout, ConnectTimeoutError, "No free connection in the pool in time"),
    (httpx.ReadTimeout, StreamStalledError, "Nothing to read in time"),
    (httpx.WriteTimeout, APIConnectionError, "The request could not be sent in time"),
    (httpx.ReadError, StreamCutError, "The connection broke while reading"),
    (httpx.RemoteProtocolError, StreamCutError, "The connection ended before the answer did"),
    (httpx.DecodingError, StreamCutError, "The answer's compression is damaged"),
    (httpx.CloseError, StreamCutError, "The connection did not close properly"),
    (httpx.ConnectError, APIConnectionError, "No connection"),
    (httpx.WriteError, APIConnectionError, "The request could not be sent"),
    (httpx.LocalProtocolError, ConfigurationError, "httpx would not send this request"),
    (httpx.UnsupportedProtocol, ConfigurationError, "This address cannot be used"),
    (httpx.InvalidURL, ConfigurationError, "This address cannot be used"),
    (httpx.ProxyError, APIConnectionError, "The proxy refused"),
    (httpx.TransportError, APIConnectionError, "The request failed"),
)
FAILURES = tuple(kind for kind, _, _ in _MEANINGS)
"""What a driver catches."""


Client = httpx.Client


def status_of(
    client: Client, url: str, *, headers: dict[str, str], body: object, timeout: float
) -> int:
    """Ask (POST if there is a body to send as JSON, else GET) and return the status.

    Raises:
        HolySheepError: No answer within `timeout` seconds.
    """
    method = "GET" if body is None else "POST"
    try:
        return client.request(method, url, headers=headers, json=body, timeout=timeout).status_code
    except FAILURES as error:
        raise translate(error) from error


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the response's headers, names in lower case."""
    return dict(response.headers.items())


def body_of(response: httpx.Response) -> Iterator[bytes]:
    """Iterate over a body as it arrives; decoded only if the server compressed it unasked."""
    return response.iter_bytes() if _is_coded(response) else response.iter_raw()


def abody_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """Like `body_of`, for an `httpx.AsyncClient`."""
    return response.aiter_bytes() if _is_coded(response) else response.aiter_raw()


def _is_coded(response: httpx.Response) -> bool:
    # A response that is whole already (from a mock, say) can only be read decoded.
    coded = response.headers.get("content-encoding", "identity") != "identity"
    return coded or response.is_stream_consumed


def make_client() -> httpx.Client:
    """Make a client whose reads keep to a moving deadline.

    Proxies of the environment are used. Redirects are never followed: they would carry the key
    to another host.
    """
    client = httpx.Client(verify=ssl_context(), limits=LIMITS, follow_redirects=False)
    _install(client, _TimedBackend)
    return client


def make_async_client() -> httpx.AsyncClient:
    """Like `make_client`, for asyncio; to be used in one event loop only."""
    client = httpx.AsyncClient(verify=ssl_context(), limits=LIMITS, follow_redirects=False)
    _install(client, _AsyncTimedBackend)
    return client


_context: ssl.SSLContext | None = None


def ssl_context() -> ssl.SSLContext:
    """Return the TLS context all clients share: reading the certificates takes 20 ms."""
    global _context  # noqa: PLW0603 - a cache, filled once
    if _context is None:
        _context = httpx.create_ssl_context()
    return _context


def _install(client: httpx.Client | httpx.AsyncClient, backend: Callable[[Any], Any]) -> None:
    # httpx builds its pools itself and passes no network backend on; httpcore's own parameter
    # for one is public. Should either rename an attribute, reads fall back to the plain float,
    # and the test of the stall clock says so.
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001
    for transport in transports:
        pool: Any = getattr(transport, "_pool", None)
        if hasattr(pool, "_network_backend"):
            pool._network_backend = backend(pool._network_backend)  # noqa: SLF001


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.write = inner.write  # type: ignore[method-assign]  # nothing to add: skip a frame
        self.close = inner.close  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not isinstance(timeout, Deadline):
            return self._inner.read(max_bytes, timeout)
        while True:
            try:
                return self._inner.read(max_bytes, timeout.slice())
            except httpcore.ReadTimeout:  # noqa: PERF203 - a slice without bytes is rare
                if timeout.is_over():
                    raise

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, timeout))


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.NetworkStream:
        return _TimedStream(
            self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        )


class _AsyncTimedStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self.write = inner.write  # type: ignore[method-assign]  # nothing to add: skip a frame
        self.aclose = inner.aclose  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not isinstance(timeout, Deadline):
            return await self._inner.read(max_bytes, timeout)
        while True:
            try:
                return await self._inner.read(max_bytes, timeout.slice())
            except httpcore.ReadTimeout:  # noqa: PERF203 - a slice without bytes is rare
                if timeout.is_over():
                    raise

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncTimedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))


class _AsyncTimedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncTimedStream(
            await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
