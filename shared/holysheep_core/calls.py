"""One call, from what a client has: its connections, providers, settings and observers."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable
from contextlib import aclosing, closing
from typing import Any

from holysheep_core.clients import Clients
from holysheep_core.clock import clock
from holysheep_core.errors import HolySheepError
from holysheep_core.events import Event
from holysheep_core.gate import Gate
from holysheep_core.gateway import APIGateway
from holysheep_core.journal import Entry
from holysheep_core.keeping import AsyncStream, Begun, Stream
from holysheep_core.observer import Observer
from holysheep_core.session import Session
from holysheep_core.settings import Settings
from holysheep_core.telling import Telling
from holysheep_core.types import ChatRequest, Completion, Delta

OnToken = Callable[[str], Any]
OnEvent = Callable[[Event], Any]


class Calls:
    """Makes the calls of one client.

    Args:
        gateway: Whom to ask.
        settings: How.
        clients: Over which connections.
        observers: Who watches.
        on_event: Is called with every event of every call.
    """

    def __init__(
        self,
        gateway: APIGateway,
        settings: Settings,
        clients: Clients,
        observers: tuple[Observer, ...],
        on_event: OnEvent | None,
    ) -> None:
        self._gateway = gateway
        self._settings = settings
        self._clients = clients
        self._observers = observers
        self._on_event = on_event
        # They need httpx, which is imported when it is needed: see `clients`.
        from holysheep_core import async_driver, sync_driver  # noqa: PLC0415

        self._drive, self._adrive = sync_driver.run, async_driver.run

    def run(
        self,
        request: ChatRequest,
        begun: Begun,
        entry: Entry | None,
        on_token: OnToken | None,
        on_event: OnEvent | None,
        pace: Callable[[], Any] | None,
    ) -> Stream:
        """Make a call.

        Args:
            request: What to ask.
            begun: What an earlier process brought of the answer.
            entry: Where what comes is kept.
            on_token: Is called with each piece of text.
            on_event: Is called with each event of this call.
            pace: Returns when a request may go out; is called before each.
        """
        client, store = self._clients.sync(), self._gateway.store
        if store is not None:
            store.open()
        gate = Gate(self._gateway.providers, self._gateway.memory, store, pace)
        session = self._begin(
            request, begun, entry, self._listeners(on_event), gated=gate.is_needed
        )
        deltas = self._drive(session, client, self._settings.timeouts.connect, gate.enter)
        try:
            if on_token is None:
                yield from deltas
                return
            with closing(deltas):
                for delta in deltas:
                    if isinstance(delta, Delta) and delta.text:
                        on_token(delta.text)
                    yield delta
        finally:
            self._end(session, gate)

    async def arun(
        self,
        request: ChatRequest,
        begun: Begun,
        entry: Entry | None,
        on_token: OnToken | None,
        on_event: OnEvent | None,
        pace: Callable[[], Awaitable[Any]] | None,
    ) -> AsyncStream:
        """Like `run`, for asyncio; the callbacks may be coroutines."""
        # The client depends on the loop that iterates, which need not be the one that called.
        client, store = await self._clients.for_running_loop(), self._gateway.store
        if store is not None:
            await store.aopen()
        gate = Gate(self._gateway.providers, self._gateway.memory, store, pace)
        telling = Telling(self._listeners(on_event))
        session = self._begin(request, begun, entry, telling, gated=gate.is_needed)
        connect = self._settings.timeouts.connect
        try:
            async with aclosing(self._adrive(session, client, connect, gate.aenter)) as deltas:
                async for delta in deltas:
                    if on_token is not None and isinstance(delta, Delta) and delta.text:
                        told = on_token(delta.text)
                        if inspect.isawaitable(told):
                            await told
                    if isinstance(delta, Completion):
                        await telling.done()
                    yield delta
        except HolySheepError:
            await telling.done()
            raise
        finally:
            self._end(session, gate)

    def _listeners(self, on_event: OnEvent | None) -> Callable[[Event], list[Any]]:
        listeners: list[OnEvent] = [each.happened for each in self._observers]
        listeners += [told for told in (self._on_event, on_event) if told is not None]
        return lambda event: [listener(event) for listener in listeners]

    def _begin(
        self,
        request: ChatRequest,
        begun: Begun,
        entry: Entry | None,
        notify: Callable[[Event], object],
        *,
        gated: bool,
    ) -> Session:
        call_id = request.call_id or secrets.token_hex(8)
        for observer in self._observers:
            observer.call_began(call_id, request)
        session = Session(
            request,
            self._gateway.ladder(request, self._settings.fallback, self._settings.catalog),
            self._settings,
            now=clock(),
            notify=notify,
            call_id=call_id,
            gated=gated,
            begun=begun,
        )
        if entry is not None:
            entry.watch(session)
        return session

    def _end(self, session: Session, gate: Gate) -> None:
        now = clock()
        session.close(now)
        gate.settle(session.attempts)
        record, answer = session.record(now), session.answer
        for observer in self._observers:
            observer.call_ended(record, answer)
