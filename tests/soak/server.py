"""A server of short answers, quick enough that the callers are what is measured.

It answers with the number of the call, in pieces with a moment between some of them, so that
a cancellation finds a call anywhere between its first byte and its last.
"""

from __future__ import annotations

import asyncio
import random
import re
from multiprocessing.connection import Connection

_number = re.compile(rb"Call (\d+)").search
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
_DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n'
_STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
_WHOLE = b'{"choices":[{"index":0,"message":{"content":"%b"},"finish_reason":"stop"}]}'
_AT_ONCE = 0.7
"""Share of the answers that are sent without a moment between their pieces."""


def answer_to(number: int) -> str:
    """Return the text that a call is answered with."""
    return f"sheep {number} is counted"


class _Link(asyncio.Protocol):
    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._seen = b""
        self._transport: asyncio.Transport
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, blank, body = self._seen.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        if len(body) < length:
            return
        self._seen = body[length:]
        pieces = _pieces(body[:length])
        if self._draw.random() < _AT_ONCE:
            self._transport.write(b"".join(pieces))
        else:
            task = asyncio.ensure_future(self._trickle(pieces))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _trickle(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._transport.write(piece)
            await asyncio.sleep(self._draw.uniform(0.0, 0.003))


def _pieces(body: bytes) -> list[bytes]:
    found = _number(body)
    text = answer_to(int(found[1]) if found else 0).encode()
    if not re.search(rb'"stream":\s*true', body):
        return [_HEAD % b"application/json", _chunk(_WHOLE % text), b"0\r\n\r\n"]
    words = [word + b" " for word in text.split()]
    words[-1] = words[-1].rstrip()
    return [
        _HEAD % b"text/event-stream",
        *(_chunk(_DELTA % word) for word in words),
        _chunk(_STOP) + b"0\r\n\r\n",
    ]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def serve(pipe: Connection) -> None:
    """Serve until the process is ended; the port is sent first."""

    async def run() -> None:
        draw = random.Random(0)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Link(draw), "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())
