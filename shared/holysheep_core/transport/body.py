"""The head and the body of a response, plain or compressed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import httpx

from holysheep_core.protocol.content_coding import CODINGS, Inflater
from holysheep_core.transport.foreign import unclean_stream
from holysheep_core.transport.pool import SURPLUS, tell_discarded
from holysheep_core.transport.streams import AsyncStream, Stream

_log = logging.getLogger("holysheep")
Response = httpx.Response


class closing_response:  # noqa: N801 - reads as what it does, like `contextlib.closing`
    """Close a response at the end; should that fail, the call has what it wanted all the same."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __enter__(self) -> None:
        """Return nothing: the response is at hand."""

    def __exit__(self, *_: object) -> None:
        try:
            self._response.close()
            if (stream := unclean_stream(self._response)) is not None:
                tell_discarded(self._response.request, SURPLUS)
                stream.close()
        except Exception as error:  # noqa: BLE001 - any library may be below
            _log.warning(_CLOSE_FAILED, error)


class aclosing_response:  # noqa: N801 - likewise
    """Like `closing_response`, for an `httpx.AsyncClient`.

    No generator: when a loop ends, asyncio would close it beside the call that owns it.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aenter__(self) -> None:
        """Return nothing: the response is at hand."""

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._response.aclose()
            if (stream := unclean_stream(self._response)) is not None:
                tell_discarded(self._response.request, SURPLUS)
                await stream.aclose()
        except Exception as error:  # noqa: BLE001
            _log.warning(_CLOSE_FAILED, error)


_CLOSE_FAILED = "A response could not be closed properly: %r"


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the response's headers, names in lower case."""
    return dict(response.headers.items())


def body_of(response: httpx.Response) -> Iterator[bytes]:
    """Iterate over a body as it arrives; decoded only if the server compressed it unasked."""
    if response.is_stream_consumed:  # whole already, from a mock, say: it has been decoded
        return response.iter_bytes()
    stream = response.extensions.get("network_stream")
    body = _plain(response, stream) if isinstance(stream, Stream) else response.iter_raw()
    return _inflated(body) if _is_coded(response) else body


def abody_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """Like `body_of`, for an `httpx.AsyncClient`."""
    if response.is_stream_consumed:
        return response.aiter_bytes()
    stream = response.extensions.get("network_stream")
    body = _aplain(response, stream) if isinstance(stream, AsyncStream) else response.aiter_raw()
    return _ainflated(body) if _is_coded(response) else body


def _plain(response: httpx.Response, stream: Stream) -> Iterator[bytes]:
    timeout = response.request.extensions["timeout"]["read"]
    while data := stream.read_body(timeout):
        yield data
    yield from response.iter_raw()  # the end, or whatever has to be looked at more closely


async def _aplain(response: httpx.Response, stream: AsyncStream) -> AsyncIterator[bytes]:
    timeout = response.request.extensions["timeout"]["read"]
    while data := await stream.read_body(timeout):
        yield data
    async for data in response.aiter_raw():
        yield data


def _inflated(body: Iterator[bytes]) -> Iterator[bytes]:
    inflater = Inflater()
    for data in body:
        yield from inflater.feed(data)


async def _ainflated(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    inflater = Inflater()
    async for data in body:
        for piece in inflater.feed(data):
            yield piece


def _is_coded(response: httpx.Response) -> bool:
    return response.headers.get("content-encoding", "").strip().lower() in CODINGS
