r"""HTTP chunks that arrived in one read, joined into one.

A server that streams sends each event as a chunk of HTTP's chunked transfer encoding. How a body
is divided into chunks means nothing (RFC 9112, section 7.1), but h11, which httpx parses with,
takes a turn of its state machine and httpx a chain of generators for each: most of what a streamed
token costs a program that lags behind its server. Whole chunks that stand side by side in what
one read of the socket brought are therefore made one here, before h11 sees them.

h11 remains the judge of everything. Only what is plainly well formed is touched: a 200 of
HTTP/1.1 whose only transfer coding is `chunked`, and in it sizes without extensions. From the first
byte that is anything else, the rest of the answer passes as it came, and bytes of a chunk are
never held back, only half a line that says how long one will be.
"""

from __future__ import annotations

import re

_MAX_HEAD = 64 * 1024
_EOL = b"\r\n"
_BLANK = _EOL + _EOL
_size_line = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
_half_size_line = re.compile(rb"[0-9A-Fa-f]{0,8}\r?").fullmatch


class ChunkJoiner:
    r"""Joins the chunks of the answers on one connection.

    >>> joiner = ChunkJoiner()
    >>> head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    >>> joiner.feed(head) == head
    True
    >>> joiner.feed(b"3\r\nyan\r\n4\r\ngyan\r\n")
    b'7\r\nyangyan\r\n'
    """

    def __init__(self) -> None:
        self.request_sent()

    def request_sent(self) -> None:
        """A request goes out: what comes next is the head of an answer."""
        self._head: bytes | None = b""  # of the answer, as far as it came; None after it
        self._joins = False
        self._left = 0  # bytes of the chunk at hand that have not come, its line end included
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take what a read brought, at least a byte; return what to hand on (b"": read on)."""
        if self._head is not None:
            return self._take_head(self._head + data, len(data))
        if not self._joins:
            return data
        data, self._held = self._held + data, b""
        return self._join(data)

    def flush(self) -> bytes:
        """Return what is held back, since nothing follows it."""
        held, self._held = self._held, b""
        return held

    def _take_head(self, seen: bytes, new: int) -> bytes:
        head, blank, body = seen.partition(_BLANK)
        if not blank and len(seen) <= _MAX_HEAD:
            self._head = seen
            return seen[-new:]
        self._head = None
        self._joins = bool(blank) and _is_chunked(head)
        if not self._joins:
            return seen[-new:]
        return seen[len(seen) - new : len(seen) - len(body)] + self._join(body)

    def _join(self, data: bytes) -> bytes:
        at = first = self._left
        if at >= len(data):
            self._left -= len(data)
            return data
        self._left = 0
        whole: list[bytes] = []
        size = len(data)
        while at < size:
            line = _size_line(data, at)
            if line is None:
                if _half_size_line(data, at):
                    self._held = data[at:]
                    data = data[:at]
                else:
                    self._joins = False
                break
            start = line.end()
            end = start + int(line[1], 16)
            if end == start:  # the last chunk; trailers and what they mean are h11's
                self._joins = False
                break
            after = end + len(_EOL)
            if after > size:
                self._left = after - size
                break
            if data[end:after] != _EOL:
                self._joins = False
                break
            whole.append(data[start:end])
            at = after
        if not whole[1:]:
            return data
        body = b"".join(whole)
        return b"%b%x\r\n%b\r\n%b" % (data[:first], len(body), body, data[at:])


def _is_chunked(head: bytes) -> bool:
    lines = head.lower().split(b"\r\n")
    codings = [line for line in lines if line.startswith(b"transfer-encoding")]
    return lines[0].startswith(b"http/1.1 200") and codings == [b"transfer-encoding: chunked"]
