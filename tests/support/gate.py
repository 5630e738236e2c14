"""A server before the simulator: it is silent, down, or resets a connection before any byte."""

import contextlib
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from support.listening import stop_listening


@dataclass(frozen=True)
class Barrier:
    """What happens to requests before they reach the simulator.

    Attributes:
        kind: "silent" (no byte, for `seconds`), "reset" (before any byte), "stale" (the second
            request of a connection is reset), "503" (during the first `seconds`).
        model: Only requests for this model.
        times: Number of connections; None for all.
        seconds: See `kind`.
    """

    kind: Literal["silent", "reset", "stale", "503"]
    model: str
    times: int | None = None
    seconds: float = 0.0


class Gate:
    """A server before another one; what its barrier does not stop is passed on unchanged.

    Attributes:
        url: The base URL.
        stopped: The models of the requests that were stopped, in order.
    """

    def __init__(self, url: str, barrier: Barrier) -> None:
        self._barrier, self._left = barrier, barrier.times
        parts = urlsplit(url)
        self._behind = (parts.hostname, parts.port)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{parts.path}"
        self.stopped: list[str] = []
        self._began = time.monotonic()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        stop_listening(self._socket)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while data := _request(client):
                if self._stops(data, client):
                    return
                with socket.create_connection(self._behind) as server:
                    server.sendall(re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", data, count=1))
                    if not _pass_on(server, client):
                        return

    def _stops(self, data: bytes, client: socket.socket) -> bool:
        barrier, elapsed = self._barrier, time.monotonic() - self._began
        found = re.search(rb'"model":\s*"([^"]+)"', data)
        model = found[1].decode() if found else ""
        if model != barrier.model or self._left == 0:
            return False
        if barrier.kind == "503" and elapsed > barrier.seconds:
            return False
        if barrier.kind == "stale" and not self.stopped:
            self.stopped.append("")  # the first request of the connection is well
            return False
        if self._left is not None:
            self._left -= 1
        self.stopped.append(model)
        if barrier.kind == "silent":
            client.settimeout(barrier.seconds)
            with contextlib.suppress(OSError):
                client.recv(1)  # until the client leaves
        elif barrier.kind == "503":
            client.sendall(b"HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        else:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True


def _request(client: socket.socket) -> bytes:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            data += (more := client.recv(65536))
            if not more:
                return b""
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        while length and len(body) < int(length[1]):
            body += (more := client.recv(65536))
            if not more:
                return b""
    except OSError:
        return b""
    return head + b"\r\n\r\n" + body


def _pass_on(server: socket.socket, client: socket.socket) -> bool:
    """Pass one response on; return whether the connection stays open."""
    last = b""
    try:
        while data := server.recv(65536):
            client.sendall(data)
            last = (last + data)[-5:]
            if last == b"0\r\n\r\n":  # a chunked body ended
                return True
    except OSError:
        pass
    return False
