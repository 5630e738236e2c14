"""HTTP clients, made when first needed, and closed when they can no longer be used.

One sync client serves all threads; it is closed when its owner is garbage. An async client
belongs to the event loop it first ran in, since its connections die with the loop: a second
`asyncio.run` gets a client of its own. To be closed in time, it is held by an async generator
that closes it in its `finally`: asyncio ends such generators when a loop shuts down
(`loop.shutdown_asyncgens`). Should the owner become garbage before, a finalizer asks the loop to.

A forked process makes clients of its own: two that wrote to one connection would read each other's
answers.

httpx is imported when the first `Clients` is made: it takes longer to import than all the rest, and
who imports a plugin does not make a model yet.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias, TypeVar, cast

from holysheep_core.errors import ConfigurationError
from holysheep_core.process import at_end_of, renew_after_fork
from holysheep_core.transport.connections import Connections

if TYPE_CHECKING:
    import httpx
    import httpx2

_Keeper: TypeAlias = "AsyncGenerator[httpx.AsyncClient, None]"
_Client = TypeVar("_Client", "httpx.Client", "httpx.AsyncClient")


class Clients:
    """The HTTP clients of one handler.

    Args:
        http_client: A client to use in place of our own; closed by whoever made it.
        http_async_client: Likewise for async calls.
        connections: How connections of our own are made and kept.

    Raises:
        ConfigurationError: What was given is no such client.
    """

    _of_the_parent: ClassVar[list[object]] = []
    """Clients inherited by a fork: to close one could wait for a lock for ever, and to
    collect it would warn of a connection that is the parent's business."""

    def __init__(
        self,
        http_client: httpx.Client | httpx2.Client | None = None,
        http_async_client: httpx.AsyncClient | httpx2.AsyncClient | None = None,
        connections: Connections | None = None,
    ) -> None:
        from holysheep_core.transport import httpx_client as net  # noqa: PLC0415 - see above

        net.check_clients(http_client, http_async_client)
        self._net = net
        self._connections = connections or Connections()
        # What is used of a client is the same in both libraries.
        self._given = cast("httpx.Client | None", http_client)
        self._given_async = cast("httpx.AsyncClient | None", http_async_client)
        self._own: httpx.Client | None = None
        self._detach: Callable[[], object] | None = None
        self._own_async: dict[asyncio.AbstractEventLoop, _LoopClient] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def continuing(self, before: Clients) -> Clients:
        """Return `before`, with its connections, if it was made with the same settings."""
        same = (
            self._given is before._given
            and self._given_async is before._given_async
            and self._connections == before._connections
        )
        return before if same else self

    def sync(self) -> httpx.Client:
        """Return the sync client."""
        if self._given is not None:
            return _open(self._given, "http_client")
        with self._lock:
            if self._own is None or self._own.is_closed:
                self._own = self._net.make_client(self._connections)
                self._detach = at_end_of(self, self._own.close, at_exit=True)
            return self._own

    async def for_running_loop(self) -> httpx.AsyncClient:
        """Return the async client of the running event loop."""
        loop = asyncio_loop()
        if self._given_async is not None:
            return _open(self._given_async, "http_async_client")
        held = self._own_async.get(loop)
        if held is None or held.client.is_closed:
            self._forget_closed_loops()
            keeper = _keep(self._net.make_async_client(self._connections))
            # The generator does not suspend, so no other task comes in between.
            client = await anext(keeper)
            detach = at_end_of(self, _close_soon, loop, keeper)
            held = self._own_async[loop] = _LoopClient(client, keeper, detach)
        return held.client

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in tuple(self._own_async) if loop.is_closed()]:
            self._own_async.pop(loop).detach()

    def after_fork(self) -> None:
        """Forget the clients: their connections are the parent's."""
        self._of_the_parent.append((self._own, self._own_async))
        for detach in (self._detach, *(held.detach for held in self._own_async.values())):
            if detach is not None:
                detach()
        self._own, self._detach, self._own_async = None, None, {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the sync client, if it is our own."""
        if self._own is not None:
            self._own.close()

    async def aclose(self) -> None:
        """Close both clients, if they are our own, as far as this loop is concerned."""
        self.close()
        held = self._own_async.pop(asyncio.get_running_loop(), None)
        if held is not None:
            held.detach()
            await held.keeper.aclose()


def create_resilient_client(
    connections: Connections | None = None,
    *,
    timeout: float | tuple[float, float] | None = None,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
) -> httpx.Client:
    """Return the `httpx.Client` the engine uses, for requests of your own.

    Its pool does not throttle streams, it survives a failing name service, and it follows no
    redirects. It retries nothing: pass it as `http_client=` to a chat model, or to another
    library, and let that one decide.

    Args:
        connections: How connections are made and kept.
        timeout: Seconds, or (connect, read); (30, 60) by default.
        base_url: What relative URLs are appended to.
        headers: Sent with every request.
    """
    from holysheep_core.transport import httpx_client as net  # noqa: PLC0415 - see above

    given = {"base_url": base_url, "headers": dict(headers or {})}
    return net.make_client(connections, timeout=net.timeouts_of(timeout), **given)


create_resilient_session = create_resilient_client
"""The same, under the name it has for those who come from `requests`."""


def create_resilient_async_client(
    connections: Connections | None = None,
    *,
    timeout: float | tuple[float, float] | None = None,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
) -> httpx.AsyncClient:
    """Like `create_resilient_client`, for asyncio; to be used in one event loop only."""
    from holysheep_core.transport import httpx_client as net  # noqa: PLC0415 - see above

    given = {"base_url": base_url, "headers": dict(headers or {})}
    return net.make_async_client(connections, timeout=net.timeouts_of(timeout), **given)


def asyncio_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        ConfigurationError: There is none: trio runs, for example.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "Async calls need asyncio, and no asyncio event loop runs here. Under trio, make sync "
            "calls in a thread: trio.to_thread.run_sync."
        ) from None


def _open(client: _Client, name: str) -> _Client:
    if client.is_closed:
        raise ConfigurationError(f"{name} has been closed; pass one that is open.")
    return client


class _LoopClient(NamedTuple):
    client: httpx.AsyncClient
    keeper: _Keeper
    detach: Callable[[], object]


def _close_soon(loop: asyncio.AbstractEventLoop, keeper: _Keeper) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: loop.create_task(_close(keeper)))


async def _close(keeper: _Keeper) -> None:
    with suppress(RuntimeError):  # the loop ends just now, and closes it itself
        await keeper.aclose()


async def _keep(client: httpx.AsyncClient) -> _Keeper:
    try:
        yield client
    finally:
        await client.aclose()
