"""The simulator's instructions: the answer, the faults, the continuation of a cut answer."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Manner = Callable[[str, int, str], str]
"""(whole text, characters the client has, words it asks to repeat) -> the continuation."""


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
"""How the model continues a cut answer: "exact" without a repetition, "obedient" repeats the words
of the request, "repeat" its last three words, "restart" everything; "preamble" announces the
continuation, "different" gives another answer."""


@dataclass(frozen=True)
class Fault:
    """A fault in one or more responses.

    Attributes:
        kind: The kind of fault; see the functions below.
        at: Characters of the response's content before the fault (text, reasoning and tool
            arguments).
        times: Number of requests with the fault; None for all.
        every: Of the requests that no earlier fault takes, only each so-manyth.
        model: Only requests for this model; None for all models.
        by: For a cut: "rst" (TCP reset), "fin" (the chunked body does not end) or "eof" (the body
            ends without finish_reason and [DONE]).
        seconds: For a stall or a slow start.
        keepalive: For a stall: send comments during it.
        status: For `reply` and `refuse`.
        headers: For `reply` and `refuse`.
        body: For `reply` and `refuse`; the JSON of an error event.
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
    every: int = 1

    def __str__(self) -> str:
        after = f"after {self.at} characters"
        if self.kind == "reply":
            waiting = self.headers.get("retry-after")
            wait = "" if waiting is None else f", Retry-After {waiting}"
            return f"sent {self.headers.get('content-type', 'a body')}{wait}"
        return {
            "cut": f"cut ({self.by}) {after}",
            "stall": f"stalled {after}",
            "error_event": f"error event {after}",
            "malformed": f"malformed event {after}",
            "slow": f"first token after {self.seconds:g} s",
        }[self.kind]


def cut(
    at: int,
    by: Literal["rst", "fin", "eof"] = "rst",
    *,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """Cut the connection after `at` characters."""
    return Fault("cut", at=at, by=by, times=times, model=model)


def stall(
    at: int,
    seconds: float = 3600.0,
    *,
    keepalive: bool = False,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """Send no content for `seconds` after `at` characters; comments if `keepalive`."""
    return Fault("stall", at=at, seconds=seconds, keepalive=keepalive, times=times, model=model)


def error_event(
    at: int,
    error: Mapping[str, Any] | str | None = None,
    *,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """Send an error event after `at` characters, then end the body."""
    error = {"message": "upstream failed", "type": "server_error"} if error is None else error
    body = msgspec.json.encode({"error": error})
    return Fault("error_event", at=at, body=body, times=times, model=model)


def malformed(
    at: int, body: bytes = b'{"id":"chatcmpl-1","choices":[{"del', *, times: int | None = 1
) -> Fault:
    """Send a malformed event in place of the one after `at` characters."""
    return Fault("malformed", at=at, body=body, times=times)


def slow(seconds: float, *, times: int | None = 1, model: str | None = None) -> Fault:
    """Send headers at once, and the first token after `seconds`."""
    return Fault("slow", seconds=seconds, times=times, model=model)


def reply(
    status: int,
    body: bytes | str,
    headers: Mapping[str, str] | None = None,
    *,
    times: int | None = 1,
    model: str | None = None,
) -> Fault:
    """Send any status with any body in place of the answer."""
    raw = body.encode() if isinstance(body, str) else body
    return Fault(
        "reply", status=status, body=raw, headers=dict(headers or {}), times=times, model=model
    )


_USUAL: Mapping[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", None),
}
"""Status -> OpenAI's type and code of an error."""


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
    """Send an error status with an OpenAI-style body; `Retry-After` if `retry_after` is given.

    Args:
        status: HTTP status, 400 to 599.
        retry_after: Seconds, or a date as text.
        code: The error's code; OpenAI's for this status by default.
        type: The error's type; OpenAI's for this status by default.
        message: The error's message.
        headers: More headers.
        times: How many requests it is for; None for all.
        model: Only requests for this model.
    """
    usual_type, usual_code = _USUAL.get(status, (None, None))
    # A code of another kind of refusal, such as "insufficient_quota", has another type.
    if type is None and code in (None, usual_code):
        type, code = usual_type, usual_code  # noqa: A001 - the wire's name
    body = msgspec.json.encode(
        {"error": {"message": message, "type": type, "param": None, "code": code}}
    )
    given = {"content-type": "application/json", **(headers or {})}
    if retry_after is not None:
        whole = isinstance(retry_after, float) and retry_after.is_integer()
        given["retry-after"] = str(int(retry_after) if whole else retry_after)
    return reply(status, body, given, times=times, model=model)


@dataclass(frozen=True)
class Scenario:
    """The simulator's answer and its faults.

    Attributes:
        text: The answer. None generates one from the request: tool calls and JSON that fit the
            schemas. With `tool_calls`, None is "".
        tool_calls: (name, arguments as JSON text) after the text. A request with the tool's
            result is answered with the text alone.
        reasoning: Reasoning before the text.
        faults: The faults; each request gets the first one that applies to it.
        manner: How a cut answer is continued: a name in `MANNERS`, or a function.
        piece: Characters per delta.
        split: Bytes per write, or None for one write per event.
        delay: Seconds between events.
        finish_reason: The reason at the end; None leaves it out.
        done: Whether `[DONE]` is sent.
        prefill: Reaction to a conversation that ends with an assistant message: "accept" continues
            it, "echo" repeats it first, "reject" sends a 400.
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

    def __post_init__(self) -> None:
        if self.tool_calls and self.text is None:
            object.__setattr__(self, "text", "")

    def go_on(self, at: int, anchor: str) -> str:
        """Return the continuation of the text after `at` characters."""
        manner = MANNERS[self.manner] if isinstance(self.manner, str) else self.manner
        return manner(self.text or "", at, anchor)


@dataclass
class Record:
    """One request to the simulator.

    Attributes:
        body: The request's JSON.
        headers: The headers, names in lower case.
        at: Time of arrival, on the monotonic clock.
        fault: The fault of the response, if any.
        client_gone: Whether the client closed the connection before the end of the response.
        gone_at: Time when the simulator noticed, on the monotonic clock.
    """

    body: dict[str, Any]
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)
    fault: Fault | None = None
    client_gone: bool = False
    gone_at: float | None = None


@dataclass(frozen=True)
class Served:
    """One response of the simulator, when it is over.

    Attributes:
        method: The request's method.
        path: The request's path.
        model: The model asked; "" if the request names none.
        status: The status that was sent; None if there was none.
        what: What was done, in words: "whole answer", "cut (rst) after 20 characters".
        faulty: Whether that was a fault of the scenario.
    """

    method: str
    path: str
    model: str
    status: int | None
    what: str
    faulty: bool = False


class Script:
    """A running scenario with its own base URL.

    Attributes:
        base_url: The base URL, for a model or client.
        requests: A `Record` of each request so far, with its `body` and `headers`.
    """

    def __init__(self, scenario: Scenario, base_url: str) -> None:
        self.scenario = scenario
        self.base_url = base_url
        self.requests: list[Record] = []
        self._left = [fault.times for fault in scenario.faults]
        self._passed = [0] * len(scenario.faults)
        self._lock = threading.Lock()

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> Record:
        """Record a request and select its fault."""
        record = Record(body, headers)
        with self._lock:
            self.requests.append(record)
            for i, fault in enumerate(self.scenario.faults):
                left = self._left[i]
                if left == 0 or fault.model not in (None, body.get("model")):
                    continue
                self._passed[i] += 1
                if self._passed[i] % fault.every:
                    continue
                if left is not None:
                    self._left[i] = left - 1
                record.fault = fault
                break
        return record
