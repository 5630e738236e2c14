"""Where httpx is known: clients, and the meaning of its exceptions."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from holysheep_core.config.retry import Timeouts
from holysheep_core.engine.session import Session
from holysheep_core.errors import (
    APIConnectionError,
    ConfigurationError,
    ConnectTimeoutError,
    HolySheepError,
    StreamCutError,
    StreamStalledError,
)
from holysheep_core.protocol.content_coding import CODINGS, Inflater
from holysheep_core.transport.asyncio_backend import AsyncioBackend
from holysheep_core.transport.connections import Connections
from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.streams import (
    AsyncBackend,
    AsyncStream,
    Backend,
    Deadline,
    Stream,
    time_left,
)


def request_timeout(connect: float | None, session: Session) -> httpx.Timeout:
    """Return the timeouts of one request, with reads bounded by the session's moving deadline."""
    longest = time_left(session)
    shorter = longest if connect is None else min(connect, longest)
    return httpx.Timeout(connect=shorter, read=Deadline(session), write=shorter, pool=shorter)


@lru_cache(maxsize=256)
def parsed(url: str) -> httpx.URL:
    """Return a URL that httpx need not take apart at every request."""
    return httpx.URL(url)


def translate(error: Exception) -> HolySheepError:
    """Turn an httpx exception into one of ours; the original becomes its `__cause__`.

    The request it holds loses its key and headers of the user's own: errors are logged, pickled
    and sent to trackers.
    """
    request = getattr(error, "_request", None)
    if request is not None:
        for name in set(request.headers) - _PLAIN_HEADERS:
            del request.headers[name]
    for kind, cls, text in _MEANINGS:
        if isinstance(error, kind):
            what = f"{text}{_place(request)}" if text.startswith("No connection") else text
            translated = cls(f"{what}: {error}" if str(error) else f"{what}.")
            translated.__cause__ = error
            return translated
    raise error


def _place(request: httpx.Request | None) -> str:
    return "" if request is None else f" to {request.url.scheme}://{request.url.netloc.decode()}"


_PLAIN_HEADERS = {"accept", "accept-encoding", "content-length", "content-type", "host"}
_MEANINGS: tuple[tuple[type[Exception], type[HolySheepError], str], ...] = (
    (httpx.ConnectTimeout, ConnectTimeoutError, "No connection in time"),
    (httpx.PoolTimeout, ConnectTimeoutError, "No free connection in the pool in time"),
    (httpx.ReadTimeout, StreamStalledError, "Nothing to read in time"),
    (httpx.WriteTimeout, APIConnectionError, "The request could not be sent in time"),
    (httpx.ReadError, StreamCutError, "The connection broke while reading"),
    (httpx.RemoteProtocolError, StreamCutError, "The connection ended before the answer did"),
    (httpx.DecodingError, StreamCutError, "The answer's compression is damaged"),
    (zlib.error, StreamCutError, "The answer's compression is damaged"),
    (httpx.CloseError, StreamCutError, "The connection did not close properly"),
    (httpx.ConnectError, APIConnectionError, "No connection"),
    (httpx.WriteError, APIConnectionError, "The request could not be sent"),
    (httpx.LocalProtocolError, ConfigurationError, "httpx would not send this request"),
    (httpx.UnsupportedProtocol, ConfigurationError, "This address cannot be used"),
    (httpx.InvalidURL, ConfigurationError, "This address cannot be used"),
    (httpx.ProxyError, APIConnectionError, "The proxy refused"),
    (httpx.TransportError, APIConnectionError, "The request failed"),
    # Bodies are read past httpx.
    (httpcore.ReadTimeout, StreamStalledError, "Nothing to read in time"),
    (httpcore.ReadError, StreamCutError, "The connection broke while reading"),
)
FAILURES = tuple(kind for kind, _, _ in _MEANINGS)
"""What a driver catches."""


def client_closed_error(
    client: httpx.Client | httpx.AsyncClient, refusal: RuntimeError
) -> HolySheepError:
    """Return ours for a client that was closed under a call, for which httpx has no class.

    Raises:
        RuntimeError: The client is open, so it was something else.
    """
    if not client.is_closed:
        raise refusal
    error = ConfigurationError("The client was closed while this call was under way.")
    error.__cause__ = refusal
    return error


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


def check_clients(http_client: object, http_async_client: object) -> None:
    """Refuse what a user gave in place of a client, if it is none.

    Raises:
        ConfigurationError: It says which keyword, and what it takes.
    """
    for name, given, kind in (
        ("http_client", http_client, httpx.Client),
        ("http_async_client", http_async_client, httpx.AsyncClient),
    ):
        if given is not None and not isinstance(given, kind):
            raise ConfigurationError(
                f"{name} of type {type(given).__name__}: needs an httpx.{kind.__name__}."
            )


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the response's headers, names in lower case."""
    return dict(response.headers.items())


