"""The rows: what the model is to say, and how the server breaks while it says it."""

from __future__ import annotations

import json
from dataclasses import dataclass

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

MODEL, STAND_IN = "gpt-4.1", "gemini-2.5-flash"
TEXT = "The sheep are paid first: 양치기에게 천 원을 보내고, then one song is sung for all of them."
HALF = len(TEXT) // 2
PAY = ("pay", json.dumps({"amount": 1000, "to": "shepherd"}))
SING = ("sing", json.dumps({"song": "Baa"}))
IN_AMOUNT = len(TEXT) + PAY[1].index("1000") + 1  # after `{"amount": 1`
FOREVER: dict[str, None] = {"times": None}


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
    Conversation(
        "200 with a page of HTML", (reply(200, "<html>busy</html>", {"content-type": "text/html"}),)
    ),
)
