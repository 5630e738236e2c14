"""What both races need: who has content, and within which limits the two requests run."""

from __future__ import annotations

from collections.abc import Mapping

from holysheep_core.engine.session import Session
from holysheep_core.protocol.response import ResponseDecoder

POLL = 0.25
"""Seconds within which a request that lost is closed."""


class FirstContent:
    """Looks for the first content of a response.

    Args:
        status: Its status.
        headers: Its headers, names in lower case.

    Raises:
        InvalidResponseError: The body cannot be read.
    """

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self._decoder = ResponseDecoder()
        self._decoder.receive_response(status, headers)

    def is_in(self, data: bytes) -> bool:
        """Take bytes of the body; tell whether there is content by now.

        Raises:
            HolySheepError: This is no chat completion.
        """
        self._decoder.receive_data(data)
        return self._decoder.has_content


class Racer:
    """The time limits of one of two requests; those of the call, once it has won.

    Args:
        session: The call.
        later: Seconds after the first request that this one was sent.

    Attributes:
        won: It has content first.
        lost: The other one has; the next look at `deadline` ends a read.
    """

    heartbeat = POLL

    def __init__(self, session: Session, later: float = 0.0) -> None:
        self._session = session
        self._later = later
        self.won = self.lost = False

    @property
    def deadline(self) -> float | None:
        """When the answer is late, on the drivers' clock; None for never."""
        if self.lost:
            return 0.0
        deadline = self._session.deadline
        return deadline if self.won or deadline is None else deadline + self._later

    @property
    def first_connect(self) -> float | None:
        """Seconds for TCP to an address that has not answered yet; None for the usual limit."""
        return self._session.first_connect

    @property
    def end(self) -> float | None:
        """When the total time of the call ends, on the drivers' clock; None for never."""
        return self._session.end

    def receive_upload(self, now: float) -> None:
        """The request was sent to its end."""
        if self.won:
            self._session.receive_upload(now)

    def receive_silence(self, now: float) -> None:
        """Nothing came for a while."""
        if self.won:
            self._session.receive_silence(now)
