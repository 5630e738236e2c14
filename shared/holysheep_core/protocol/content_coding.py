"""Bodies that a server compressed unasked, opened a little at a time.

A read of 64 KiB may hold 64 MiB of zeros, and gzip inside gzip a thousand times that: httpx
opens all of it at once, before anybody can count it. Here it comes in pieces of a bounded size,
so that the caps on an event and on a body hold as they do for any other answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 64 * 1024
_EITHER = 32 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"  # a gzip member begins with it
CODINGS = ("gzip", "x-gzip", "deflate")
"""What is opened, and but once: none of it was asked for."""


class Inflater:
    r"""Opens one body.

    >>> pieces = Inflater().feed(zlib.compress(b"\0" * 100_000))
    >>> [len(piece) for piece in pieces]
    [65536, 34464]
    """

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_EITHER)
        self._begun = b""  # of the next member's magic number
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes and yield what is in them, in pieces.

        A gzip body may have many members, one for each event, say (RFC 1952, section 2.2).

        Raises:
            zlib.error: They are damaged.
        """
        while data and not self._over:
            if self._zlib.eof:
                data, self._begun = self._begun + data, b""
                if len(data) < len(_MAGIC) and _MAGIC.startswith(data):
                    self._begun = data
                    return
                self._over = not data.startswith(_MAGIC)
                self._zlib = zlib.decompressobj(_EITHER)
            full = not self._over
            while full:
                piece = self._zlib.decompress(data, PIECE)
                data, full = self._zlib.unconsumed_tail, len(piece) == PIECE
                if piece:
                    yield piece
            data = self._zlib.unused_data
