"""The rows: what the model is to say, and how the server breaks while it says it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from holysheep_core.simulator import (
    Fault,
    Scenario,
    cut,
    error_event,
    malformed,
    refuse,
    reply,
    slow,
    stall,
)

MODEL, FALLBACK = "gpt-4.1", "gemini-2.5-flash"
TEXT = "The sheep are paid first: 양치기에게 천 원을 보내고, then one song is sung for all of them."
HALF = len(TEXT) // 2
PAY = ("pay", json.dumps({"amount": 1000, "to": "shepherd"}))
SING = ("sing", json.dumps({"song": "Baa"}))
IN_AMOUNT = len(TEXT) + PAY[1].index("1000") + 1  # after `{"amount": 1`
FOREVER: dict[str, None] = {"times": None}


HABITS = {"content-type": "text/event-stream"}


def _chunk(delta: object, reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: " + json.dumps({**chunk, "choices": [choice], **more}).encode() + b"\n\n"


def _call(index: int, call_id: str, call: tuple[str, str], cut_at: int | None = None) -> bytes:
    name, arguments = call
    function = {"name": name, "arguments": arguments[:cut_at]}
    part = {"index": index, "id": call_id, "type": "function", "function": function}
    return _chunk({"tool_calls": [part]})


def _stream(*events: bytes) -> Fault:
    return reply(200, b"".join(events), HABITS)


ROLE, REST = _chunk({"role": "assistant", "content": ""}), _chunk({"content": TEXT[HALF:]})
BEGUN, WHOLE = _chunk({"content": TEXT[:HALF]}), _chunk({"content": TEXT})
STOP, DONE = _chunk({}, "stop"), b"data: [DONE]\n\n"
USAGE = _chunk({}, usage={"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18})
FAILED = b'data: {"object": "error", "message": "engine overloaded", "code": 50501}\n\n'
RETRY_INFO = (
    '[{"error": {"code": 429, "message": "Resource exhausted.", "status": "RESOURCE_EXHAUSTED",'
    ' "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]}}]'
)


@dataclass(frozen=True)
class Conversation:
    """A row of the table.

    Attributes:
        title: What goes wrong.
        faults: The simulator's faults; a request takes the first that fits and is not used up.
        tools: Whether the model also calls two tools.
    """

    title: str
    faults: tuple[Fault, ...]
    tools: bool = False

    def scenario(self) -> Scenario:
        """Return what the simulator is to play."""
        calls = (PAY, SING) if self.tools else ()
        return Scenario(text=TEXT, tool_calls=calls, faults=self.faults)


CONVERSATIONS = (
    Conversation("nothing", ()),
    Conversation("nothing, with tools", (), tools=True),
    Conversation("cut at half, reset", (cut(HALF, "rst"),)),
    Conversation("cut at half, closed inside the chunked body", (cut(HALF, "fin"),)),
    Conversation("cut at half, closed cleanly", (cut(HALF, "eof"),)),
    Conversation("cut three times", (cut(20), cut(30), cut(40))),
    Conversation("every answer cut after 20 characters", (cut(20, **FOREVER),)),
    Conversation("cut at half, then 503 for good", (cut(HALF), refuse(503, **FOREVER))),
    Conversation("cut inside a tool call, reset", (cut(IN_AMOUNT),), tools=True),
    Conversation('cut cleanly at `"amount": 1` of `1000`', (cut(IN_AMOUNT, "eof"),), tools=True),
    Conversation(
        "cut cleanly between two tool calls", (cut(len(TEXT) + len(PAY[1]), "eof"),), tools=True
    ),
    Conversation("stall at half", (stall(HALF),)),
    Conversation("stall at half, with keep-alive comments", (stall(HALF, keepalive=True),)),
    Conversation("error event at half", (error_event(HALF),)),
    Conversation("damaged event at half", (malformed(HALF),)),
    Conversation("first token later than the time-out", (slow(4.0),)),
    Conversation("429 once, Retry-After 1 s", (refuse(429, retry_after=1),)),
    Conversation(
        "429 for good for this model, Retry-After 600 s",
        (refuse(429, retry_after=600, model=MODEL, **FOREVER),),
    ),
    Conversation(
        "429 `insufficient_quota` for good",
        (refuse(429, code="insufficient_quota", type="insufficient_quota", **FOREVER),),
    ),
    Conversation("500 once", (refuse(500),)),
    Conversation("503 for good for this model", (refuse(503, model=MODEL, **FOREVER),)),
    Conversation(
        "400 `context_length_exceeded` for this model",
        (refuse(400, code="context_length_exceeded", model=MODEL, **FOREVER),),
    ),
    Conversation("401 for good", (refuse(401, code="invalid_api_key", **FOREVER),)),
    Conversation("520 once, from Cloudflare", (refuse(520),)),
    Conversation(
        "429 once, Google's body with a `retryDelay` of 1 s",
        (reply(429, RETRY_INFO, {"content-type": "application/json"}),),
    ),
    Conversation(
        "cut at half, and the gateway writes usage and `[DONE]`",
        (_stream(ROLE, BEGUN, USAGE, DONE),),
    ),
    Conversation(
        "cut inside a tool call, and the gateway writes usage and `[DONE]`",
        (_stream(ROLE, WHOLE, _call(0, "call_1", PAY, IN_AMOUNT - len(TEXT)), USAGE, DONE),),
        tools=True,
    ),
    Conversation(
        '`finish_reason` "network_error" at half',
        (_stream(ROLE, BEGUN, _chunk({}, "network_error"), DONE),),
    ),
    Conversation(
        '`{"object": "error"}` at half, then `[DONE]`', (_stream(ROLE, BEGUN, FAILED, DONE),)
    ),
    Conversation(
        "the gateway fails over: a second answer in the same stream",
        (
            _stream(
                ROLE,
                BEGUN,
                ROLE.replace(b"mpl-1", b"mpl-2"),
                *(event.replace(b"mpl-1", b"mpl-2") for event in (WHOLE, STOP, DONE)),
            ),
        ),
    ),
    Conversation(
        '`finish_reason` "stop" in every chunk',
        (
            _stream(
                _chunk({"content": TEXT[:HALF]}, "stop"),
                _chunk({"content": TEXT[HALF:]}, "stop"),
                DONE,
            ),
        ),
    ),
    Conversation('an empty answer that ends with "stop"', (_stream(ROLE, STOP, DONE),)),
    Conversation(
        "two calls, both with index 0 and an empty id",
        (
            _stream(
                ROLE, WHOLE, _call(0, "", PAY), _call(0, "", SING), _chunk({}, "tool_calls"), DONE
            ),
        ),
        tools=True,
    ),
    Conversation(
        "`usage: []` and `delta: []`, as PHP writes them",
        (_stream(ROLE, BEGUN, REST, _chunk([], "stop", usage=[]), DONE),),
    ),
    Conversation(
        "200 with a page of HTML", (reply(200, "<html>busy</html>", {"content-type": "text/html"}),)
    ),
)
