"""Who watches calls: logs, totals, traces. What is written about is in `types` and `events`."""

from __future__ import annotations

from holysheep_core.events import Event
from holysheep_core.types import CallRecord, ChatRequest


class Observer:
    """Is told of every call of the clients it is given to; override what you need.

    Methods are called where the call runs, a few times per request and never per token: be
    quick. What a method raises is logged and does not end the call. One observer may be given
    to many clients and be called for many calls at the same time, from any thread.
    """

    def call_began(self, call_id: str, request: ChatRequest) -> None:
        """A call begins; nothing has been sent."""

    def happened(self, event: Event) -> None:
        """Something happened in a call, or (with `call_id` "") to a gateway."""

    def call_ended(self, record: CallRecord, answer: str) -> None:
        """A call is over; `answer` is the text the reader was given."""

    def close(self) -> None:
        """Flush what is not written or sent yet."""
