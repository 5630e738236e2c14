"""Answers as server-sent events, for a browser's `EventSource`.

::

    retry: 1000                                  how soon a browser reconnects

    id: story-17:6                               what it sends back then, as Last-Event-ID
    data: {"text":"Once, "}

    :                                            a comment, while nothing comes

    event: done                                  or "error", and then nothing more
    id: story-17:40
    data: {"finish_reason":"stop","model":"gpt-4.1","usage":{…},"tool_calls":[],"resumes":1}

The form is that of the WHATWG HTML standard, section 9.2. An id counts characters of text as Python
does, after the event; a browser, whose strings count otherwise, only sends it back. Where a model
shows its reasoning, a second number counts that.

An id that does not belong to the answer is an error event, not a new beginning: the reader keeps
what it has, and would get it twice. It is no exception either, since a browser may send anything.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing

from holysheep_core.client.detached import Detached
from holysheep_core.client.sse_events import Events, check_times, failed, hello
from holysheep_core.closing import Owned
from holysheep_core.errors import HolySheepError, JournalError
from holysheep_core.types import Completion, Delta

SSE_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Headers of a response of events: nothing on the way may store, compress or hold it back."""


def sse_response(
    handler: Detached,
    call_id: str,
    *,
    last_event_id: str | None = None,
    heartbeat: float = 15.0,
    retry: float = 1.0,
) -> Generator[bytes, None, None]:
    r"""Follow an answer of the journal as the body of a `text/event-stream` response.

    Any process that has the journal can send it, any number of times, while another one generates
    it or afterwards. Closing the iterator, as web frameworks do when a browser leaves, does not
    stop the answer; `handler.stop(call_id)` does.

    >>> from flask import Response, request                        # doctest: +SKIP
    >>> @app.get("/answers/<call_id>/events")                      # doctest: +SKIP
    ... def events(call_id):
    ...     last = request.headers.get("Last-Event-ID")
    ...     body = sse_response(handler, call_id, last_event_id=last)
    ...     return Response(body, mimetype="text/event-stream", headers=SSE_HEADERS)

    Events without a type have new text as `{"text": …}`, and reasoning as `{"reasoning": …}`. The
    last event has the type "done", with the finish_reason, models, usage, tool calls and resumes;
    or "error", with the class of the error and its message: `{"type": "RateLimitError", "message":
    …}`. An unknown `call_id`, and a `last_event_id` that is not one of this answer, are errors of
    that kind.

    Args:
        handler: A `StreamingRetryHandler` with a journal.
        call_id: The answer's name.
        last_event_id: The request's header `Last-Event-ID`: the answer continues after it, to the
            character. From its beginning if None or "".
        heartbeat: Seconds without an event after which a comment is sent.
        retry: Seconds after which a browser whose connection broke asks again.

    Returns:
        An iterator of bytes, each piece whole events. It ends after "done" or "error".

    Raises:
        ConfigurationError: At once: the handler has no journal, or a number is invalid.
    """
    check_times(heartbeat, retry)
    deltas = handler.follow_deltas(call_id, idle=heartbeat)
    return _body(handler, call_id, last_event_id, deltas, retry)


def asse_response(
    handler: Detached,
    call_id: str,
    *,
    last_event_id: str | None = None,
    heartbeat: float = 15.0,
    retry: float = 1.0,
) -> AsyncGenerator[bytes, None]:
    """Like `sse_response`, for asyncio.

    >>> from fastapi.responses import StreamingResponse            # doctest: +SKIP
    >>> @app.get("/answers/{call_id}/events")                      # doctest: +SKIP
    ... async def events(call_id: str, last_event_id: Annotated[str | None, Header()] = None):
    ...     body = asse_response(handler, call_id, last_event_id=last_event_id)
    ...     return StreamingResponse(body, media_type="text/event-stream", headers=SSE_HEADERS)
    """
    check_times(heartbeat, retry)
    deltas = handler.afollow_deltas(call_id, idle=heartbeat)
    return _abody(handler, call_id, last_event_id, deltas, retry)


def _body(
    handler: Detached,
    call_id: str,
    last_event_id: str | None,
    deltas: Generator[Delta | Completion, None, None],
    retry: float,
) -> Generator[bytes, None, None]:
    with closing(deltas):
        yield hello(retry)
        try:
            events = Events(call_id, last_event_id)
            for delta in deltas:
                if event := events.of(delta):
                    yield event
        except HolySheepError as error:
            yield _failure(handler, call_id, error)


async def _abody(
    handler: Detached,
    call_id: str,
    last_event_id: str | None,
    deltas: AsyncGenerator[Delta | Completion, None],
    retry: float,
) -> AsyncGenerator[bytes, None]:
    async with aclosing(Owned(deltas)) as owned:
        yield hello(retry)
        try:
            events = Events(call_id, last_event_id)
            async for delta in owned:
                if event := events.of(delta):
                    yield event
        except HolySheepError as error:
            yield await _afailure(handler, call_id, error)


def _failure(handler: Detached, call_id: str, error: HolySheepError) -> bytes:
    if type(error) is not JournalError:
        return failed(error)
    try:
        return failed(error, handler.status(call_id).error)
    except JournalError:  # no such answer, or the journal does not answer, which the first one says
        return failed(error)


async def _afailure(handler: Detached, call_id: str, error: HolySheepError) -> bytes:
    if type(error) is not JournalError:
        return failed(error)
    try:
        return failed(error, (await handler.astatus(call_id)).error)
    except JournalError:
        return failed(error)
