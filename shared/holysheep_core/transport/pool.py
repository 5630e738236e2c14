"""A transport for `httpx.Client` with a pool of its own. Its twin is `async_pool`.

httpcore speaks HTTP on each connection; which connection a request gets, and whether it is used
again, is decided here. A connection serves one request at a time. It is used again only if
httpcore calls it idle and its stream is clean; whatever else happens to a request, a failure, a
reader who leaves, closes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import ModuleType

import httpcore
import httpx

from holysheep_core.clock import clock
from holysheep_core.transport.connections import Connections
from holysheep_core.transport.dialling import Backend
from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.exceptions import as_httpx, note_proxy
from holysheep_core.transport.inventory import Inventory
from holysheep_core.transport.library import Library, body_class
from holysheep_core.transport.recorders import sync_replaced

Connect = Callable[[httpcore.NetworkBackend, httpcore.Origin], httpcore.ConnectionInterface]


ON_DISCARD = "on_discard"
SURPLUS = "the server sent more than the response"
UNASKED = "the server sent something while no request was under way"


class Link:
    """A connection: the bytes, and the HTTP on it.

    Args:
        origin: Where it leads.
        backend: Makes the connection.
        connect: Makes httpcore's side of it.
    """

    def __init__(self, origin: httpcore.Origin, backend: Backend, connect: Connect) -> None:
        self.origin = origin
        self._backend = backend
        self._http = connect(backend, origin)

    def send(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; return the response with its body still to be read."""
        return self._http.handle_request(request)

    def is_reusable(self) -> bool:
        """Tell whether the response was read to its end and the server keeps the connection."""
        return self._http.is_idle() and not self.has_surplus()

    def has_surplus(self) -> bool:
        """Tell whether the server sent more than the response."""
        stream = self._backend.stream
        return stream is not None and stream.watch.surplus

    def unasked(self) -> bytes | None:
        """Return what came while the connection was idle: b"" for its end, None for nothing."""
        stream = self._backend.stream
        return stream.unasked() if stream is not None and self._http.is_idle() else None

    @property
    def is_connected(self) -> bool:
        """Whether there was a TCP connection."""
        return self._backend.stream is not None

    def failed(self) -> None:
        """A request failed here."""
        self._backend.failed()

    def close(self) -> None:
        """Close the connection at once."""
        if self._backend.stream is not None:
            self._backend.stream.close()


class Pool(httpx.BaseTransport):
    """Sends the requests of one client; may be used by many threads at once.

    Args:
        settings: How many connections there may be.
        connect: Makes httpcore's side of a connection.
        network: Makes sockets.
        book: Where addresses are remembered.
        plain: Makes a transport of httpx, for requests that are recorded or mocked.
        library: What requests and connections are made with.
        proxy: The proxy that all connections lead to, for messages; "" for none.
    """

    def __init__(
        self,
        settings: Connections,
        connect: Connect,
        network: httpcore.NetworkBackend,
        book: AddressBook,
        plain: Callable[[], httpx.HTTPTransport],
        library: Library,
        proxy: str = "",
    ) -> None:
        self._proxy = proxy
        self._connect = connect
        self._network = network
        self._book = book
        self._links: Inventory[Link] = Inventory(settings)
        self._lock = threading.Lock()
        most = settings.max_connections
        self._places = None if most is None else threading.Semaphore(most)
        self._make_plain = plain
        self._library = library
        self._plain: httpx.HTTPTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if sync_replaced(self._library):
            return self._plain_transport().handle_request(request)
        with as_httpx(self._library.http):
            sent = core_request(request, self._library.core)
            self._enter(sent.extensions.get("timeout", {}).get("pool"))
            link = None
            try:
                link = self._pick(sent.url.origin)
                while (came := link.unasked()) is not None:
                    if came:
                        tell_discarded(request, UNASKED)
                    link = self._replace(link)
                response = link.send(sent)
            except BaseException as error:
                if link is not None and isinstance(error, Exception):
                    link.failed()
                    note_proxy(error, self._proxy, connected=link.is_connected)
                self._discard(link)
                raise
        body = body_class(_Body, self._library.http.SyncByteStream)
        made: httpx.Response = self._library.http.Response(
            status_code=response.status,
            headers=response.headers,
            stream=body(response, self, link, request, self._library.http),
            extensions=dict(response.extensions),
        )
        return made

    def release(self, link: Link, request: httpx.Request) -> None:
        """A response is over: keep its connection, or close it."""
        if link.has_surplus():
            tell_discarded(request, SURPLUS)
        if not link.is_reusable():
            self._discard(link)
            return
        with self._lock:
            kept = self._links.put_back(link, clock())
            outdated = self._links.outdated(clock())
        self._leave()
        for each in outdated if kept else [link, *outdated]:
            each.close()

    def close(self) -> None:
        """Close all connections, also those in use."""
        with self._lock:
            links = self._links.clear()
        for link in links:
            link.close()
        if self._plain is not None:
            self._plain.close()

    def _enter(self, seconds: float | None) -> None:
        if self._places is not None and not self._places.acquire(timeout=seconds):
            raise httpcore.PoolTimeout("All connections are in use.")

    def _plain_transport(self) -> httpx.HTTPTransport:
        if self._plain is None:
            self._plain = self._make_plain()
        return self._plain

    def _leave(self) -> None:
        if self._places is not None:
            self._places.release()

    def _pick(self, origin: httpcore.Origin) -> Link:
        with self._lock:
            link = self._links.take(origin, clock())
            if link is None:
                link = Link(
                    origin, Backend(self._network, self._book, self._library.core), self._connect
                )
                self._links.add(link)
            outdated = self._links.outdated(clock())
        for each in outdated:
            each.close()
        return link

    def _replace(self, link: Link) -> Link:
        with self._lock:
            self._links.remove(link)
        link.close()
        return self._pick(link.origin)

    def _discard(self, link: Link | None) -> None:
        self._leave()
        if link is not None:
            with self._lock:
                self._links.remove(link)
            link.close()


class _Body:
    """The body of a response; when it is closed, its connection goes back to the pool."""

    def __init__(
        self,
        response: httpcore.Response,
        pool: Pool,
        link: Link,
        request: httpx.Request,
        http: ModuleType,
    ) -> None:
        self._response = response
        self._request = request
        self._pool = pool
        self._http = http
        self._link: Link | None = link

    def __iter__(self) -> Iterator[bytes]:
        try:
            with as_httpx(self._http):
                yield from self._response.iter_stream()
        except Exception:
            if self._link is not None:
                self._link.failed()
            raise

    def close(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        try:
            with as_httpx(self._http):
                self._response.close()
        finally:
            self._pool.release(link, self._request)


def tell_discarded(request: httpx.Request, reason: str) -> None:
    """Tell the call that a request belongs to, if it wants to know, of a connection that is closed.

    It wants to know if the request has an extension `ON_DISCARD`, which is called with the reason.
    """
    tell = request.extensions.get(ON_DISCARD)
    if tell is not None:
        tell(reason)


def core_request(request: httpx.Request, core: ModuleType) -> httpcore.Request:
    """Return a request in httpcore's form."""
    url = request.url
    made: httpcore.Request = core.Request(
        method=request.method,
        url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )
    return made
