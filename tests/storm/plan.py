"""What each call is to be: drawn from the seed and its number alone, by caller and server alike.

So the server needs to be told nothing but the number, which is in the prompt, and a call that
went wrong can be looked at again: `python tests/storm --seed N --show NUMBER`.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from holysheep_core.simulator import (
    MANNERS,
    Fault,
    Scenario,
    cut,
    error_event,
    malformed,
    refuse,
    slow,
    stall,
)

WORDS = (
    "sheep",
    "wool",
    "lamb",
    "fold",
    "gate",
    "hill",
    "grass",
    "양",
    "목자",
    "풀밭",
    "언덕",
    "🐑",
)
HONEST = tuple(name for name in MANNERS if name != "different")
"""How models go on. One that gives another answer altogether is beyond any client (README, limits)."""

AT_WORST = 2
"""Faults that one call meets at each server, so that it can end within its own limits."""

_SYNC = ("core.stream", "core.complete", "langchain.stream", "langchain.invoke")
_ASYNC = ("core.astream", "core.acomplete", "langchain.astream", "langchain.ainvoke")
FACES = {
    "sync": (*_SYNC, "llamaindex.stream_chat", "llamaindex.chat"),
    "async": (*_ASYNC, "llamaindex.astream_chat", "llamaindex.achat"),
}
_CUTS = ("rst", "fin", "eof")
_SILENCES = ("stall", "stall with comments", "slow start")
_REFUSALS = ("429", "429 with a wait", "429 with a date", "503", "500")
POISONED = "a second response behind"
"""In one write with the end of the answer, which is whole itself."""

FAULTS = (*_CUTS, *_SILENCES, "error event", "malformed event", *_REFUSALS, POISONED)
CANCELS = ("task.cancel", "wait_for", "cancel scope")


@dataclass(frozen=True)
class Plan:
    """One call.

    Attributes:
        number: Its number.
        face: How it is made: a name in `FACES`.
        text: The whole answer.
        calls: (name, arguments) of the tool calls after it.
        json: JSON output is asked for.
        cancel: How an async caller is cancelled: a name in `CANCELS`; "" if it leaves by itself.
        leaves: None; or after how many pieces (a stream's reader) or hundredths of a second (an
            async caller, who is cancelled) the caller goes away.
        scenario: How the server plays it, but for the faults.
    """

    number: int
    face: str
    text: str
    calls: tuple[tuple[str, str], ...]
    json: bool
    leaves: int | None
    cancel: str
    scenario: Scenario

    @property
    def prompt(self) -> str:
        """What is asked."""
        return f"Call {self.number}: count the sheep."

    @property
    def expected(self) -> list[tuple[str, dict[str, Any]]]:
        """The tool calls, as a program gets them."""
        return [(name, json.loads(arguments)) for name, arguments in self.calls]


def number_of(body: Mapping[str, Any]) -> int:
    """Return the number of the call that a request belongs to."""
    return int(re.findall(r"Call (\d+):", json.dumps(body["messages"]))[0])


def plan(seed: int, number: int, kind: str) -> Plan:
    """Draw a call; `kind` is "sync" or "async"."""
    draw = random.Random(f"{seed}/{number}")
    face = draw.choice(FACES[kind])
    wants = draw.choices(("text", "tools", "json"), (6, 3, 2))[0]
    # Every word has its place in it: a text that repeats itself just where it was cut, continued
    # by a model that does not do as it was asked, is another such case.
    words = [f"{draw.choice(WORDS)}{i}" for i in range(draw.randint(8, 60))]
    text, calls = " ".join(words), ()
    if wants == "json":
        text = json.dumps({"call": number, "words": words}, ensure_ascii=False)
    if wants == "tools":
        amounts = [draw.choice((1000, 10_000, 250_000)) for _ in range(draw.randint(1, 2))]
        calls = tuple(("pay", json.dumps({"amount": n, "to": f"목자 {number}"})) for n in amounts)
    leaves = draw.randint(0, 60) if draw.random() < 0.2 else None
    cancel = "" if leaves is None else draw.choice(("", *CANCELS))
    scenario = Scenario(
        text=text,
        tool_calls=calls,
        manner=draw.choice(HONEST),
        piece=draw.randint(6, 24),
        split=draw.choice((None, None, None, 7)),
        delay=draw.choice((0.02, 0.05, 0.1)),
        done=draw.random() < 0.9,
        prefill=draw.choice(("accept", "echo", "reject")),
    )
    return Plan(number, face, text, calls, wants == "json", leaves, cancel, scenario)


def kind_of_fault(seed: int, server: int, number: int, attempt: int) -> str:
    """Draw what the n-th request of a call meets at a server; "" for nothing."""
    draw = random.Random(f"{seed}/{number}/{server}/{attempt}")
    return draw.choice(FAULTS) if attempt < AT_WORST and draw.random() < 0.6 else ""


def fault_of(kind: str, draw: random.Random, size: int) -> Fault:
    """Return a fault of that kind, in an answer of `size` characters."""
    at = draw.randint(0, size)
    if kind in _CUTS:
        return cut(at, kind)
    if kind == "429 with a date":
        then = datetime.now(timezone.utc) + timedelta(seconds=1)
        return refuse(429, retry_after=format_datetime(then, usegmt=True))
    return {
        "stall": stall(at, 5.0),
        "stall with comments": stall(at, 5.0, keepalive=True),
        "slow start": slow(5.0),
        "error event": error_event(at),
        "malformed event": malformed(at),
        "429": refuse(429),
        "429 with a wait": refuse(429, retry_after=draw.choice((0.2, 1, 30))),
        "503": refuse(503),
        "500": refuse(500),
    }[kind]
