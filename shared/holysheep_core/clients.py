"""HTTP clients, made when first needed and kept for as long as they can be used.

One sync client serves all threads. An async client belongs to the event loop it first ran in:
its connections die with the loop, so a second `asyncio.run` gets a client of its own.
"""

from __future__ import annotations

import asyncio
import threading
import weakref

import httpx

from holysheep_core.net import make_async_client, make_client


class Clients:
    """The HTTP clients of one handler.

    Args:
        http_client: A client to use in place of our own; closed by whoever made it.
        http_async_client: Likewise for async calls.
    """

    def __init__(
        self,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._given = http_client
        self._given_async = http_async_client
        self._own: httpx.Client | None = None
        self._own_async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    def sync(self) -> httpx.Client:
        """Return the sync client."""
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None or self._own.is_closed:
                self._own = make_client()
            return self._own

    def for_running_loop(self) -> httpx.AsyncClient:
        """Return the async client of the running event loop."""
        if self._given_async is not None:
            return self._given_async
        loop = asyncio.get_running_loop()
        with self._lock:
            client = self._own_async.get(loop)
            if client is None or client.is_closed:
                client = self._own_async[loop] = make_async_client()
            return client

    def close(self) -> None:
        """Close the sync client, if it is our own."""
        if self._own is not None:
            self._own.close()

    async def aclose(self) -> None:
        """Close both clients, if they are our own, as far as this loop is concerned."""
        self.close()
        client = self._own_async.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
