"""A fast server in a process of its own: it sends ready-made bytes and thinks as little as can be.

How it answers is in the path, so that one server serves every benchmark:

    /flood-2000/v1/chat/completions      2000 deltas, one TCP write each, as fast as they are read
    /joined-2000/v1/...                  the same, twenty events to a write
    /paced-60-30/v1/...                  60 deltas, one every 30 ms, each with the time it was sent
    /cut-40/v1/...                       40 numbered words, then the connection is reset; asked to
                                         go on, the last few again, 40 more, and a proper end
    /links/v1/...                        how many connections there have been, as a number

    python tests/benchmarks/speed/server.py [certificate key]     prints its port
"""

from __future__ import annotations

import heapq
import itertools
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORD = "token "
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
JOINED = 20
REPEATED = 7  # words
RESET_AFTER = 0.02
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


def event(content: str | None, finish_reason: str | None = None) -> bytes:
    """Return an event of a realistic size, some 230 bytes."""
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk = {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1795450603,
        "model": "gpt-4.1",
        "system_fingerprint": None,
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def framed(data: bytes) -> bytes:
    """Return data as one chunk of HTTP's chunked transfer encoding."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


ONE = framed(event(WORD))
END = framed(event(None, "stop")) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
STAMP = "0000000000.000000"
STAMPED = framed(event(f"{STAMP} "))


def word_of(path: str) -> str:
    """Return a text as long as each delta of an answer."""
    return f"{STAMP} " if "/paced" in path else WORD


def event_bytes(path: str) -> int:
    """Return the size of an answer's events; the last two are smaller than one together."""
    return len(event(word_of(path)))


class Pacer(threading.Thread):
    """Sends every paced stream's next event when it is due."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._due: list[tuple[float, int, socket.socket, int, float, threading.Event]] = []
        self._changed = threading.Condition()
        self._order = itertools.count()
        self.links = 0

    def serve(self, link: socket.socket, deltas: int, gap: float) -> None:
        """Stream an answer; returns when it is over."""
        over = threading.Event()
        with self._changed:
            first = time.monotonic() + gap
            heapq.heappush(self._due, (first, next(self._order), link, deltas, gap, over))
            self._changed.notify()
        over.wait()

    def run(self) -> None:
        """Send what is due, for ever."""
        due = self._due
        while True:
            with self._changed:
                while not due or due[0][0] > time.monotonic():
                    self._changed.wait(due[0][0] - time.monotonic() if due else None)
                when, order, link, left, gap, over = heapq.heappop(due)
            try:
                if left:
                    now = f"{time.monotonic():017.6f}".encode()
                    link.send(STAMPED.replace(STAMP.encode(), now))
                else:
                    link.send(END)
            except OSError:
                left = 0
            if left:
                with self._changed:
                    heapq.heappush(due, (when + gap, order, link, left - 1, gap, over))
            else:
                over.set()


def answer(link: socket.socket, path: str, body: bytes, pacer: Pacer) -> bool:
    """Answer one request; return whether the connection is still good."""
    kind, *numbers = path.split("/")[1].split("-")
    if kind == "links":
        said = str(pacer.links).encode()
        link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
        return True
    deltas = int(numbers[0])
    link.sendall(HEAD)
    if kind == "cut":
        return break_off(link, deltas, again=b'"assistant"' in body)
    if kind == "paced":
        pacer.serve(link, deltas, int(numbers[1]) / 1000)
        return True
    if kind == "joined":
        for _ in range(deltas // JOINED):
            link.sendall(ONE * JOINED)
    else:
        for _ in range(deltas):
            link.sendall(ONE)
    link.sendall(END)
    return True


def break_off(link: socket.socket, deltas: int, *, again: bool) -> bool:
    """Send an answer that is cut, or the rest of it."""
    for number in range(deltas - REPEATED if again else 0, deltas * (1 + again)):
        link.sendall(framed(event(f"w{number:04} ")))
    if again:
        link.sendall(END)
        return True
    time.sleep(RESET_AFTER)  # a reset overtakes what is still under way
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return False


def converse(link: socket.socket, context: ssl.SSLContext | None, pacer: Pacer) -> None:
    """Serve a connection until it closes."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with context.wrap_socket(link, server_side=True) if context else link as stream:
            while (request := read_request(stream)) and answer(stream, *request, pacer):
                pass
    except OSError:
        pass  # the client left


def read_request(link: socket.socket) -> tuple[str, bytes] | None:
    """Return a request's path and body; None when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = link.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    while len(body) < length:
        body += link.recv(65536)
    return head.split(b" ", 2)[1].decode(), body


def serve(certificate: str | None = None, key: str | None = None) -> None:
    """Serve for ever; the port is printed."""
    threading.stack_size(256 * 1024)
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    pacer = Pacer()
    pacer.start()
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            link, _ = listener.accept()
            pacer.links += 1
            threading.Thread(target=converse, args=(link, context, pacer), daemon=True).start()


@contextmanager
def running(*tls: str) -> Iterator[int]:
    """Run a server in a process of its own; yields its port.

    Args:
        *tls: Files of a certificate and its key, to serve HTTPS.
    """
    command = [sys.executable, str(Path(__file__)), *tls]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    serve(*sys.argv[1:])
