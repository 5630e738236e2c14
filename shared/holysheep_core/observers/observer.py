"""The base class of observers: logs, totals, traces. `types` and `events` have what they get."""

from __future__ import annotations

from holysheep_core.events import Event
from holysheep_core.types import CallRecord, ChatRequest


class Observer:
    """Notified of every call of the clients it is given to; override what you need.

    Methods are called where the call runs, a few times per request and never per token: be
    quick. An exception of a method is logged and does not end the call. One observer may be given
    to many clients, and is then called for many calls at the same time, from any thread.
    """

    def call_began(self, call_id: str, request: ChatRequest) -> None:
        """A call starts; nothing has been sent."""

    def happened(self, event: Event) -> None:
        """Something happened in a call, or (with `call_id` "") to a gateway."""

    def call_ended(self, record: CallRecord, answer: str) -> None:
        """A call has ended; `answer` is the text that was shown."""

    def close(self) -> None:
        """Write or send what is still buffered."""
