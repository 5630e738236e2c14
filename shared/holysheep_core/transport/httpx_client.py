"""How httpx clients are made, and what one request needs of them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any, TypeVar

import httpcore
import httpx

from holysheep_core.config.retry import Timeouts
from holysheep_core.errors import ConfigurationError
from holysheep_core.transport.async_pool import AsyncPool
from holysheep_core.transport.asyncio_backend import AsyncioBackend
from holysheep_core.transport.connections import Connections
from holysheep_core.transport.deadline import Call, Deadline, UploadLimit
from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.exceptions import translate
from holysheep_core.transport.foreign import add_own
from holysheep_core.transport.pool import Pool
from holysheep_core.transport.proxies import environment_proxies, read_proxy

_Pool = TypeVar("_Pool", Pool, AsyncPool)


def request_timeout(timeouts: Timeouts, call: Call) -> httpx.Timeout:
    """Return the timeouts of one request, with reads bounded by the call's moving deadline."""
    read, write = Deadline(call), UploadLimit(timeouts.write, call)
    shorter = read if timeouts.connect is None else min(timeouts.connect, read)
    # A plain number for the others: these wait once.
    return httpx.Timeout(connect=+shorter, read=read, write=write, pool=+shorter)


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
    except Exception as error:
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

    Raises:
        ConfigurationError: A proxy, in the settings or the environment, cannot be used.
    """
    settings = connections or Connections()
    book = AddressBook(settings.dns_ttl)

    def pool(proxy: httpcore.Proxy | None) -> Pool:
        network, connect = httpcore.SyncBackend(), partial(_connect, settings, proxy)
        plain = partial(httpx.HTTPTransport, verify=_tls(settings), proxy=settings.proxy)
        return Pool(settings, connect, network, book, plain)

    direct, mounts = _transports(settings, pool)
    client = httpx.Client(transport=direct, mounts=mounts, follow_redirects=False, **options)
    add_own(client)
    return client


def make_async_client(connections: Connections | None = None, **options: Any) -> httpx.AsyncClient:
    """Like `make_client`, for asyncio; to be used in one event loop only."""
    settings = connections or Connections()
    book = AddressBook(settings.dns_ttl)

    def pool(proxy: httpcore.Proxy | None) -> AsyncPool:
        twice = proxy is not None and proxy.url.scheme == b"https"  # TLS inside TLS
        network = httpcore.AnyIOBackend() if twice else AsyncioBackend()
        connect = partial(_aconnect, settings, proxy)
        plain = partial(httpx.AsyncHTTPTransport, verify=_tls(settings), proxy=settings.proxy)
        return AsyncPool(settings, connect, network, book, plain)

    direct, mounts = _transports(settings, pool)
    client = httpx.AsyncClient(transport=direct, mounts=mounts, follow_redirects=False, **options)
    add_own(client)
    return client


def timeouts_of(value: float | tuple[float, float] | None) -> httpx.Timeout:
    """Return httpx's form of a `timeout` shorthand."""
    timeouts = Timeouts.coerce(value)
    return httpx.Timeout(timeouts.read, connect=timeouts.connect)


def _transports(
    settings: Connections, pool: Callable[[httpcore.Proxy | None], _Pool]
) -> tuple[_Pool, dict[str, _Pool | None]]:
    """Return where requests go, and where those to certain URLs go instead."""
    if settings.proxy is not None:
        return pool(read_proxy(settings.proxy)), {}
    mounts: dict[str, _Pool | None] = {}
    for pattern, url in environment_proxies().items():
        where = f"the environment's proxy for {pattern}"
        mounts[pattern] = None if url is None else pool(read_proxy(url, where))
    return pool(None), mounts


def _tls(settings: Connections) -> ssl.SSLContext:
    return settings.verify or ssl_context()


def _connect(
    settings: Connections,
    proxy: httpcore.Proxy | None,
    backend: httpcore.NetworkBackend,
    origin: httpcore.Origin,
) -> httpcore.ConnectionInterface:
    """Return httpcore's side of a connection, straight or through a proxy."""
    context = _tls(settings)
    maker = httpcore.ConnectionPool(ssl_context=context, proxy=proxy, network_backend=backend)
    return maker.create_connection(origin)


def _aconnect(
    settings: Connections,
    proxy: httpcore.Proxy | None,
    backend: httpcore.AsyncNetworkBackend,
    origin: httpcore.Origin,
) -> httpcore.AsyncConnectionInterface:
    context = _tls(settings)
    maker = httpcore.AsyncConnectionPool(ssl_context=context, proxy=proxy, network_backend=backend)
    return maker.create_connection(origin)


@cache
def ssl_context() -> ssl.SSLContext:
    """Return the TLS context clients share: reading the certificates takes 20 ms."""
    return httpx.create_ssl_context()
