"""Runs the calls of a client with its connections, providers, settings and observers."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing, nullcontext
from typing import Any

from holysheep_core.clock import clock
from holysheep_core.closing import Owned
from holysheep_core.engine.session import Session
from holysheep_core.engine.settings import Settings
from holysheep_core.events import Event
from holysheep_core.gateway.gateway import APIGateway
from holysheep_core.journal.opening import Opening
from holysheep_core.limits.admission import Admission
from holysheep_core.observers.listeners import AsyncListeners, Guard, Listeners, announce
from holysheep_core.observers.observer import Observer
from holysheep_core.transport.clients import Clients, asyncio_loop
from holysheep_core.types import Completion, Delta

_ATTENTION = 0.25
"""Seconds after which a call with a journal looks whether somebody stopped it."""

Stream = Generator[Delta | Completion, None, None]
AsyncStream = AsyncGenerator[Delta | Completion, None]
OnToken = Callable[[str], Any]
OnEvent = Callable[[Event], Any]


class Calls:
    """Makes the calls of one client.

    Args:
        gateway: The providers.
        settings: The settings of every call.
        clients: The HTTP clients.
        observers: Notified of the beginning, the events and the end of every call.
        on_event: Called with every event of every call.
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
        self._began = [Guard(each.call_began) for each in observers]
        self._ended = [Guard(each.call_ended) for each in observers]
        self._listeners = [Guard(each.happened) for each in observers]
        self._listeners += [] if on_event is None else [Guard(on_event)]
        # The drivers import httpx, which is imported as late as possible: see `clients`.
        from holysheep_core.client import async_driver, sync_driver  # noqa: PLC0415

        self._drive, self._adrive = sync_driver.run, async_driver.run

    def run(
        self,
        begin: Callable[[], Opening],
        on_token: OnToken | None,
        on_event: OnEvent | None,
        pace: Callable[[], Any] | None,
    ) -> Stream:
        """Run a call: yield deltas, then the completion.

        Args:
            begin: Returns the request, and the part of the answer that a journal has.
            on_token: Called with each piece of text.
            on_event: Called with each event of this call.
            pace: Called before each request; returns when the request may be sent.

        Raises:
            HolySheepError: While iterating, if the answer cannot be completed.
        """
        opening = begin()
        with opening.entry or nullcontext() as entry:
            for each in opening.given:
                _tell(on_token, each)
                yield each
            if opening.whole:
                return
            client, store = self._clients.sync(), self._gateway.store
            if store is not None:
                store.open()
            admission = Admission(self._gateway.providers, self._gateway.route_states, store, pace)
            told = announce(self._began, opening.request, self._listeners, on_event)
            listeners = Listeners(told)
            session = self._begin(opening, listeners, gated=admission.is_needed)

            def finish(completion: Completion) -> None:
                if entry is not None:
                    entry.finish(completion)

            timeouts = self._settings.timeouts
            deltas = self._drive(session, client, timeouts, admission, finish)
            write = None if entry is None else entry.write_at_once
            try:
                if on_token is None and write is None:
                    yield from deltas
                    return
                with closing(deltas):
                    for delta in deltas:
                        if write is not None:
                            write()
                        _tell(on_token, delta)
                        yield delta
            finally:
                self._end(session, admission)

    async def arun(
        self,
        begin: Callable[[], Awaitable[Opening]],
        on_token: OnToken | None,
        on_event: OnEvent | None,
        pace: Callable[[], Awaitable[Any]] | None,
    ) -> AsyncStream:
        """Like `run`, for asyncio; the callbacks may be coroutines."""
        asyncio_loop()
        opening = await begin()
        async with opening.entry or nullcontext() as entry:
            for each in opening.given:
                await _atell(on_token, each)
                yield each
            if opening.whole:
                return
            # The client belongs to the loop that iterates, which may not be the caller's loop.
            client, store = await self._clients.for_running_loop(), self._gateway.store
            if store is not None:
                await store.aopen()
            admission = Admission(self._gateway.providers, self._gateway.route_states, store, pace)
            told = announce(self._began, opening.request, self._listeners, on_event)
            async with AsyncListeners(told) as listeners:
                session = self._begin(opening, listeners, gated=admission.is_needed)

                async def finish(completion: Completion) -> None:
                    if entry is not None:
                        await entry.afinish(completion)
                    await listeners.done()

                timeouts = self._settings.timeouts
                deltas = Owned(self._adrive(session, client, timeouts, admission, finish))
                write = None if entry is None else entry.write_at_once
                try:
                    async with aclosing(deltas):
                        async for delta in deltas:
                            if entry is not None and write is not None:
                                await entry.awrite(write)
                            if on_token is not None:
                                await _atell(on_token, delta)
                            yield delta
                finally:
                    self._end(session, admission)

    def _begin(
        self, opening: Opening, notify: Callable[[Event], object], *, gated: bool
    ) -> Session:
        request = opening.request
        session = Session(
            request,
            self._gateway.chain(request, self._settings.fallback, self._settings.catalog),
            self._settings,
            now=clock(),
            notify=notify,
            call_id=request.call_id,
            gated=gated,
            begun=(opening.text, opening.reasoning),
            heartbeat=None if opening.entry is None else _ATTENTION,
        )
        if opening.entry is not None:
            opening.entry.watch(session)
        return session

    def _end(self, session: Session, admission: Admission) -> None:
        now = clock()
        session.close(now)
        if admission.is_needed:
            admission.settle(session.attempts)
        record, answer = session.record(now), session.answer
        for ended in self._ended:
            ended(record, answer)


def _tell(on_token: OnToken | None, delta: Delta | Completion) -> Any:
    if on_token is not None and isinstance(delta, Delta) and delta.text:
        return on_token(delta.text)
    return None


async def _atell(on_token: OnToken | None, delta: Delta | Completion) -> None:
    told = _tell(on_token, delta)
    if inspect.isawaitable(told):
        await told
