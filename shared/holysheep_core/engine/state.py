"""The states of a call, and which may follow which.

=========  =====================================  ==============================================
state      `Session.next_action` gives            left by
=========  =====================================  ==============================================
SCHEDULED  Wait until due, then Admit or Send     sending, asking for admission, a spend limit
ASKING     (not to be called)                     `receive_admission`, `receive_refusal`
ADMITTED   Send                                   sending
SENT       (not to be called)                     a response, an error
READING    (not to be called)                     the end of the body, an error, enough was read
FINISHED   Finish                                 -
FAILED     raises the error                       -
CLOSED     (not to be called)                     -
=========  =====================================  ==============================================
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class State(Enum):
    """Where a call stands."""

    SCHEDULED = auto()
    """The next request is prepared; it is sent when it is due."""
    ASKING = auto()
    """Admission control was asked whether the request may go out."""
    ADMITTED = auto()
    """It may."""
    SENT = auto()
    """The request is out; no response has begun."""
    READING = auto()
    """The body of a response is read."""
    FINISHED = auto()
    """The answer is whole."""
    FAILED = auto()
    """The call ended with an error."""
    CLOSED = auto()
    """The reader went away."""


MOVES: Mapping[State, frozenset[State]] = {
    State.SCHEDULED: frozenset(
        (State.SCHEDULED, State.ASKING, State.SENT, State.FAILED, State.CLOSED)
    ),
    State.ASKING: frozenset((State.ADMITTED, State.SCHEDULED, State.FAILED, State.CLOSED)),
    State.ADMITTED: frozenset((State.SENT, State.SCHEDULED, State.FAILED, State.CLOSED)),
    State.SENT: frozenset((State.READING, State.SCHEDULED, State.FAILED, State.CLOSED)),
    State.READING: frozenset((State.SCHEDULED, State.FINISHED, State.FAILED, State.CLOSED)),
    State.FINISHED: frozenset(),
    State.FAILED: frozenset(),
    State.CLOSED: frozenset(),
}
"""What may follow each state."""


class SessionStateError(RuntimeError):
    """A driver called a method that the session's state does not allow: a bug of the driver."""
