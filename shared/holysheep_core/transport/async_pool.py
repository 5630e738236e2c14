"""A transport for `httpx.AsyncClient` with a pool of its own. Its twin is `pool`.

A task can be cancelled at every `await`. What the pool counts is therefore changed only between
two of them, and a connection is closed without one. httpcore's own pool cannot do that: a
connection whose request is cancelled before it is made stays in it for ever (httpcore#1093).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import ModuleType

import anyio
import httpcore
import httpx

from holysheep_core.clock import clock
from holysheep_core.transport.connections import Connections
from holysheep_core.transport.dialling import AsyncBackend
from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.exceptions import as_httpx, note_proxy
from holysheep_core.transport.inventory import Inventory
from holysheep_core.transport.library import Library, body_class
from holysheep_core.transport.pool import SURPLUS, UNASKED, core_request, tell_discarded
from holysheep_core.transport.recorders import async_replaced

AsyncConnect = Callable[
    [httpcore.AsyncNetworkBackend, httpcore.Origin], httpcore.AsyncConnectionInterface
]


class AsyncLink:
    """A connection: the bytes, and the HTTP on it.

    Args:
        origin: Where it leads.
        backend: Makes the connection.
        connect: Makes httpcore's side of it.
    """

    def __init__(
        self, origin: httpcore.Origin, backend: AsyncBackend, connect: AsyncConnect
    ) -> None:
        self.origin = origin
        self._backend = backend
        self._http = connect(backend, origin)

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; return the response with its body still to be read."""
        return await self._http.handle_async_request(request)

    def is_reusable(self) -> bool:
        """Tell whether the response was read to its end and the server keeps the connection."""
        return self._http.is_idle() and not self.has_surplus()

    def has_surplus(self) -> bool:
        """Tell whether the server sent more than the response."""
        stream = self._backend.stream
        return stream is not None and stream.watch.surplus

    async def unasked(self) -> bytes | None:
        """Return what came while the connection was idle: b"" for its end, None for nothing."""
        stream = self._backend.stream
        return await stream.unasked() if stream is not None and self._http.is_idle() else None

    @property
    def is_connected(self) -> bool:
        """Whether there was a TCP connection."""
        return self._backend.stream is not None

    def failed(self) -> None:
        """A request failed here."""
        self._backend.failed()

    def close(self) -> None:
        """Close the connection at once, without waiting."""
        if self._backend.stream is not None:
            self._backend.stream.abort()


class AsyncPool(httpx.AsyncBaseTransport):
    """Sends the requests of one client, in one event loop.

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
        connect: AsyncConnect,
        network: httpcore.AsyncNetworkBackend,
        book: AddressBook,
        plain: Callable[[], httpx.AsyncHTTPTransport],
        library: Library,
        proxy: str = "",
    ) -> None:
        self._proxy = proxy
        self._connect = connect
        self._network = network
        self._book = book
        self._links: Inventory[AsyncLink] = Inventory(settings)
        self._most = settings.max_connections
        self._places: anyio.Semaphore | None = None  # needs a running loop
        self._make_plain = plain
        self._library = library
        self._plain: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if async_replaced(self._library):
            return await self._plain_transport().handle_async_request(request)
        with as_httpx(self._library.http):
            sent = core_request(request, self._library.core)
            await self._enter(sent.extensions.get("timeout", {}).get("pool"))
            link = None
            try:
                link = self._pick(sent.url.origin)
                while (came := await link.unasked()) is not None:
                    if came:
                        tell_discarded(request, UNASKED)
                    link = self._replace(link)
                response = await link.send(sent)
            except BaseException as error:
                if link is not None and isinstance(error, Exception):
                    link.failed()
                    note_proxy(error, self._proxy, connected=link.is_connected)
                self._discard(link)
                raise
        body = body_class(_Body, self._library.http.AsyncByteStream)
        made: httpx.Response = self._library.http.Response(
            status_code=response.status,
            headers=response.headers,
            stream=body(response, self, link, request, self._library.http),
            extensions=dict(response.extensions),
        )
        return made

    def release(self, link: AsyncLink, request: httpx.Request) -> None:
        """A response is over: keep its connection, or close it."""
        if link.has_surplus():
            tell_discarded(request, SURPLUS)
        if not link.is_reusable():
            self._discard(link)
            return
        kept = self._links.put_back(link, clock())
        outdated = self._links.outdated(clock())
        self._leave()
        for each in outdated if kept else [link, *outdated]:
            each.close()

    async def aclose(self) -> None:
        """Close all connections, also those in use."""
        for link in self._links.clear():
            link.close()
        if self._plain is not None:
            await self._plain.aclose()
        await asyncio.sleep(0)  # their sockets are closed now

    async def _enter(self, seconds: float | None) -> None:
        if self._most is None:
            return
        if self._places is None:
            self._places = anyio.Semaphore(self._most, fast_acquire=True)
        try:
            with anyio.fail_after(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout("All connections are in use.") from None

    def _plain_transport(self) -> httpx.AsyncHTTPTransport:
        if self._plain is None:
            self._plain = self._make_plain()
        return self._plain

    def _leave(self) -> None:
        if self._places is not None:
            self._places.release()

    def _pick(self, origin: httpcore.Origin) -> AsyncLink:
        link = self._links.take(origin, clock())
        if link is None:
            link = AsyncLink(
                origin, AsyncBackend(self._network, self._book, self._library.core), self._connect
            )
            self._links.add(link)
        for each in self._links.outdated(clock()):
            each.close()
        return link

    def _replace(self, link: AsyncLink) -> AsyncLink:
        self._links.remove(link)
        link.close()
        return self._pick(link.origin)

    def _discard(self, link: AsyncLink | None) -> None:
        self._leave()
        if link is not None:
            self._links.remove(link)
            link.close()


class _Body:
    """The body of a response; when it is closed, its connection goes back to the pool."""

    def __init__(
        self,
        response: httpcore.Response,
        pool: AsyncPool,
        link: AsyncLink,
        request: httpx.Request,
        http: ModuleType,
    ) -> None:
        self._response = response
        self._request = request
        self._pool = pool
        self._http = http
        self._link: AsyncLink | None = link

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            with as_httpx(self._http):
                async for data in self._response.aiter_stream():
                    yield data
        except Exception:
            if self._link is not None:
                self._link.failed()
            raise

    async def aclose(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        try:
            with as_httpx(self._http):
                await self._response.aclose()
        finally:
            self._pool.release(link, self._request)
