"""The simulator's sockets: a real HTTP/1.1 server on a real port, that breaks when told to.

h11 reads requests and frames responses; everything below it is done by hand, because a reset,
a half-closed body or a byte-wise drip is just what servers and frameworks are built to prevent.
It runs in a thread of its own, with an event loop of its own, and takes no connection from
beyond this machine unless told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import h11
import msgspec

from holysheep_core.simulator.mind import Answer, answer
from holysheep_core.simulator.script import Fault, Record, Scenario, Script

_KEEPALIVE_EVERY = 0.05
_IN_MID_STREAM = ("cut", "stall", "error_event", "malformed")
_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Simulator:
    """The server. Use it as a context manager, or call `start` and `stop`.

    Args:
        host: Address to listen on.
        port: Port, or 0 for a free one.
        scenario: What requests to `base_url` itself meet; others are added with `add`.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, scenario: Scenario | None = None
    ) -> None:
        self._host = host
        self._port = port
        self._scenario = scenario or Scenario()
        self._scripts: dict[str, Script] = {}
        self._numbers = itertools.count(1)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._failure: OSError | None = None
        self.connections = 0

    def start(self) -> Simulator:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
        """
        self._thread = threading.Thread(target=self._run, name="holysheep-simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        self._scripts["v1"] = Script(self._scenario, self.base_url)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Where the default scenario is played."""
        return f"http://{self._host}:{self._port}/v1"

    @property
    def default(self) -> Script:
        """The script at `base_url`."""
        return self._scripts["v1"]

    def add(self, scenario: Scenario) -> Script:
        """Play a scenario under an address of its own, and return its script."""
        name = f"s{next(self._numbers)}"
        script = Script(scenario, f"http://{self._host}:{self._port}/{name}/v1")
        self._scripts[name] = script
        return script

    # -- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            self.connections += 1
            try:
                await _Connection(self, reader, writer).serve()
            except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
                pass  # the client went away, spoke no HTTP, or the simulator stops
            finally:
                self.connections -= 1
                writer.close()

        try:
            server = await asyncio.start_server(accept, self._host, self._port, backlog=1024)
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def script_for(self, path: str) -> tuple[Script | None, str]:
        """Return the script of a request path, and the path below its base URL."""
        first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        if first == "v1":
            return self._scripts.get("v1"), rest
        script = self._scripts.get(first)
        return script, rest.removeprefix("v1/")


class _Connection:
    """One client connection, request after request."""

    def __init__(
        self, simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._simulator = simulator
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def serve(self) -> None:
        while True:
            request = await self._next_event()
            if not isinstance(request, h11.Request):
                return
            body = b""
            while isinstance(event := await self._next_event(), h11.Data):
                body += event.data
            await self._respond(request, body)
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(65536))
        return event

    async def _respond(self, request: h11.Request, body: bytes) -> None:
        script, path = self._simulator.script_for(request.target.decode("ascii", "replace"))
        if script is None:
            await self._send_json(404, {"error": {"message": "no such scenario"}})
        elif request.method == b"GET" and path == "models":
            data = [{"id": name, "object": "model"} for name in ("gpt-4.1", "gemini-2.5-flash")]
            await self._send_json(200, {"object": "list", "data": data})
        elif request.method == b"POST" and path == "chat/completions":
            try:
                asked = msgspec.json.decode(body, type=dict[str, Any])
            except msgspec.DecodeError as error:
                await self._send_json(400, {"error": {"message": str(error)}})
                return
            headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
            await _Response(self, script, script.take(asked, headers)).play()
        else:
            await self._send_json(404, {"error": {"message": f"no such path: {path}"}})

    # -- what a response is made of ---------------------------------------------------------

    async def _send_json(self, status: int, value: Any) -> None:
        await self.send_whole(status, _JSON, msgspec.json.encode(value))

    async def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self.start(status, {**headers, "content-length": str(len(body))})
        await self.write(body)
        await self.end()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        head = h11.Response(status_code=status, headers=list(headers.items()))
        self._writer.write(self._http.send(head) or b"")

    async def write(self, data: bytes, split: int | None = None) -> None:
        if not data:
            return
        framed = self._http.send(h11.Data(data=data)) or b""
        step = split or len(framed)
        for i in range(0, len(framed), step):
            self._writer.write(framed[i : i + step])
            await self._writer.drain()
            if split:
                await asyncio.sleep(0)

    async def end(self) -> None:
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    async def reset(self) -> None:
        # What was written must leave before the reset discards it.
        await self._writer.drain()
        await asyncio.sleep(0.001)
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self._http.send_failed()

    async def finish_early(self) -> None:
        await self._writer.drain()
        self._http.send_failed()

    async def client_leaves(self, seconds: float) -> bool:
        """Wait; True as soon as the client closes the connection."""
        with contextlib.suppress(asyncio.TimeoutError):
            return not await asyncio.wait_for(self._reader.read(1), seconds)
        return False


class _Piece(NamedTuple):
    text: str
    event: bytes


class _Response:
    """The response to one chat request, with its fault."""

    def __init__(self, connection: _Connection, script: Script, record: Record) -> None:
        self._connection = connection
        self._scenario = script.scenario
        self._record = record
        self._fault = record.fault
        self._answer: Answer = answer(self._scenario, record.body)
        self._id = f"chatcmpl-sim-{id(record):x}"

    async def play(self) -> None:
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
        if not self._record.body.get("stream"):
            await connection.send_whole(200, _JSON, msgspec.json.encode(self._whole()))
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
            struck, fault = (fault, None) if fault and sent >= fault.at else (None, fault)
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

    def _deltas(self, seam: int) -> Iterator[_Piece]:
        """Cut the answer into deltas, with a joint at `seam` characters, and an empty last one."""
        said = self._answer
        spoken = [("reasoning_content", said.reasoning, 0), ("content", said.text, 0)]
        for number, (name, arguments) in enumerate(said.tool_calls, 1):
            spoken += [(name, "", number), ("", arguments, number)]
        at = 0
        for name, text, call in spoken:
            joints = {*range(0, len(text), self._scenario.piece), seam - at, len(text)}
            bounds = sorted(joint for joint in joints if 0 <= joint <= len(text))
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
        """Carry out a fault; True if the response is over."""
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
