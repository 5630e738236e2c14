"""The connections of a client that is not ours, watched as far as that is possible from outside.

httpcore, under an `httpx.Client` of the user's own, takes what lies behind a response for the
answer to the next request. It tells of each connection that it makes (its "trace" extension), and
the connection's `read` and `write` are public, so both are followed here; an unclean connection is
closed after the response, and httpcore then makes another. What is not seen: connections that were
made by requests of the user's own, and transports that are not httpx's or httpx2's, such as
httpx-aiohttp.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holysheep_core.transport.library import is_one
from holysheep_core.transport.message_watch import MessageWatch

if TYPE_CHECKING:
    import httpx

_watches: weakref.WeakKeyDictionary[Any, MessageWatch] = weakref.WeakKeyDictionary()
_own: weakref.WeakSet[Any] = weakref.WeakSet()
_MADE = ("connect_tcp.complete", "start_tls.complete")


def add_own(client: httpx.Client | httpx.AsyncClient) -> None:
    """This client is one of ours, and looks after its connections itself."""
    _own.add(client)


def extensions_for(client: httpx.Client | httpx.AsyncClient) -> dict[str, Any]:
    """Return the extensions of a request that let its connection be watched."""
    if client in _own:
        return {}
    return {"trace": _atrace if is_one(client, "AsyncClient") else _trace}


def unclean_stream(response: httpx.Response) -> Any:
    """Return the connection of a response that is over, if it must not be used again."""
    stream = response.extensions.get("network_stream")
    watch = None if stream is None else _watches.get(stream)
    return stream if watch is not None and watch.surplus else None


def _trace(name: str, info: Mapping[str, Any]) -> None:
    stream: Any = info.get("return_value")
    if name.endswith(_MADE) and is_one(stream, "NetworkStream"):
        watch, of, me = MessageWatch(), type(stream), weakref.ref(stream)

        def read(max_bytes: int, timeout: float | None = None) -> bytes:
            data: bytes = of.read(_there(me), max_bytes, timeout)
            watch.received(data)
            return data

        def write(buffer: bytes, timeout: float | None = None) -> None:
            watch.sent(buffer)
            of.write(_there(me), buffer, timeout)

        stream.read, stream.write = read, write
        _watches[stream] = watch


async def _atrace(name: str, info: Mapping[str, Any]) -> None:
    stream: Any = info.get("return_value")
    if name.endswith(_MADE) and is_one(stream, "AsyncNetworkStream"):
        watch, of, me = MessageWatch(), type(stream), weakref.ref(stream)

        async def read(max_bytes: int, timeout: float | None = None) -> bytes:
            data: bytes = await of.read(_there(me), max_bytes, timeout)
            watch.received(data)
            return data

        async def write(buffer: bytes, timeout: float | None = None) -> None:
            watch.sent(buffer)
            await of.write(_there(me), buffer, timeout)

        stream.read, stream.write = read, write
        _watches[stream] = watch


def _there(reference: weakref.ref[Any]) -> Any:
    # Its own method is called, so it is there. A plain reference would be a circle, and keep the
    # socket of a connection that nobody closes until the garbage is collected.
    return reference()
