"""The servers behind the proxy: simulators, each in a process of its own."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextvars import ContextVar
from multiprocessing.connection import Connection as Pipe
from typing import Any

import h11
import plan

from holysheep_core.simulator import Record, Scenario, Script, Simulator, server
from holysheep_core.simulator.connection import Connection

_EVENTS = b"""\
data: {"choices":[{"index":0,"delta":{"content":"Another user's answer."},"finish_reason":null}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

"""
FOREIGN = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b"
FOREIGN %= (len(_EVENTS), _EVENTS)
_poisoned = ContextVar("_poisoned", default=False)
"""Whether the response under way on a connection, each a task, gets another behind it."""


class Glued(Connection):
    """A client's connection on which some responses come in pairs."""

    async def end(self) -> None:
        """End the body properly, with nothing or a second response behind it."""
        if not _poisoned.get():
            await super().end()
            return
        self._writer.write((self._http.send(h11.EndOfMessage()) or b"") + FOREIGN)
        await self._writer.drain()


class Storm(Script):
    """Plays to each call what its number says, and breaks it as the seed says."""

    def __init__(self, base_url: str, seed: int, server: int) -> None:
        super().__init__(Scenario(), base_url)
        self._seed = seed
        self._server = server
        self._asked: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> Record:
        """Choose what the request gets.

        One event loop calls this and reads `scenario` at once, so that it may change with each
        request. Nothing is kept of the request: ten minutes of them are a lot.
        """
        number = plan.number_of(body)
        attempt = self._asked[number]
        self._asked[number] += 1
        # Who asks does not matter here: sync and async calls differ in their faces alone.
        planned = plan.plan(self._seed, number, "sync")
        self.scenario = planned.scenario
        record = Record(body, headers)
        kind = plan.kind_of_fault(self._seed, self._server, number, attempt)
        _poisoned.set(kind == plan.POISONED)
        if kind:
            self.faults[kind] += 1
        if kind and kind != plan.POISONED:
            draw = random.Random(f"{self._seed}/{number}/{attempt}/{self._server}/at")
            size = len(planned.text) + sum(len(arguments) for _, arguments in planned.calls)
            record.fault = plan.fault_of(kind, draw, size)
        return record


def serve(pipe: Pipe, seed: int, number: int) -> None:
    """Serve until told to stop; sends the port first, and the faults by kind at the end."""
    server.Connection = Glued  # type: ignore[misc]
    simulator = Simulator().start()
    storm = simulator._scripts["v1"] = Storm(simulator.base_url, seed, number)
    pipe.send(int(simulator.base_url.rsplit(":", 1)[1].partition("/")[0]))
    while not pipe.poll(3600):
        time.sleep(0)
    pipe.recv()
    simulator.stop()
    pipe.send(storm.faults)
