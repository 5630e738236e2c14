"""How httpx clients are made, and what one request needs of them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import Any, TypeVar

import httpcore
import httpx

from holysheep_core.config.retry import Timeouts
from holysheep_core.errors import ConfigurationError
from holysheep_core.transport.async_pool import AsyncPool
from holysheep_core.transport.asyncio_backend import AsyncioBackend
from holysheep_core.transport.certificates import check_certificates
from holysheep_core.transport.connections import Connections
from holysheep_core.transport.deadline import Call, ConnectLimit, Deadline, UploadLimit
from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.exceptions import translate
from holysheep_core.transport.foreign import add_own
from holysheep_core.transport.library import Library, is_one, library, library_of
from holysheep_core.transport.pool import Pool
from holysheep_core.transport.proxies import environment_proxies, label, read_proxy

_Pool = TypeVar("_Pool", Pool, AsyncPool)


def request_timeout(timeouts: Timeouts, call: Call) -> dict[str, float | None]:
    """Return the timeouts of one request, with reads bounded by the call's moving deadline.

    They are a request's extension "timeout", in the form that httpx and httpx2 share.
    """
    read, write = Deadline(call), UploadLimit(timeouts.write, call)
    shorter = read if timeouts.connect is None else min(timeouts.connect, read)
    # A plain number for the others: these wait once.
    connect = ConnectLimit(+shorter, call.first_connect)
    return {"connect": connect, "read": read, "write": write, "pool": +shorter}


def parsed(url: str, client: httpx.Client | httpx.AsyncClient) -> httpx.URL:
    """Return a URL that the client's library need not take apart at every request."""
    return _parsed(url, library_of(client))


@lru_cache(maxsize=256)
def _parsed(url: str, library: Library) -> httpx.URL:
    parsed: httpx.URL = library.http.URL(url)
    return parsed


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
        ("http_client", http_client, "Client"),
        ("http_async_client", http_async_client, "AsyncClient"),
    ):
        if given is not None and not is_one(given, kind):
            raise ConfigurationError(
                f"{name} of type {type(given).__name__}: needs an httpx.{kind} or httpx2.{kind}."
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
    lib = library(settings.library)
    book = AddressBook(settings.dns_ttl)

    def pool(proxy: httpcore.Proxy | None, where: str) -> Pool:
        network, connect = httpcore.SyncBackend(), partial(_connect, settings, lib, proxy)
        plain = partial(lib.http.HTTPTransport, verify=_tls(settings, lib), proxy=settings.proxy)
        return Pool(settings, connect, network, book, plain, lib, label(proxy, where))

    direct, mounts = _transports(settings, pool, lib.core)
    options = {"transport": direct, "mounts": mounts, "follow_redirects": False, **options}
    client: httpx.Client = lib.http.Client(**options)
    add_own(client)
    return client


def make_async_client(connections: Connections | None = None, **options: Any) -> httpx.AsyncClient:
    """Like `make_client`, for asyncio; to be used in one event loop only."""
    settings = connections or Connections()
    lib = library(settings.library)
    book = AddressBook(settings.dns_ttl)

    def pool(proxy: httpcore.Proxy | None, where: str) -> AsyncPool:
        twice = proxy is not None and proxy.url.scheme == b"https"  # TLS inside TLS
        network = httpcore.AnyIOBackend() if twice else AsyncioBackend()
        connect = partial(_aconnect, settings, lib, proxy)
        tls = _tls(settings, lib)
        plain = partial(lib.http.AsyncHTTPTransport, verify=tls, proxy=settings.proxy)
        return AsyncPool(settings, connect, network, book, plain, lib, label(proxy, where))

    direct, mounts = _transports(settings, pool, lib.core)
    options = {"transport": direct, "mounts": mounts, "follow_redirects": False, **options}
    client: httpx.AsyncClient = lib.http.AsyncClient(**options)
    add_own(client)
    return client


def timeouts_of(value: float | tuple[float, float] | None) -> tuple[float | None, ...]:
    """Return a `timeout` shorthand in the form that httpx and httpx2 share."""
    timeouts = Timeouts.coerce(value)
    return (timeouts.connect, timeouts.read, timeouts.read, timeouts.read)


def _transports(
    settings: Connections, pool: Callable[[httpcore.Proxy | None, str], _Pool], core: ModuleType
) -> tuple[_Pool, dict[str, _Pool | None]]:
    """Return where requests go, and where those to certain URLs go instead."""
    if settings.proxy is not None:
        return pool(read_proxy(settings.proxy, core=core), "Connections(proxy=…)"), {}
    mounts: dict[str, _Pool | None] = {}
    for pattern, url in environment_proxies().items():
        where = f"the environment's proxy for {pattern}"
        variable = f"{pattern.partition(':')[0].upper()}_PROXY"
        mounts[pattern] = None if url is None else pool(read_proxy(url, where, core), variable)
    return pool(None, ""), mounts


def _tls(settings: Connections, lib: Library) -> ssl.SSLContext:
    return settings.verify or ssl_context(lib)


def _connect(
    settings: Connections,
    lib: Library,
    proxy: httpcore.Proxy | None,
    backend: httpcore.NetworkBackend,
    origin: httpcore.Origin,
) -> httpcore.ConnectionInterface:
    """Return httpcore's side of a connection, straight or through a proxy."""
    context = _tls(settings, lib)
    maker = lib.core.ConnectionPool(ssl_context=context, proxy=proxy, network_backend=backend)
    made: httpcore.ConnectionInterface = maker.create_connection(origin)
    return made


def _aconnect(
    settings: Connections,
    lib: Library,
    proxy: httpcore.Proxy | None,
    backend: httpcore.AsyncNetworkBackend,
    origin: httpcore.Origin,
) -> httpcore.AsyncConnectionInterface:
    context = _tls(settings, lib)
    maker = lib.core.AsyncConnectionPool(ssl_context=context, proxy=proxy, network_backend=backend)
    made: httpcore.AsyncConnectionInterface = maker.create_connection(origin)
    return made


@cache
def ssl_context(lib: Library) -> ssl.SSLContext:
    """Return the TLS context clients share: reading the certificates takes 20 ms.

    Raises:
        ConfigurationError: The environment names certificates that cannot be read.
    """
    check_certificates()
    context: ssl.SSLContext = lib.http.create_ssl_context()
    return context
