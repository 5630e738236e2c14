"""A time limit for reads that moves while a response is read.

The stall limit counts content, so the time a read may take changes from read to read, while
httpx takes one number per request. `Deadline` closes that gap: a float that httpx hands down
untouched to the network stream, where `streams.Stream` asks it how long is left at each read,
and tells it when nothing came for a while, so that a silent call can report that it is alive.
A client of the user's own, whose streams are not ours, sees the plain float and applies it to
every read; the session then notices lateness whenever bytes arrive, at worst one read later.
"""

from __future__ import annotations

from typing import Protocol

import httpcore

from holysheep_core.clock import clock

_MIN_TIMEOUT = 0.001
_FOREVER = 10.0 * 365 * 24 * 3600


class Call(Protocol):
    """What a deadline needs to know of a call; the engine's session is one."""

    @property
    def deadline(self) -> float | None:
        """When the answer is late, on the drivers' clock; None for never."""

    @property
    def heartbeat(self) -> float:
        """Seconds without bytes after which the call wants to know."""

    @property
    def first_connect(self) -> float | None:
        """Seconds for TCP to an address that has not answered yet; None for the usual limit."""

    @property
    def end(self) -> float | None:
        """When the total time of the call ends, on the drivers' clock; None for never."""

    def receive_upload(self, now: float) -> None:
        """The request was sent to its end."""

    def receive_silence(self, now: float) -> None:
        """Nothing came for a while; the deadline has not passed."""


class Deadline(float):
    """Seconds a read may take at most, which shrink as the call's deadline comes nearer."""

    _call: Call
    _heartbeat: float
    _was_late: bool

    def __new__(cls, call: Call) -> Deadline:
        """Make one; as a number, it is what a network stream that is not ours sees."""
        self = super().__new__(cls, time_left(call))
        self._call = call
        self._heartbeat = call.heartbeat
        self._was_late = False
        return self

    def sent(self) -> None:
        """The request was sent to its end: the time for its answer begins."""
        self._call.receive_upload(clock())

    def slice(self) -> float:
        """Return the seconds to read before `is_over` is worth asking.

        Raises:
            httpcore.ReadTimeout: Time was up at the last read already, and what that returned
                never came to the session: 1xx responses, say, without end. Their flow alone
                would keep httpcore reading for ever.
        """
        left = time_left(self._call)
        late = left <= _MIN_TIMEOUT
        if late and self._was_late:
            raise httpcore.ReadTimeout("Bytes came, but no answer.")
        self._was_late = late
        return min(left, self._heartbeat)

    def is_over(self) -> bool:
        """Tell, after a slice without bytes, whether time is up; if not, tell the session."""
        if time_left(self._call) <= _MIN_TIMEOUT:
            return True
        self._call.receive_silence(clock())
        return False


class UploadLimit(float):
    """Seconds in which a piece of a request must be sent; fewer where the call's total is less."""

    _end: float | None

    def __new__(cls, seconds: float | None, call: Call) -> UploadLimit:
        """Make one; as a number, it is what a network stream that is not ours sees."""
        self = super().__new__(cls, _FOREVER if seconds is None else seconds)
        self._end = call.end
        return self

    def slice(self) -> float:
        """Return the seconds for the next piece."""
        end = self._end
        return +self if end is None else max(_MIN_TIMEOUT, min(+self, end - clock()))


class ConnectLimit(float):
    """Seconds to connect: the name service, TCP and TLS.

    Attributes:
        tcp: Seconds for TCP, to each address; infinite for no limit of its own.
    """

    tcp: float

    def __new__(cls, seconds: float, tcp: float | None) -> ConnectLimit:
        """Make one; as a number, it is what a network backend that is not ours sees."""
        self = super().__new__(cls, seconds)
        self.tcp = float("inf") if tcp is None else tcp
        return self


def time_left(call: Call) -> float:
    """Return the seconds until the call's deadline."""
    deadline = call.deadline
    return _FOREVER if deadline is None else max(_MIN_TIMEOUT, deadline - clock())
