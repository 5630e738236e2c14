"""Server-sent events, from bytes.

The rules are those of the WHATWG HTML standard, section 9.2.6: lines end in CR, LF or CRLF;
a byte order mark at the very start is dropped; a line that begins with a colon is a comment;
`data` lines of one event are joined by a newline; a blank line ends the event, and an event
without data is none. Bytes may be split anywhere, inside a CRLF or a character too, since a
line is only decoded once it is whole.

Not `str.splitlines`, nor `httpx.Response.iter_lines`: they end lines at U+2028 and friends,
which are legal inside JSON strings, and so cut events in two.

One addition: what stands in the buffer when the body ends is no event by the standard, but
some servers leave out the last blank line. `flush` offers it apart; the caller knows whether
a body that ended there was whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from holysheep_core.errors import InvalidResponseError

DEFAULT_MAX_EVENT_BYTES = 64 * 1024 * 1024
"""Largest event accepted. Real deltas have a few hundred bytes; a large image in base64 fits."""


class ErrorData(bytes):
    """The data of an event whose type is "error"."""


_BOM = b"\xef\xbb\xbf"
_INDENTED = (b" ", b"\t", b"}", b"]", b'"')
"""How lines of an indented object begin, and no field does."""
_LINE_COST = 64
"""What a further line of data costs beside its bytes, so that millions of short ones are capped."""


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event.

    Attributes:
        data: The joined `data` lines, as bytes (JSON decoders like them best).
        event: The event's type, "message" unless the server said otherwise.
        id: The last `id` seen, "" if none.
        retry: The reconnection time of this event in milliseconds, or None.
    """

    data: bytes
    event: str = "message"
    id: str = ""
    retry: int | None = None


