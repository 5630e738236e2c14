"""Where a response ends on a connection, and whether anything lies behind its end. Pure.

A server, or something between, may send more than was asked for: a second response right behind
the first. Whoever uses such a connection again takes it for the answer to the next request, which
may be another user's. httpcore does not look. So a second h11, beside httpcore's, is given the same
bytes; it knows where the message ends, and says what it has left over.
"""

from __future__ import annotations

import h11

_MAX_EVENT = 100 * 1024  # bytes of a head; as in httpcore


class MessageWatch:
    """Follows the responses of one connection.

    Attributes:
        has_head: The head of the response came.
        surplus: Bytes came behind the end of the response.
    """

    def __init__(self) -> None:
        self._judge: h11.Connection | None = None
        self.has_head = False
        self.surplus = False

    @property
    def is_idle(self) -> bool:
        """No request is under way."""
        return self._judge is None

    def sent(self, data: bytes) -> None:
        """Bytes go out: of a new request, if none is under way."""
        if self._judge is not None or not data:
            return
        method = data.partition(b" ")[0]
        if not method.isalpha() or method in (b"CONNECT", b"PRI"):
            return  # words to a proxy, or another protocol
        self.has_head = False
        self._judge = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_EVENT)
        # The method alone decides what a response to it looks like.
        self._judge.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"-")]))
        self._judge.send(h11.EndOfMessage())

    def received(self, data: bytes) -> None:
        """Bytes of a response came; b"" for the end of the connection."""
        judge = self._judge
        if judge is None:
            self.surplus = self.surplus or (self.has_head and bool(data))
            return
        try:
            judge.receive_data(data)
            while (event := judge.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    self.has_head = True
                elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                    self.surplus = bool(judge.trailing_data[0])
                    self._judge = None
                    return
        except h11.RemoteProtocolError:  # httpcore's h11 says so too, and closes
            self._judge = None
