"""Chunks of a framework as server-sent events, in the form of `sse_response`.

For what is not one answer of one model: a chain, an agent, a query engine. Nothing is stored, so a
reader who comes back cannot be given the rest; use `sse_response` wherever there is a journal.

Chunks are distinguished by their attributes: no framework is imported.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from typing import Any, NamedTuple

import msgspec

from holysheep_core.client.sse_events import (
    HEARTBEAT,
    Events,
    call_of,
    check_times,
    done,
    event,
    failed,
    hello,
)
from holysheep_core.errors import HolySheepError
from holysheep_core.types import Completion, Delta


def sse_chunks(
    chunks: Iterable[Any], *, call_id: str = "", heartbeat: float = 15.0, retry: float = 1.0
) -> Generator[bytes, None, None]:
    """Send the chunks of a chain, an agent or a query engine as server-sent events.

    Args:
        chunks: What `stream` of a model, a chain or a graph yields in LangChain (with
            `stream_mode="messages"` in LangGraph), or `stream_chat`, `stream_complete` and
            `response_gen` in LlamaIndex; or texts, deltas and a completion.
        call_id: The name for ids, if the answer is in a journal; without it events have no id.
        heartbeat: Seconds without an event after which a comment is sent.
        retry: Seconds after which a browser whose connection broke asks again.

    Returns:
        An iterator of bytes, with the events of `sse_response`. "done" has what the last of the
        model's calls said. A thread reads the chunks; when the iterator is closed, it closes them
        as soon as it has the one it waits for.

    Raises:
        ConfigurationError: At once: a number is invalid.
    """
    check_times(heartbeat, retry)
    return _body(chunks, Writer(call_id), heartbeat, retry)


def asse_chunks(
    chunks: AsyncIterable[Any], *, call_id: str = "", heartbeat: float = 15.0, retry: float = 1.0
) -> AsyncGenerator[bytes, None]:
    """Like `sse_chunks`, for asyncio; closing it closes the chunks at once."""
    check_times(heartbeat, retry)
    return _abody(chunks, Writer(call_id), heartbeat, retry)


class _End(NamedTuple):
    """The chunks are over; why, if they did not end by themselves."""

    error: Exception | None = None


def _log_by_raising(error: Exception | None) -> None:
    # The reader was told. What is none of our errors is the server's to log.
    if error is not None and not isinstance(error, HolySheepError):
        raise error


def _body(
    chunks: Iterable[Any], writer: Writer, heartbeat: float, retry: float
) -> Generator[bytes, None, None]:
    asked, inbox = threading.Semaphore(0), queue.SimpleQueue[Any]()
    left = threading.Event()
    pump = threading.Thread(
        target=contextvars.copy_context().run,
        args=(_pump, chunks, asked.acquire, inbox.put, left),
        name="holysheep-chunks",
        daemon=True,
    )
    yield hello(retry)
    pump.start()
    try:
        while True:
            asked.release()  # one by one: nothing is read that nobody wants
            while True:
                try:
                    chunk = inbox.get(timeout=heartbeat)
                    break
                except queue.Empty:
                    yield HEARTBEAT
            if isinstance(chunk, _End):
                yield writer.end(chunk.error)
                _log_by_raising(chunk.error)
                return
            if found := writer.of(chunk):
                yield found
    finally:
        left.set()
        asked.release()


def _pump(
    chunks: Iterable[Any],
    asked: Callable[[], object],
    put: Callable[[Any], object],
    left: threading.Event,
) -> None:
    iterator = iter(chunks)
    try:
        asked()
        for chunk in () if left.is_set() else iterator:
            put(chunk)
            asked()
            if left.is_set():
                return
        put(_End())
    except Exception as error:  # noqa: BLE001 - it is raised where the chunks are read
        put(_End(error))
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


async def _abody(
    chunks: AsyncIterable[Any], writer: Writer, heartbeat: float, retry: float
) -> AsyncGenerator[bytes, None]:
    inbox: asyncio.Queue[Any] = asyncio.Queue(1)
    yield hello(retry)
    # One task for all of them: a generator may hold what belongs to its task.
    pump = asyncio.create_task(_apump(chunks, inbox))
    try:
        while True:
            try:
                chunk = await asyncio.wait_for(inbox.get(), heartbeat)
            except asyncio.TimeoutError:
                yield HEARTBEAT
                continue
            if isinstance(chunk, _End):
                yield writer.end(chunk.error)
                _log_by_raising(chunk.error)
                return
            if found := writer.of(chunk):
                yield found
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


async def _apump(chunks: AsyncIterable[Any], inbox: asyncio.Queue[Any]) -> None:
    iterator = aiter(chunks)
    try:
        async for chunk in iterator:
            await inbox.put(chunk)
    except Exception as error:  # noqa: BLE001 - it is raised where the chunks are read
        await inbox.put(_End(error))
    else:
        await inbox.put(_End())
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


# -- what a chunk says ----------------------------------------------------------------------


class Writer:
    """Writes the events of a framework's chunks.

    Args:
        call_id: The name for ids, or "".
    """

    def __init__(self, call_id: str = "") -> None:
        self._events = Events(call_id)
        self._calls: dict[str, dict[str, str]] = {}
        self._last: dict[str, Any] = {}

    def of(self, chunk: Any) -> bytes:
        """Return the event of a chunk; b"" if there is nothing to show in it."""
        if isinstance(chunk, tuple) and chunk:  # LangGraph: a chunk, and where it comes from
            chunk = chunk[0]
        if isinstance(chunk, Completion):
            self._last = done(chunk)
            return b""
        delta = chunk if isinstance(chunk, Delta) else self._read(chunk)
        for call in delta.tool_calls:
            self._calls[call.id] = call_of(call)
        return self._events.of(delta) if delta.text or delta.reasoning else b""

    def end(self, error: Exception | None) -> bytes:
        """Return the last event.

        A browser without an event would ask again, and so begin everything again.
        """
        if isinstance(error, HolySheepError):
            return failed(error)
        if error is not None:  # its message is not for everybody
            told = {"type": type(error).__name__, "message": "The server has failed."}
            return event(told, kind="error")
        last = {**_NOTHING_KNOWN, **self._last}
        last["tool_calls"] = list(self._calls.values()) or last["tool_calls"]
        return event(last, self._events.id, "done")

    def _read(self, chunk: Any) -> Delta:
        if isinstance(chunk, str):
            return Delta(chunk)
        extra = getattr(chunk, "additional_kwargs", None) or {}
        if hasattr(chunk, "delta"):  # LlamaIndex
            self._read_calls(getattr(chunk, "message", None))
            self._read_raw(getattr(chunk, "raw", None) or {})
            return Delta(chunk.delta or "", str(extra.get("thinking_delta") or ""))
        if getattr(chunk, "type", "") not in ("AIMessageChunk", "ai"):  # a tool's, a person's
            return Delta()
        self._read_call_chunks(chunk)
        self._read_metadata(chunk)
        return Delta(str(chunk.text), str(extra.get("reasoning_content") or ""))

    def _read_call_chunks(self, message: Any) -> None:
        for call in getattr(message, "tool_call_chunks", None) or ():
            if call["id"] or not self._calls:
                self._add(call["id"] or "", call["name"] or "", call["args"] or "")
            else:  # the models of others send them in pieces
                last = next(reversed(self._calls.values()))
                last["arguments"] += call["args"] or ""
        if message.type == "ai":  # it was not streamed
            for call in message.tool_calls:
                arguments = msgspec.json.encode(call["args"]).decode()
                self._add(call["id"] or "", call["name"], arguments)

    def _add(self, call_id: str, name: str, arguments: str) -> None:
        self._calls[call_id] = {"id": call_id, "name": name, "arguments": arguments}

    def _read_metadata(self, message: Any) -> None:
        metadata = getattr(message, "response_metadata", None) or {}
        history = metadata.get("resilience")
        if history:  # the last chunk of a call
            self._last = _known(metadata.get("finish_reason"), metadata.get("model_name"), history)
        usage = getattr(message, "usage_metadata", None)
        if usage:
            self._last["usage"] = {name: usage[name] for name in _TOKENS.values()}

    def _read_calls(self, message: Any) -> None:
        calls = (getattr(message, "additional_kwargs", None) or {}).get("tool_calls") or ()
        for call in calls:
            self._add(call["id"], call["function"]["name"], call["function"]["arguments"])

    def _read_raw(self, raw: Any) -> None:
        if isinstance(raw, dict) and raw.get("resilience"):
            self._last = _known(raw.get("finish_reason"), raw.get("model"), raw["resilience"])
            usage = raw.get("usage") or {}
            self._last["usage"] = {name: usage.get(theirs, 0) for theirs, name in _TOKENS.items()}


_TOKENS = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total_tokens",
}
_NOTHING_KNOWN: dict[str, Any] = {
    "finish_reason": None,
    "model": None,
    "requested_model": None,
    "usage": None,
    "tool_calls": (),
    "resumes": 0,
    "downgrades": (),
}


def _known(reason: Any, model: Any, history: dict[str, Any]) -> dict[str, Any]:
    told = {name: history[name] for name in ("requested_model", "resumes", "downgrades")}
    return {"finish_reason": reason, "model": model, **told}
