"""How httpx clients are made, and what one request needs of them."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from holysheep_core.config.retry import Timeouts
from holysheep_core.errors import ConfigurationError
from holysheep_core.transport.asyncio_backend import AsyncioBackend
from holysheep_core.transport.connections import Connections
from holysheep_core.transport.deadline import Call, Deadline
from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.exceptions import FAILURES, translate
from holysheep_core.transport.streams import AsyncBackend, Backend


def request_timeout(connect: float | None, call: Call) -> httpx.Timeout:
    """Return the timeouts of one request, with reads bounded by the call's moving deadline."""
    read = Deadline(call)
    shorter = read if connect is None else min(connect, read)
    # A plain number for the others: only reads keep to the moving deadline.
    return httpx.Timeout(connect=+shorter, read=read, write=+shorter, pool=+shorter)


@lru_cache(maxsize=256)
def parsed(url: str) -> httpx.URL:
    """Return a URL that httpx need not take apart at every request."""
    return httpx.URL(url)


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
