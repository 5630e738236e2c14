"""Runs a session over `httpx.AsyncClient`. Its twin is `sync_driver`; read them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import httpx

from holysheep_core.clock import clock
from holysheep_core.engine.actions import Admit, Finish, Send, Wait
from holysheep_core.engine.session import Session
from holysheep_core.errors import HolySheepError
from holysheep_core.limits.admission import Admission
from holysheep_core.transport.body import abody_of, headers_of
from holysheep_core.transport.exceptions import FAILURES, client_closed_error, translate
from holysheep_core.transport.httpx_client import parsed, request_timeout
from holysheep_core.types import Completion, Delta


async def run(
    session: Session,
    client: httpx.AsyncClient,
    connect: float | None,
    admission: Admission,
    finish: Callable[[Completion], Awaitable[Any]],
) -> AsyncGenerator[Delta | Completion, None]:
    """Do what the session says, and yield its deltas, then its completion.

    Args:
        session: A new session.
        client: Where requests go out.
        connect: Seconds for making a connection.
        admission: Admission control; a gated session asks it before each request.
        finish: Is given the completion before the reader is.

    Raises:
        HolySheepError: The call failed.
    """
    while True:
        action = session.next_action(clock())
        if isinstance(action, Finish):
            await finish(action.completion)
            yield action.completion
            return
        if isinstance(action, Wait):
            await asyncio.sleep(action.seconds)
            continue
        if isinstance(action, Admit):
            try:
                await admission.aenter(
                    action.route, action.request, action.until, session.receive_throttled
                )
            except HolySheepError as error:
                session.receive_refusal(error, clock())
            else:
                session.receive_admission(clock())
            continue
        async with aclosing(_exchange(session, client, action, connect)) as deltas:
            async for delta in deltas:
                yield delta


async def _exchange(
    session: Session, client: httpx.AsyncClient, action: Send, connect: float | None
) -> AsyncGenerator[Delta, None]:
    timeout = request_timeout(connect, session)
    request = client.build_request(
        "POST", parsed(action.url), headers=action.headers, content=action.body, timeout=timeout
    )
    try:
        response = await client.send(request, stream=True, follow_redirects=False)
    except FAILURES as error:
        for delta in session.receive_error(translate(error), clock()):
            yield delta
        return
    except RuntimeError as error:
        for delta in session.receive_error(client_closed_error(client, error), clock()):
            yield delta
        return
    async with aclosing(response):
        headers, body = headers_of(response), abody_of(response)
        session.receive_response(response.status_code, headers, clock())
        while session.wants_data(clock()):
            try:
                data = await anext(body, None)
            except FAILURES as error:
                for delta in session.receive_error(translate(error), clock()):
                    yield delta
                return
            if data is None:
                deltas = session.receive_eof(clock())
            else:
                deltas = session.receive_data(data, clock())
            for delta in deltas:
                yield delta
