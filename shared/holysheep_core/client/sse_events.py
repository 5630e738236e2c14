"""Server-sent events: how a delta, an end and an error are written."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from holysheep_core.config.checks import check_number
from holysheep_core.errors import HolySheepError, JournalError
from holysheep_core.types import Completion, Delta, ToolCall, Usage

HEARTBEAT = b":\n\n"
"""A comment: it keeps the connection open through proxies, and shows that a browser has left."""

_LINE_ENDS = {"\u0085": b"\\u0085", "\u2028": b"\\u2028", "\u2029": b"\\u2029"}
# The standard knows no such line ends, but many a parser that is written in Python does.
_ESCAPES = [(char.encode(), escape) for char, escape in _LINE_ENDS.items()]


class Events:
    """The events of one answer.

    Args:
        call_id: Its name; without one, events have no id.
        last_event_id: The id of the last event that the reader has; from the beginning if None.

    Raises:
        JournalError: It is no id of an event of this answer.
    """

    def __init__(self, call_id: str, last_event_id: str | None = None) -> None:
        # A name may have any characters, and a header only some.
        self._name = quote(call_id, safe="")
        self._text = self._reasoning = 0
        self._seen_text, self._seen_reasoning = self._seen(last_event_id or "")

    def _seen(self, last_event_id: str) -> tuple[int, int]:
        if not last_event_id:
            return 0, 0
        found = re.fullmatch(
            re.escape(self._name) + r":([0-9]{1,12})(?:\+([0-9]{1,12}))?", last_event_id
        )
        if found is None:
            raise JournalError(
                "The Last-Event-ID is not one of this answer. Open the page again to read the "
                "answer from its beginning."
            )
        return int(found[1]), int(found[2] or 0)

    def of(self, delta: Delta | Completion) -> bytes:
        """Return the event of a delta or a completion; b"" if the reader has it.

        An empty delta is a heartbeat.

        Raises:
            JournalError: The answer is over, and the reader has more of it than there is.
        """
        if isinstance(delta, Completion):
            if self._seen_text > self._text:
                raise JournalError(
                    f"The Last-Event-ID says that {self._seen_text} characters were read, and the "
                    f"answer has {self._text}."
                )
            return event(done(delta), self.id, "done")
        if not (delta.text or delta.reasoning):
            return HEARTBEAT
        self._text += len(delta.text)
        self._reasoning += len(delta.reasoning)
        text = _end(delta.text, self._text - self._seen_text)
        reasoning = _end(delta.reasoning, self._reasoning - self._seen_reasoning)
        data = {"text": text} if text else {}
        if reasoning:
            data["reasoning"] = reasoning
        return event(data, self.id) if data else b""

    @property
    def id(self) -> str:
        """The id of an event after all that was shown."""
        if not self._name:
            return ""
        return f"{self._name}:{self._text}" + (f"+{self._reasoning}" if self._reasoning else "")


def _end(text: str, length: int) -> str:
    return text[max(0, len(text) - length) :] if length > 0 else ""


def event(data: Any, name: str = "", kind: str = "") -> bytes:
    """Return an event with JSON as its data, which is on one line."""
    encoded = msgspec.json.encode(data)
    for char, escape in _ESCAPES:
        encoded = encoded.replace(char, escape)
    head = (f"event: {kind}\n" if kind else "") + (f"id: {name}\n" if name else "")
    return head.encode() + b"data: " + encoded + b"\n\n"


def hello(retry: float) -> bytes:
    """Return the first bytes of a response: when to ask again."""
    return f"retry: {round(retry * 1000)}\n\n".encode()


def failed(error: HolySheepError, why: str = "") -> bytes:
    """Return the event of an error.

    Args:
        error: The error.
        why: The error that ended the answer, as the journal has it: "Class: message".
    """
    kind, _, message = why.partition(": ")
    data = {"type": kind, "message": message} if why else _plain(error)
    return event(data, kind="error")


def _plain(error: HolySheepError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}


def done(completion: Completion) -> dict[str, Any]:
    """Return what the last event says of an answer."""
    found: dict[str, Any] = {
        "finish_reason": completion.finish_reason,
        "model": completion.model,
        "requested_model": completion.requested_model,
        "usage": usage_of(completion.usage),
        "tool_calls": [call_of(call) for call in completion.tool_calls],
        "resumes": completion.resumes,
        "downgrades": completion.downgrades,
    }
    if completion.refusal:
        found["refusal"] = completion.refusal
    if completion.parts:
        found["parts"] = completion.parts
    return found


def usage_of(usage: Usage) -> dict[str, int]:
    """Return the tokens of an answer."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def call_of(call: ToolCall) -> dict[str, str]:
    """Return a tool call; its arguments are JSON text."""
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def check_times(heartbeat: float, retry: float) -> None:
    """Check the numbers of a response.

    Raises:
        ConfigurationError: One is invalid.
    """
    check_number("heartbeat", heartbeat, minimum=0.01, maximum=86400.0)
    check_number("retry", retry, maximum=86400.0)
