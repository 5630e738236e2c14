"""Runs a session over `httpx.Client`. Its twin is `async_driver`; read them side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import httpx

from holysheep_core.clock import clock
from holysheep_core.engine.actions import Admit, Finish, Send, Wait
from holysheep_core.engine.session import Session
from holysheep_core.errors import HolySheepError
from holysheep_core.limits.admission import Admission
from holysheep_core.transport.body import body_of, headers_of
from holysheep_core.transport.exceptions import FAILURES, client_closed_error, translate
from holysheep_core.transport.httpx_client import parsed, request_timeout
from holysheep_core.types import Completion, Delta


def run(
    session: Session,
    client: httpx.Client,
    connect: float | None,
    admission: Admission,
    finish: Callable[[Completion], Any],
) -> Generator[Delta | Completion, None, None]:
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
            finish(action.completion)
            yield action.completion
            return
        if isinstance(action, Wait):
            time.sleep(action.seconds)
            continue
        if isinstance(action, Admit):
            try:
                admission.enter(
                    action.route, action.request, action.until, session.receive_throttled
                )
            except HolySheepError as error:
                session.receive_refusal(error, clock())
            else:
                session.receive_admission(clock())
            continue
        yield from _exchange(session, client, action, connect)


def _exchange(
    session: Session, client: httpx.Client, action: Send, connect: float | None
) -> Generator[Delta, None, None]:
    timeout = request_timeout(connect, session)
    request = client.build_request(
        "POST", parsed(action.url), headers=action.headers, content=action.body, timeout=timeout
    )
    try:
        response = client.send(request, stream=True, follow_redirects=False)
    except FAILURES as error:
        yield from session.receive_error(translate(error), clock())
        return
    except RuntimeError as error:
        yield from session.receive_error(client_closed_error(client, error), clock())
        return
    with closing(response):
        headers, body = headers_of(response), body_of(response)
        session.receive_response(response.status_code, headers, clock())
        while session.wants_data(clock()):
            try:
                data = next(body, None)
            except FAILURES as error:
                yield from session.receive_error(translate(error), clock())
                return
            if data is None:
                deltas = session.receive_eof(clock())
            else:
                deltas = session.receive_data(data, clock())
            yield from deltas
