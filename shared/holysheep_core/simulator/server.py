"""The simulator: a real HTTP/1.1 server on a real port that breaks streams as told.

It runs in its own thread with its own event loop, and accepts connections from this machine only
unless `host` says otherwise.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

import h11
import msgspec

from holysheep_core.simulator.connection import Connection
from holysheep_core.simulator.response import Response
from holysheep_core.simulator.scenario import Record, Scenario, Script, Served


class Simulator:
    """The server. Use it as a context manager, or call `start` and `stop`.

    Args:
        host: Address to listen on.
        port: Port, or 0 for a free one.
        scenario: The scenario at `base_url`; `add` adds others.
        on_response: Called in the server's thread when a response is over.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        scenario: Scenario | None = None,
        *,
        on_response: Callable[[Served], object] | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._scenario = scenario or Scenario()
        self._on_response = on_response
        self._scripts: dict[str, Script] = {}
        self._numbers = itertools.count(1)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.connections = 0

    def start(self) -> Simulator:
        """Start to listen.

        Raises:
            OSError: The port is in use. Other errors at the start are raised unchanged.
        """
        self._thread = threading.Thread(target=self._run, name="holysheep-simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            self._loop = None  # the loop is closed: `stop` has nothing to do
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
        """The base URL of the default scenario."""
        return f"{self._address}/v1"

    @property
    def default(self) -> Script:
        """The script at `base_url`."""
        return self._scripts["v1"]

    def add(self, scenario: Scenario) -> Script:
        """Add a scenario with its own base URL; return its script."""
        name = f"s{next(self._numbers)}"
        script = Script(scenario, f"{self._address}/{name}/v1")
        self._scripts[name] = script
        return script

    @property
    def _address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    # -- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.is_set():
                raise
            # Pass the error to `start`, which would wait for ever.
            self._failure = error
            self._ready.set()

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
                connection = Connection(reader, writer)
                async for request, body in connection.requests():
                    connection.status = None
                    await self._respond(connection, request, body)
            except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
                pass  # the client left or did not speak HTTP, or the simulator stops
            finally:
                self.connections -= 1
                writer.close()

        server = await asyncio.start_server(accept, self._host, self._port, backlog=1024)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _script_for(self, path: str) -> tuple[Script | None, str]:
        """Return the script of a request path, and the path below its base URL."""
        first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        if first == "v1":
            return self._scripts.get("v1"), rest
        script = self._scripts.get(first)
        return script, rest.removeprefix("v1/")

    async def _respond(self, connection: Connection, request: h11.Request, body: bytes) -> None:
        record = None
        script, path = self._script_for(request.target.decode("ascii", "replace"))
        try:
            if script is None:
                await connection.send_json(404, {"error": {"message": "no such scenario"}})
            elif request.method == b"GET" and path == "models":
                data = [{"id": name, "object": "model"} for name in ("gpt-4.1", "gemini-2.5-flash")]
                await connection.send_json(200, {"object": "list", "data": data})
            elif request.method == b"POST" and path == "chat/completions":
                asked = msgspec.json.decode(body, type=dict[str, Any])
                headers = {name.decode(): val.decode("latin-1") for name, val in request.headers}
                record = script.take(asked, headers)
                await Response(connection, script, record).play()
            else:
                await connection.send_json(404, {"error": {"message": f"no such path: {path}"}})
        except msgspec.DecodeError as error:
            await connection.send_json(400, {"error": {"message": str(error)}})
        finally:
            self._tell(connection, request, record)

    def _tell(self, connection: Connection, request: h11.Request, record: Record | None) -> None:
        if self._on_response is None:
            return
        model, what, fault = "", "", None
        if record is not None:
            model = str(record.body.get("model", ""))
            # A fault of a stream is none of an answer that is no stream.
            if record.fault and (record.fault.kind == "reply" or record.body.get("stream")):
                fault = record.fault
            what = str(fault or "whole answer")
            if record.client_gone:
                what = f"{what}; the client left" if fault else "the client left"
        method, path = (
            each.decode("ascii", "replace") for each in (request.method, request.target)
        )
        status = connection.status
        self._on_response(Served(method, path, model, status, what, fault is not None))
