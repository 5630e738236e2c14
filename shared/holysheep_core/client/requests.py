"""The part of a client that the plugins use: calls as deltas, and closing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NoReturn

from holysheep_core.client.calls import Calls, OnEvent, OnToken
from holysheep_core.client.request_check import check_request, check_sync
from holysheep_core.engine.settings import Settings
from holysheep_core.gateway.gateway import APIGateway
from holysheep_core.journal import opening as journals
from holysheep_core.journal.journal import Journal
from holysheep_core.journal.opening import Opening
from holysheep_core.observers.observer import Observer
from holysheep_core.transport.clients import Clients
from holysheep_core.types import ChatRequest, Completion, Delta

if TYPE_CHECKING:
    from typing_extensions import Self


class Requests:
    """Calls as streams of deltas, over one gateway and one set of connections.

    Args:
        gateway: The providers.
        owns_gateway: Whether `close` also closes the gateway.
        settings: The settings of every call.
        clients: The HTTP clients.
        observers: Notified of the beginning, the events and the end of every call.
        on_event: Called with every event of every call.
        journal: Stores answers; None for no journal.
    """

    def __init__(
        self,
        gateway: APIGateway,
        settings: Settings,
        clients: Clients,
        *,
        owns_gateway: bool,
        observers: tuple[Observer, ...],
        on_event: OnEvent | None,
        journal: Journal | None,
    ) -> None:
        self.gateway = gateway
        self.settings = settings
        self.observers = observers
        self._owns_gateway = owns_gateway
        self._journal = journal
        self._clients = clients
        self._on_event = on_event
        self._calls = Calls(gateway, settings, clients, observers, on_event)
        gateway.use(self, settings.budget)

    def stream(
        self,
        request: ChatRequest,
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        pace: Callable[[], Any] | None = None,
    ) -> Generator[Delta | Completion, None, None]:
        """Stream an answer as deltas, followed by its completion.

        Args:
            request: The request.
            on_token: Called with each piece of text.
            on_event: Called with each event of this call.
            pace: Called before each request; returns when the request may be sent.

        Raises:
            ConfigurationError: At once, if the request is invalid.
            HolySheepError: While iterating, if the answer cannot be completed.
        """
        check_request(request)
        check_sync(on_token, on_event, self._on_event)
        journal, asked = self._journal, named(request)
        begin = (
            partial(_opened, asked) if journal is None else partial(journals.begin, journal, asked)
        )
        return self._calls.run(begin, on_token, on_event, pace)

    def astream(
        self,
        request: ChatRequest,
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        pace: Callable[[], Awaitable[Any]] | None = None,
    ) -> AsyncGenerator[Delta | Completion, None]:
        """Like `stream`, for asyncio; the callbacks may be coroutines."""
        check_request(request)
        journal, asked = self._journal, named(request)
        begin = (
            partial(_aopened, asked)
            if journal is None
            else partial(journals.abegin, journal, asked)
        )
        return self._calls.arun(begin, on_token, on_event, pace)

    def stream_after(
        self, request: ChatRequest, seen: str
    ) -> Generator[Delta | Completion, None, None]:
        """Stream the rest of an answer of which the reader has `seen`, without a journal."""
        check_request(request)
        return self._calls.run(partial(Opening, named(request), (), seen), None, None, None)

    def stream_again(
        self,
        call_id: str,
        *,
        offset: int = 0,
        seen: str | None = None,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
    ) -> Generator[Delta | Completion, None, None]:
        """Resume an answer of the journal as deltas, followed by its completion.

        Args and errors are those of `StreamingRetryHandler.resume`.
        """
        check_sync(on_token, on_event, self._on_event)
        journal, has = journals.required(self._journal), journals.ReaderPosition.of(offset, seen)
        begin = partial(journals.resume, journal, call_id, has)
        return self._calls.run(begin, on_token, on_event, None)

    def astream_again(
        self,
        call_id: str,
        *,
        offset: int = 0,
        seen: str | None = None,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
    ) -> AsyncGenerator[Delta | Completion, None]:
        """Like `stream_again`, for asyncio."""
        journal, has = journals.required(self._journal), journals.ReaderPosition.of(offset, seen)
        begin = partial(journals.aresume, journal, call_id, has)
        return self._calls.arun(begin, on_token, on_event, None)

    def collect(
        self,
        request: ChatRequest,
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        pace: Callable[[], Any] | None = None,
    ) -> Completion:
        """Return the completion of an answer.

        Raises:
            HolySheepError: The answer cannot be completed.
        """
        stream = self.stream(request, on_token=on_token, on_event=on_event, pace=pace)
        with closing(stream) as deltas:
            for delta in deltas:
                if isinstance(delta, Completion):
                    return delta
        raise AssertionError("a stream ends with its completion")

    async def acollect(
        self,
        request: ChatRequest,
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        pace: Callable[[], Awaitable[Any]] | None = None,
    ) -> Completion:
        """Like `collect`, for asyncio."""
        stream = self.astream(request, on_token=on_token, on_event=on_event, pace=pace)
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                if isinstance(delta, Completion):
                    return delta
        raise AssertionError("a stream ends with its completion")

    # -- replacing --------------------------------------------------------------------------

    def connections_for(self, clients: Clients) -> Clients:
        """Return this client's connections if `clients` has the same settings, else `clients`."""
        return clients.continuing(self._clients)

    def gateway_for(self, gateway: APIGateway) -> APIGateway:
        """Return a gateway for a client that replaces this one; see `APIGateway.continuing`."""
        return gateway.continuing(self.gateway) if self._owns_gateway else gateway

    # -- closing ----------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connections of sync calls, and stop background threads."""
        self._clients.close()
        self._leave()

    async def aclose(self) -> None:
        """Close all connections that the running loop can close, and stop background threads."""
        await self._clients.aclose()
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        for observer in self.observers:
            observer.close()
        self.gateway.leave(self)
        if self._owns_gateway:
            self.gateway.close()

    def __deepcopy__(self, memo: object) -> Self:
        return self  # handlers are shared; connections and locks cannot be copied

    def __getstate__(self) -> NoReturn:
        raise TypeError("A handler holds connections and a key; make a new one where it is needed.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


def named(request: ChatRequest) -> ChatRequest:
    """Return a request with a name of its own, if it has none."""
    return request if request.call_id else replace(request, call_id=token_hex(8))


def _opened(request: ChatRequest) -> Opening:
    return Opening(request)


async def _aopened(request: ChatRequest) -> Opening:
    return Opening(request)