class SSEDecoder:
    r"""Turn pieces of a body into events.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b'data: {"a"')
    []
    >>> [event.data for event in decoder.feed(b':1}\r\n\r\n')]
    [b'{"a":1}']

    Args:
        max_event_bytes: Cap on one event, its field names included. Beyond it `feed` raises
            `InvalidResponseError` rather than fill the memory.
        bare_json: Read what servers of JSON write beside the standard: a line that begins with
            "{" is an event, as some gateways write errors; so is "error: {…}", as llama.cpp does;
            "data: {…}" behind a whole object begins the next event, where the blank line between
            them is missing; and lines of an indented object belong to it.
    """

    def __init__(
        self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES, *, bare_json: bool = False
    ) -> None:
        self._max = max_event_bytes
        self._bare_json = bare_json
        self._tail = bytearray()  # an unfinished line
        self._after_cr = False  # the last byte was a CR: a LF right after it belongs to it
        self._at_start = True
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._late_name = ""  # a type that came behind data, so it may be the next event's
        self._id = ""
        self._retry: int | None = None
        self.events_seen = 0

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events they complete, in order."""
        events: list[ServerSentEvent] = []
        for line in self._lines(data):
            if self._data and self._bare_json and self._dispatch_at(line, events):
                continue
            if line[:6] == b"data: ":
                self._take_data(line[6:], len(line))
            elif self._bare_json and line[:1] == b"{" and not self._data:
                # JSON without "data:": some gateways write errors so, after comments.
                self._take_data(line, len(line))
                if line != b"{":  # the first line of an indented object
                    events.append(self._dispatch())
            elif line:
                self._take_line(line)
            elif self._data:
                events.append(self._dispatch())
            else:
                self._event, self._retry, self._size = "", None, 0
        self._check_size(len(self._tail))
        return events

    def _lines(self, data: bytes) -> list[bytes]:
        """Return the lines that the next bytes complete, without their ends."""
        if self._after_cr or b"\r" in data:
            data = self._with_plain_line_ends(data)
        if b"\n" not in data:
            self._tail += data
            return []
        if self._tail:
            data = bytes(self._tail) + data
            self._tail.clear()
        if self._at_start:
            self._at_start = False
            data = data.removeprefix(_BOM)
        lines = data.split(b"\n")
        self._tail += lines.pop()
        return lines

    def payloads(self, data: bytes) -> list[bytes]:
        """Like `feed`, for who wants nothing of the events but their data.

        Nearly every read of a stream is whole events of one data line each; they need no more
        than a split.
        """
        whole = data[:6] == b"data: " and data[-2:] == b"\n\n" and len(data) <= self._max
        if whole and not (self._tail or self._size or self._after_cr or b"\r" in data):
            found = data[6:-2].split(b"\n\ndata: ")
            if data.count(b"\n") == 2 * len(found):  # no line but those
                self._at_start = False
                self.events_seen += len(found)
                return found
        return [_payload(event) for event in self.feed(data)]

    @property
    def pending(self) -> int:
        """Bytes of data of an event that is not complete yet."""
        begun = self._tail[:4] == b"data" or self._tail[:1] == b"{"
        return self._size + (len(self._tail) if begun else 0)

    def flush(self) -> list[ServerSentEvent]:
        """Offer what an ended body left unfinished: an event, or two without a line between."""
        line = bytes(self._tail.removeprefix(_BOM) if self._at_start else self._tail)
        self._tail.clear()
        events: list[ServerSentEvent] = []
        if self._data and self._bare_json and self._dispatch_at(line, events):
            return events
        if self._bare_json and line[:1] == b"{" and not self._data:
            self._take_data(line, len(line))
        elif line:
            self._take_line(line)
        return [*events, self._dispatch()] if self._data else events

    def _with_plain_line_ends(self, data: bytes) -> bytes:
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        self._after_cr = self._after_cr or data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take_line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not name:  # a comment: it neither grows nor belongs to an event
            return
        if name == b"data":
            self._take_data(value, len(line))
            return
        if self._bare_json and self._is_json_line(line, name, value):
            self._take_data(value if name == b"error" else line, len(line))
            return
        self._size += len(line)
        if name == b"event" and self._data:
            self._late_name = value.decode(errors="replace")
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif name == b"retry" and value.isdigit():
            # Ten digits are 115 days; more is no wait, and `int` of a huge one is slow.
            self._retry = int(value[:10])

    def _begins_next(self, line: bytes) -> bool:
        """Tell whether a line begins another event, though no blank line has ended this one.

        In one JSON value no line that ends in "}" is followed by one that begins with "{".
        """
        if self._data[-1].rstrip()[-1:] != b"}":
            return False
        name, _, value = line.partition(b":")
        begun = value.lstrip() if name in (b"data", b"error") else line
        return begun.startswith((b"{", b"[DONE]"))

    def _is_json_line(self, line: bytes, name: bytes, value: bytes) -> bool:
        """Tell whether a line that is no field of the standard is JSON all the same."""
        if name == b"error" and value[:1] == b"{" and not self._data:
            self._event = "error"
            return True
        return bool(self._data) and self._data[0][:1] == b"{" and line[:1] in _INDENTED

    def _take_data(self, value: bytes, length: int) -> None:
        self._size += length + (_LINE_COST if self._data else 0)
        self._check_size(0)
        self._data.append(value)

    def _dispatch_at(self, line: bytes, events: list[ServerSentEvent]) -> bool:
        """Dispatch an event that no blank line ended, if this line begins the next one.

        Returns:
            Whether that is `[DONE]`, which is dispatched as well: nothing comes to end it.
        """
        if not self._begins_next(line):
            return False
        name, self._late_name = self._late_name, ""
        events.append(self._dispatch())
        self._event = name
        if line[:1] == b"{" or not line.endswith(b"[DONE]"):
            return False
        self._take_line(line)
        events.append(self._dispatch())
        return True

    def _dispatch(self) -> ServerSentEvent:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        name = self._late_name or self._event or "message"
        event = ServerSentEvent(data, name, self._id, self._retry)
        self._data.clear()
        self._event = self._late_name = ""
        self._retry, self._size = None, 0
        self.events_seen += 1
        return event

    def _check_size(self, pending: int) -> None:
        if self._size + pending > self._max:
            raise InvalidResponseError(
                f"The server sent an event of more than {self._max:,} bytes. "
                "Is the base URL that of a chat/completions API?"
            )


def _payload(event: ServerSentEvent) -> bytes:
    return ErrorData(event.data) if event.event.lower() == "error" else event.data


def server_sent_events(
    chunks: Iterable[bytes], *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
) -> Iterator[ServerSentEvent]:
    """Decode a whole body, piece by piece.

    Args:
        chunks: The body's bytes, split anywhere.
        max_event_bytes: Cap on one event.

    Yields:
        Events in order; an event without its closing blank line is not one.

    Raises:
        InvalidResponseError: An event exceeds the cap.
    """
    decoder = SSEDecoder(max_event_bytes)
    for chunk in chunks:
        yield from decoder.feed(chunk)
