"""Runs a session over `httpx.AsyncClient`. Its twin is `sync_driver`; read them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx

from holysheep_core.client.async_race import Opened, race
from holysheep_core.clock import clock
from holysheep_core.config.retry import Timeouts
from holysheep_core.engine.actions import Admit, Finish, Send, Wait
from holysheep_core.engine.session import Session
from holysheep_core.errors import HolySheepError
from holysheep_core.limits.admission import Admission
from holysheep_core.transport.body import abody_of, aclosing_response, headers_of
from holysheep_core.transport.deadline import Call
from holysheep_core.transport.exceptions import sending_error, translate
from holysheep_core.transport.foreign import extensions_for
from holysheep_core.transport.httpx_client import parsed, request_timeout
from holysheep_core.transport.pool import ON_DISCARD
from holysheep_core.types import Completion, Delta


async def run(
    session: Session,
    client: httpx.AsyncClient,
    timeouts: Timeouts,
    admission: Admission,
    finish: Callable[[Completion], Awaitable[Any]],
) -> AsyncGenerator[Delta | Completion, None]:
    """Carry out the actions of a session; yield its deltas, then its completion.

    Args:
        session: A new session.
        client: Sends the requests.
        timeouts: The time limits of a request, in seconds.
        admission: Admission control; a gated session asks it before each request.
        finish: Called with the completion before it is yielded.

    Raises:
        HolySheepError: The call failed.
    """
    while True:
        action = session.next_action(clock())
        if isinstance(action, Finish):
            await finish(action.completion)
            yield action.completion
            return
        if not isinstance(action, Send):
            await _prepare(session, admission, action)
            continue
        try:
            response, body = await _open(session, client, action, timeouts)
        except Exception as error:  # noqa: BLE001 - any error of a lower layer becomes ours
            session.receive_error(sending_error(client, error), clock())
            continue
        async with aclosing_response(response):
            session.receive_response(response.status_code, headers_of(response), clock())
            while session.wants_data(clock()):
                try:
                    data = await anext(body, None)
                except Exception as error:  # noqa: BLE001 - as above
                    deltas = session.receive_error(translate(error, reading=True), clock())
                else:
                    if data is None:
                        deltas = session.receive_eof(clock())
                    else:
                        deltas = session.receive_data(data, clock())
                for delta in deltas:
                    yield delta


async def _prepare(session: Session, admission: Admission, action: Wait | Admit) -> None:
    if isinstance(action, Wait):
        await asyncio.sleep(action.seconds)
        return
    try:
        await admission.aenter(
            action.route, action.request, action.until, session.receive_throttled
        )
    except HolySheepError as error:
        session.receive_refusal(error, clock())
    else:
        session.receive_admission(clock())


async def _open(
    session: Session, client: httpx.AsyncClient, action: Send, timeouts: Timeouts
) -> Opened:
    if action.hedge is None:
        response = await _send(session, client, action, timeouts, session)
        return response, abody_of(response)

    async def post(sent: Send, call: Call) -> httpx.Response:
        return await _send(session, client, sent, timeouts, call)

    return await race(session, post, action, action.hedge)


async def _send(
    session: Session, client: httpx.AsyncClient, action: Send, timeouts: Timeouts, call: Call
) -> httpx.Response:
    request = client.build_request(
        "POST",
        parsed(action.url, client),
        headers=action.headers,
        content=action.body,
        extensions={
            "timeout": request_timeout(timeouts, call),
            ON_DISCARD: lambda reason: session.receive_discarded(reason, clock()),
            **extensions_for(client),
        },
    )
    return await client.send(request, stream=True, follow_redirects=False)