def body_of(response: httpx.Response) -> Iterator[bytes]:
    """Iterate over a body as it arrives; decoded only if the server compressed it unasked."""
    if response.is_stream_consumed:  # whole already, from a mock, say: it has been decoded
        return response.iter_bytes()
    stream = response.extensions.get("network_stream")
    body = _plain(response, stream) if isinstance(stream, Stream) else response.iter_raw()
    return _inflated(body) if _is_coded(response) else body


def abody_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """Like `body_of`, for an `httpx.AsyncClient`."""
    if response.is_stream_consumed:
        return response.aiter_bytes()
    stream = response.extensions.get("network_stream")
    body = _aplain(response, stream) if isinstance(stream, AsyncStream) else response.aiter_raw()
    return _ainflated(body) if _is_coded(response) else body


def _plain(response: httpx.Response, stream: Stream) -> Iterator[bytes]:
    timeout = response.request.extensions["timeout"]["read"]
    while data := stream.read_body(timeout):
        yield data
    yield from response.iter_raw()  # the end, or whatever has to be looked at more closely


async def _aplain(response: httpx.Response, stream: AsyncStream) -> AsyncIterator[bytes]:
    timeout = response.request.extensions["timeout"]["read"]
    while data := await stream.read_body(timeout):
        yield data
    async for data in response.aiter_raw():
        yield data


def _inflated(body: Iterator[bytes]) -> Iterator[bytes]:
    inflater = Inflater()
    for data in body:
        yield from inflater.feed(data)


async def _ainflated(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    inflater = Inflater()
    async for data in body:
        for piece in inflater.feed(data):
            yield piece


def _is_coded(response: httpx.Response) -> bool:
    return response.headers.get("content-encoding", "").strip().lower() in CODINGS


def make_client(connections: Connections | None = None, **options: Any) -> httpx.Client:
    """Make a client whose reads keep to a moving deadline.

    Proxies of the environment are used. Redirects are never followed: they would carry the key
    to another host.

    Args:
        connections: How connections are made and kept.
        **options: Of `httpx.Client`.
    """
    connections = connections or Connections()
    client = httpx.Client(**_options(connections), **options)
    _install(client, Backend, connections)
    return client


def make_async_client(connections: Connections | None = None, **options: Any) -> httpx.AsyncClient:
    """Like `make_client`, for asyncio; to be used in one event loop only."""
    connections = connections or Connections()
    client = httpx.AsyncClient(**_options(connections), **options)
    _install(client, AsyncBackend, connections)
    return client


def timeouts_of(value: float | tuple[float, float] | None) -> httpx.Timeout:
    """Return httpx's form of a `timeout` shorthand."""
    timeouts = Timeouts.coerce(value)
    return httpx.Timeout(timeouts.read, connect=timeouts.connect)


def _options(connections: Connections) -> dict[str, Any]:
    return {
        "verify": connections.verify or ssl_context(http2=connections.http2),
        "http2": connections.http2,
        "proxy": connections.proxy,
        "limits": httpx.Limits(
            max_connections=connections.max_connections,
            max_keepalive_connections=connections.max_keepalive,
            keepalive_expiry=connections.keepalive_expiry,
        ),
        "follow_redirects": False,
    }


_contexts: dict[bool, ssl.SSLContext] = {}


def ssl_context(*, http2: bool = False) -> ssl.SSLContext:
    """Return the TLS context clients share: reading the certificates takes 20 ms.

    One for each protocol, since httpcore writes into it which of them is offered.
    """
    if http2 not in _contexts:
        _contexts[http2] = httpx.create_ssl_context()
    return _contexts[http2]


def _install(
    client: httpx.Client | httpx.AsyncClient,
    backend: Any,
    connections: Connections,
) -> None:
    # httpx builds its pools itself and passes no network backend on; httpcore's own parameter
    # for one is public. Should either rename an attribute, reads fall back to the plain float,
    # and the test of the stall clock says so.
    book = AddressBook(connections.dns_ttl)
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001
    for transport in transports:
        pool: Any = getattr(transport, "_pool", None)
        if hasattr(pool, "_network_backend"):
            direct = type(pool) is httpcore.AsyncConnectionPool
            inner = AsyncioBackend() if direct else pool._network_backend  # noqa: SLF001
            pool._network_backend = backend(inner, book)  # noqa: SLF001
