"""The response to one chat request, with its fault."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import msgspec

from holysheep_core.simulator.answers import Answer, answer
from holysheep_core.simulator.connection import JSON, Connection
from holysheep_core.simulator.scenario import Fault, Record, Script

_KEEPALIVE_EVERY = 0.05
_REMEMBERED = 100
"""Requests among which the question of a cut, generated answer is looked for."""
_IN_MID_STREAM = ("cut", "stall", "error_event", "malformed")
_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class _Piece(NamedTuple):
    text: str
    event: bytes


class Response:
    """The response to one chat request, with its fault."""

    def __init__(self, connection: Connection, script: Script, record: Record) -> None:
        self._connection = connection
        self._scenario = script.scenario
        self._record = record
        self._fault = record.fault
        latest = reversed(script.requests[-_REMEMBERED:])
        earlier = (request.body for request in latest if request is not record)
        self._answer: Answer = answer(self._scenario, record.body, earlier)
        self._id = f"chatcmpl-sim-{id(record):x}"

    async def play(self) -> None:
        """Send the response, up to its fault."""
        try:
            await self._play()
        except ConnectionError:
            self._gone()
            raise

    async def _play(self) -> None:
        fault, connection = self._fault, self._connection
        if fault is not None and fault.kind == "reply":
            await connection.send_whole(fault.status, fault.headers, fault.body)
            return
        *_, last = self._record.body.get("messages") or [{}]
        if self._scenario.prefill == "reject" and last.get("role") == "assistant":
            error = {"message": "must end with a user message", "type": "invalid_request_error"}
            await connection.send_json(400, {"error": error})
            return
        if not self._record.body.get("stream"):
            await connection.send_whole(200, JSON, msgspec.json.encode(self._whole()))
            return
        await connection.start(200, {**_EVENTS, "x-request-id": self._id})
        if fault is not None and fault.kind == "slow":
            await connection.write(b": waiting for the model\n\n")
            if await connection.client_leaves(fault.seconds):
                self._gone()
                return
        async for event in self._events():
            if event is None:
                return
            await connection.write(event, self._scenario.split)
            if self._scenario.delay and await connection.client_leaves(self._scenario.delay):
                self._gone()
                return
        await connection.end()

    def _gone(self) -> None:
        self._record.client_gone = True
        self._record.gone_at = time.monotonic()

    async def _events(self) -> AsyncIterator[bytes | None]:
        """Yield the events to write; None after a fault that ended the response."""
        fault = self._fault if self._fault and self._fault.kind in _IN_MID_STREAM else None
        sent = 0
        yield self._chunk({"role": "assistant", "content": ""})
        for delta in self._deltas(fault.at if fault else -1):
            # A fault beyond the end takes effect after the last character.
            due = fault is not None and (sent >= fault.at or not delta.event)
            struck, fault = (fault, None) if due else (None, fault)
            if struck is not None:
                if struck.body:
                    yield _event(struck.body)
                if await self._strike(struck):
                    yield None
                    return
            sent += len(delta.text)
            if delta.event and not (struck and struck.kind == "malformed"):
                yield delta.event
        for event in self._ending():
            yield event

    def _deltas(self, split: int) -> Iterator[_Piece]:
        """Split the answer into deltas, also at `split` characters; the last one is empty."""
        said = self._answer
        spoken = [("reasoning_content", said.reasoning, 0), ("content", said.text, 0)]
        for number, (name, arguments) in enumerate(said.tool_calls, 1):
            spoken += [(name, "", number), ("", arguments, number)]
        at = 0
        for name, text, call in spoken:
            ends = {*range(0, len(text), self._scenario.piece), split - at, len(text)}
            bounds = sorted(end for end in ends if 0 <= end <= len(text))
            for start, end in itertools.pairwise(bounds):
                yield _Piece(text[start:end], self._delta(name, text[start:end], call))
            if call and name:
                yield _Piece("", self._delta(name, "", call))
            at += len(text)
        yield _Piece("", b"")

    def _ending(self) -> Iterator[bytes]:
        if self._answer.finish_reason is not None:
            yield self._chunk({}, self._answer.finish_reason)
        if (self._record.body.get("stream_options") or {}).get("include_usage"):
            last = {**self._base(), "choices": [], "usage": self._usage()}
            yield _event(msgspec.json.encode(last))
        if self._scenario.done:
            yield b"data: [DONE]\n\n"

    async def _strike(self, fault: Fault) -> bool:
        """Carry out a fault; return whether the response is over."""
        connection = self._connection
        if fault.kind == "stall":
            return await self._stall(fault)
        if fault.kind == "error_event" or (fault.kind == "cut" and fault.by == "eof"):
            await connection.end()
        elif fault.kind == "cut" and fault.by == "rst":
            await connection.reset()
        elif fault.kind == "cut":
            await connection.finish_early()
        return fault.kind != "malformed"

    async def _stall(self, fault: Fault) -> bool:
        until = time.monotonic() + fault.seconds
        while (left := until - time.monotonic()) > 0:
            if fault.keepalive:
                await self._connection.write(b": keep-alive\n\n")
            step = min(_KEEPALIVE_EVERY, left) if fault.keepalive else left
            if await self._connection.client_leaves(step):
                self._gone()
                return True
        return False

    # -- JSON -------------------------------------------------------------------------------

    def _base(self) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": self._record.body.get("model"),
        }

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event(msgspec.json.encode({**self._base(), "choices": [choice]}))

    def _delta(self, name: str, text: str, call: int) -> bytes:
        if not call:
            return self._chunk({name: text})
        part: dict[str, Any] = {"index": call - 1, "function": {"arguments": text}}
        if name:
            part |= {"id": f"call_{self._id[-6:]}_{call}", "type": "function"}
            part["function"] = {"name": name, "arguments": ""}
        return self._chunk({"tool_calls": [part]})

    def _usage(self) -> dict[str, Any]:
        prompt, completion = self._answer.prompt_tokens, self._answer.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    def _whole(self) -> dict[str, Any]:
        said = self._answer
        message: dict[str, Any] = {"role": "assistant", "content": said.text}
        if said.tool_calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{self._id[-6:]}_{i}",
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for i, (name, arguments) in enumerate(said.tool_calls, 1)
            ]
        choice = {"index": 0, "message": message, "finish_reason": said.finish_reason}
        whole = {**self._base(), "object": "chat.completion", "choices": [choice]}
        return {**whole, "usage": self._usage()}


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
