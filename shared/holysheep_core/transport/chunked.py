r"""HTTP's chunked bodies, read past h11.

A server that streams sends each event as a chunk of HTTP's chunked transfer encoding, and for
each of them h11, which httpx parses with, takes a turn of its state machine, and httpx and httpcore
a chain of generators: most of what a token cost the engine, and more where a program sleeps
between tokens and wakes with cold caches. So the plain middle of an answer takes a way of its own:
h11 gets the head, the engine gets what is in the chunks, and h11 gets the end, from the first byte
of the last chunk on. To h11 it looks like an answer without a body.

h11 remains the judge of everything. Only what is plainly well formed is taken: a 200 of
HTTP/1.1 whose only transfer coding is `chunked`, and in it sizes without extensions. From the first
byte that is anything else, the rest of the answer is h11's. Bytes of a chunk are never held
back, only half a line that says how long one will be.
"""

from __future__ import annotations

import re

_MAX_HEAD = 64 * 1024
_EOL = b"\r\n"
_BLANK = _EOL + _EOL
_size_line = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
_half_size_line = re.compile(rb"[0-9A-Fa-f]{0,8}\r?").fullmatch


class Dechunker:
    r"""What is in the chunks of the answers on one connection.

    >>> chunks = Dechunker()
    >>> chunks.take_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyan\r\n")
    b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
    >>> chunks.take(b"4\r\ngyan\r\n0\r\n\r\n"), chunks.rest, chunks.plain
    (b'yangyan', b'0\r\n\r\n', False)

    Attributes:
        in_head: The head of an answer is what comes next.
        plain: What comes next is a body that can be taken here.
        rest: Bytes that nobody has had yet.
    """

    def __init__(self) -> None:
        self.request_sent()

    def request_sent(self) -> None:
        """A request goes out: what comes next is the head of an answer."""
        self.in_head, self.plain = True, False
        self.rest = b""
        self._head = b""
        self._left = 0  # bytes of the chunk at hand that have not come, its line end not among them
        self._after_chunk = False  # a line end comes next

    def take_head(self, data: bytes) -> bytes:
        """Take the bytes of a read, at least one; return those that h11 must see."""
        seen = self._head + data
        head, blank, body = seen.partition(_BLANK)
        if not blank and len(seen) <= _MAX_HEAD:
            self._head = seen
            return data
        self.in_head, self._head = False, b""
        self.plain = bool(blank) and _is_chunked(head)
        if not self.plain:
            return data
        self.rest = body
        return data[: len(data) - len(body)]

    def take(self, data: bytes) -> bytes:
        """Take the bytes of a read of a plain body; return the content of its chunks."""
        if self.rest:
            data, self.rest = self.rest + data, b""
        at, size = 0, len(data)
        whole: list[bytes] = []
        while at < size:
            if self._left:
                piece = data[at : at + self._left]
                whole.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._after_chunk = not self._left
            elif self._after_chunk:
                end = data[at : at + 2]
                if end == _EOL:
                    self._after_chunk = False
                    at += 2
                elif end == b"\r":
                    break
                else:  # for h11, which waits for a size, to stumble over
                    self.plain, self.rest = False, b"no end of a chunk" + data[at:]
                    return b"".join(whole)
            else:
                line = _size_line(data, at)
                if line is None or not (left := int(line[1], 16)):
                    # The last chunk, and trailers and what they mean, are h11's.
                    self.plain = line is None and bool(_half_size_line(data, at))
                    break
                self._left = left
                at = line.end()
        self.rest = data[at:]
        return b"".join(whole)


def _is_chunked(head: bytes) -> bool:
    lines = head.lower().split(_EOL)
    codings = [line for line in lines if line.startswith(b"transfer-encoding")]
    return lines[0].startswith(b"http/1.1 200") and codings == [b"transfer-encoding: chunked"]
