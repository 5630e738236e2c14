"""One client connection of the simulator: HTTP/1.1, and the ways to break it.

h11 reads requests and frames responses; sockets are used directly, because server frameworks
prevent resets, unfinished bodies and byte-wise writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from http.client import responses
from typing import Any

import h11
import msgspec

JSON = {"content-type": "application/json"}


class Connection:
    """A connection of a client, with one request after another.

    Attributes:
        status: The status of the running response; None before it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self.status: int | None = None
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def requests(self) -> AsyncIterator[tuple[h11.Request, bytes]]:
        """Yield requests with their bodies until a side ends or breaks the connection."""
        while True:
            request = await self._next_event()
            if not isinstance(request, h11.Request):
                return
            body = b""
            while isinstance(event := await self._next_event(), h11.Data):
                body += event.data
            yield request, body
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(65536))
        return event

    # -- parts of a response ---------------------------------------------------------------

    async def send_json(self, status: int, value: Any) -> None:
        """Send a whole JSON response."""
        await self.send_whole(status, JSON, msgspec.json.encode(value))

    async def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole response."""
        await self.start(status, {**headers, "content-length": str(len(body))})
        await self.write(body)
        await self.end()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers."""
        self.status = status
        reason = responses.get(status, "").encode("ascii")
        head = h11.Response(status_code=status, headers=list(headers.items()), reason=reason)
        self._writer.write(self._http.send(head) or b"")

    async def write(self, data: bytes, split: int | None = None) -> None:
        """Send a part of the body, in writes of `split` bytes if given."""
        if not data:
            return
        framed = self._http.send(h11.Data(data=data)) or b""
        step = split or len(framed)
        for i in range(0, len(framed), step):
            self._writer.write(framed[i : i + step])
            await self._writer.drain()
            if split:
                await asyncio.sleep(0)

    async def end(self) -> None:
        """End the body properly."""
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    async def reset(self) -> None:
        """Reset the connection, after all written bytes were sent."""
        # A reset discards unsent bytes.
        await self._writer.drain()
        await asyncio.sleep(0.001)
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self._http.send_failed()

    async def finish_early(self) -> None:
        """Close the connection without the end of the body."""
        await self._writer.drain()
        self._http.send_failed()

    async def client_leaves(self, seconds: float) -> bool:
        """Wait; return True as soon as the client closes the connection, else False."""
        with contextlib.suppress(asyncio.TimeoutError):
            return not await asyncio.wait_for(self._reader.read(1), seconds)
        return False
