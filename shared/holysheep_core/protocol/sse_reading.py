"""Reads the server-sent events of a response of any HTTP library, for programs of one's own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Literal, overload

from holysheep_core.protocol.sse import (
    DEFAULT_MAX_EVENT_BYTES,
    ServerSentEvent,
    server_sent_events,
)
from holysheep_core.protocol.wire import DONE
from holysheep_core.secrets import redact_line

_log = logging.getLogger("holysheep")


@overload
def parse_sse_stream(
    response: Any, *, as_events: Literal[False] = ..., max_event_bytes: int = ...
) -> Iterator[dict[str, Any]]: ...


@overload
def parse_sse_stream(
    response: Any, *, as_events: Literal[True], max_event_bytes: int = ...
) -> Iterator[ServerSentEvent]: ...


def parse_sse_stream(
    response: Any, *, as_events: bool = False, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
) -> Iterator[dict[str, Any]] | Iterator[ServerSentEvent]:
    r"""Yield the events of a stream as dicts, until `[DONE]`.

    >>> list(parse_sse_stream([b'data: {"a": 1}\n\n', b"data: [DONE]\n\n"]))
    [{'a': 1}]

    An event that is no JSON object is left out with a warning. Retries and resuming are the chat
    models' business: a stream that breaks raises its library's error here.

    Args:
        response: A streamed response of httpx or requests, its lines (str or bytes), or its bytes,
            split anywhere.
        as_events: Yield every event as a `ServerSentEvent`, `[DONE]` too.
        max_event_bytes: Cap on one event.

    Raises:
        InvalidResponseError: An event exceeds the cap.
    """
    events = server_sent_events(_pieces(response), max_event_bytes=max_event_bytes)
    return events if as_events else _objects(events)


def _objects(events: Iterator[ServerSentEvent]) -> Iterator[dict[str, Any]]:
    for event in events:
        data = event.data.strip()
        if data == DONE:
            return
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if isinstance(found, dict):
            yield found
        elif data:
            _log.warning(
                "An event is no JSON object: %s", redact_line(data.decode(errors="replace"))
            )


def _pieces(response: Any) -> Iterator[bytes]:
    for name, arguments in (("iter_bytes", ()), ("iter_content", (None,))):
        if hasattr(response, name):  # httpx, requests
            yield from getattr(response, name)(*arguments)
            return
    yield from _joined(response)


def _joined(items: Iterable[str | bytes]) -> Iterator[bytes]:
    """Yield bytes, with the newlines that an iterator over lines leaves out.

    Lines have no newline in them, and are empty between events; pieces of a body are never empty.
    Until one or the other is seen, nothing is decided.
    """
    left = (each.encode() if isinstance(each, str) else each for each in items)
    held: list[bytes] = []
    for item in left:
        held.append(item)
        if b"\n" in item or b"\r" in item:
            yield from held
            yield from left
            return
        if not item:
            yield from (line + b"\n" for line in chain(held, left))
            return
    yield from (line + b"\n" for line in held)
    yield b"\n"
