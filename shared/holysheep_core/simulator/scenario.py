"""What the simulator is told to do: what to say, how to break, how to go on after a cut."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Manner = Callable[[str, int, str], str]
"""(whole text, characters the client has, words it asked to repeat) -> the continuation."""


def _last_words(text: str, at: int) -> str:
    words = re.findall(r"\S+\s*", text[:at])
    return "".join(words[-3:])


MANNERS: Mapping[str, Manner] = {
    "exact": lambda text, at, _: text[at:],
    "obedient": lambda text, at, anchor: anchor + text[at:],
    "repeat": lambda text, at, _: _last_words(text, at) + text[at:],
    "restart": lambda text, _at, _anchor: text,
    "preamble": lambda text, at, anchor: (
        "Sure, continuing where I left off:\n\n" + anchor + text[at:]
    ),
    "different": lambda _text, _at, _anchor: "Let me answer that in quite another way. No.",
}
"""How the model goes on when it is asked to: "obedient" repeats the words it was asked to
repeat, "repeat" its last three words, "restart" everything; "different" gives another answer."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, in one or more responses.

    Attributes:
        kind: What happens; see the functions below.
        at: After that many characters of this response's content (text, reasoning and tool
            arguments alike).
        times: How many requests it hits; None for all.
        model: Only requests for this model.
        by: For a cut: "rst", "fin" (no proper end of the chunked body) or "eof" (a proper
            end, but neither finish_reason nor [DONE]).
        seconds: For a stall or a slow start.
        keepalive: For a stall: send comments meanwhile.
        status: For a refusal or another body.
        headers: Likewise.
        body: Likewise; for an error event, its JSON.
    """

    kind: Literal["cut", "stall", "error_event", "malformed", "slow", "reply"]
    at: int = 0
    times: int | None = 1
    model: str | None = None
    by: Literal["rst", "fin", "eof"] = "rst"
    seconds: float = 0.0
    keepalive: bool = False
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def cut(
    at: int,
    by: Literal["rst", "fin", "eof"] = "rst",
    *,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """The connection ends after `at` characters."""
    return Fault("cut", at=at, by=by, times=times, model=model)


def stall(
    at: int,
    seconds: float = 3600.0,
    *,
    keepalive: bool = False,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """No content for `seconds` after `at` characters; with comments if `keepalive`."""
    return Fault("stall", at=at, seconds=seconds, keepalive=keepalive, times=times, model=model)


def error_event(
    at: int,
    error: Mapping[str, Any] | str | None = None,
    *,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """An error event after `at` characters, then a clean end."""
    error = {"message": "upstream failed", "type": "server_error"} if error is None else error
    body = msgspec.json.encode({"error": error})
    return Fault("error_event", at=at, body=body, times=times, model=model)


def malformed(
    at: int, body: bytes = b'{"id":"chatcmpl-1","choices":[{"del', *, times: int | None = 1
) -> Fault:
    """The event after `at` characters is sent damaged; its text is lost."""
    return Fault("malformed", at=at, body=body, times=times)


def slow(seconds: float, *, times: int | None = 1, model: str | None = None) -> Fault:
    """The first token takes that long; headers come at once."""
    return Fault("slow", seconds=seconds, times=times, model=model)


def reply(
    status: int,
    body: bytes | str,
    headers: Mapping[str, str] | None = None,
    *,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """Any status with any body."""
    raw = body.encode() if isinstance(body, str) else body
    return Fault(
        "reply", status=status, body=raw, headers=dict(headers or {}), times=times, model=model
    )


def refuse(
    status: int,
    *,
    retry_after: float | str | None = None,
    code: str | None = None,
    type: str | None = None,  # noqa: A002 - the wire's name
    message: str = "refused by the simulator",
    headers: Mapping[str, str] | None = None,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """An error status with an OpenAI-style body and perhaps a `Retry-After`."""
    body = msgspec.json.encode(
        {"error": {"message": message, "type": type, "param": None, "code": code}}
    )
    given = {"content-type": "application/json", **(headers or {})}
    if retry_after is not None:
        given["retry-after"] = str(retry_after)
    return reply(status, body, given, times=times, model=model)


@dataclass(frozen=True)
class Scenario:
    """What a conversation with the simulator is like.

    Attributes:
        text: The answer. None lets the simulator make one up that fits the request, calling
            tools and filling schemas as it is asked to.
        tool_calls: (name, arguments as JSON text) after the text.
        reasoning: Reasoning before the text.
        faults: What goes wrong; a request takes the first one that fits it.
        manner: How a cut answer is continued; a name in `MANNERS`, or a function.
        piece: Characters per delta.
        split: Bytes per write, or None for one write per event.
        delay: Seconds between events.
        finish_reason: The reason at the end; None leaves it out.
        done: Whether `[DONE]` is sent.
        prefill: What the model does with a conversation that ends with the assistant's message:
            goes on with it, says it again first, or rejects it with a 400.
    """

    text: str | None = None
    tool_calls: Sequence[tuple[str, str]] = ()
    reasoning: str = ""
    faults: Sequence[Fault] = ()
    manner: str | Manner = "obedient"
    piece: int = 4
    split: int | None = None
    delay: float = 0.0
    finish_reason: str | None = "stop"
    done: bool = True
    prefill: Literal["accept", "echo", "reject"] = "accept"

    def go_on(self, at: int, anchor: str) -> str:
        """Return what the model says when asked to go on after `at` characters."""
        manner = MANNERS[self.manner] if isinstance(self.manner, str) else self.manner
        return manner(self.text or "", at, anchor)


@dataclass
class Record:
    """One request the simulator got.

    Attributes:
        body: The request's JSON.
        headers: Its headers, names in lower case.
        at: When it came, on the monotonic clock.
        fault: The fault it was given, if any.
        client_gone: The client closed the connection before the response was complete.
        gone_at: When that was noticed.
    """

    body: dict[str, Any]
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)
    fault: Fault | None = None
    client_gone: bool = False
    gone_at: float | None = None


class Script:
    """A scenario at work, under an address of its own.

    Attributes:
        base_url: The address, for a model or client.
        requests: A `Record` of each request that came, with its `body` and `headers`.
    """

    def __init__(self, scenario: Scenario, base_url: str) -> None:
        self.scenario = scenario
        self.base_url = base_url
        self.requests: list[Record] = []
        self._left = [fault.times for fault in scenario.faults]
        self._lock = threading.Lock()

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> Record:
        """Note a request and choose the fault it gets."""
        record = Record(body, headers)
        with self._lock:
            self.requests.append(record)
            for i, fault in enumerate(self.scenario.faults):
                left = self._left[i]
                if left == 0 or fault.model not in (None, body.get("model")):
                    continue
                if left is not None:
                    self._left[i] = left - 1
                record.fault = fault
                break
        return record
