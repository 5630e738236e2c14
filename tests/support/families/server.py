"""One server that plays every family: the model's name in the request decides which.

It streams over HTTP/1.1 in chunks, refuses what the family's own servers refuse, cuts the
connection where a test says, and keeps every request.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.families import family_of
from support.families.rules import Refusal
from support.families.script import Answer, answer_to


@dataclass(frozen=True)
class Cut:
    """Where the first answer of a step breaks off.

    Attributes:
        step: Which step of the agent: 1, 2 or 3.
        where: "text", "arguments" or "reasoning".
        at: After how many characters of that.
    """

    step: int
    where: str
    at: int


@dataclass(frozen=True)
class Seen:
    """A request that came.

    Attributes:
        body: Its JSON, with the name of the model that plays.
        refusal: Status and JSON of the refusal, or None.
        step: The step that was played; 0 for a refusal.
        cut: Where the answer was cut, or None.
    """

    body: dict[str, Any]
    refusal: Refusal | None = None
    step: int = 0
    cut: Cut | None = None

    @property
    def model(self) -> str:
        """The model that was asked."""
        return str(self.body["model"])


class FamilyServer:
    """Plays the models of all families at one base URL.

    Args:
        cuts: Each is carried out once, at the first answer of its step.
        aliases: Other names of models, as gateways give them.
        limited: Of models, how many answers they give before every request gets a 429.

    Attributes:
        requests: Every request, in order.
        url: The base URL.
    """

    def __init__(
        self,
        cuts: Sequence[Cut] = (),
        limited: Mapping[str, int] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.requests: list[Seen] = []
        self._cuts = list(cuts)
        self._limited = dict(limited or {})
        self._aliases = dict(aliases or {})
        self._answered: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ids = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True
        )

    def __enter__(self) -> "FamilyServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.socket.close()

    @property
    def cuts_left(self) -> list[Cut]:
        """The cuts that were not carried out."""
        return self._cuts

    @property
    def refusals(self) -> list[tuple[str, Refusal]]:
        """Every refusal but those for the rate limit, with the model that was asked."""
        return [
            (seen.model, seen.refusal)
            for seen in self.requests
            if seen.refusal and seen.refusal[0] != 429
        ]

    def plan(self, body: dict[str, Any], path: str) -> tuple[Seen, Answer | None]:
        """Decide what a request gets, and note it."""
        body["model"] = self._aliases.get(body["model"], body["model"])
        family = family_of(body["model"])
        with self._lock:
            refusal = self._limit(body["model"]) or family.check(body, beta="/beta" in path)
            if refusal:
                seen, answer = Seen(body, refusal), None
            else:
                self._answered[body["model"]] += 1
                answer = answer_to(body, parallel=family.PARALLEL)
                answer = family.fitted(answer, body)
                cut = next((cut for cut in self._cuts if cut.step == answer.step), None)
                if cut:
                    self._cuts.remove(cut)
                seen = Seen(body, None, answer.step, cut)
            self.requests.append(seen)
        return seen, answer

    def new_number(self) -> int:
        """Return a number that no tool call has yet."""
        with self._lock:
            self._ids += 1
            return self._ids

    def _limit(self, model: str) -> Refusal | None:
        if self._answered[model] < self._limited.get(model, sys.maxsize):
            return None
        return 429, family_of(model).LIMITED


def events(server: FamilyServer, seen: Seen, answer: Answer) -> Iterator[tuple[bytes, bool]]:
    """Yield the events of an answer, and whether the connection breaks off after them."""
    family = family_of(seen.model)
    head = {
        "id": f"chatcmpl-{server.new_number()}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": seen.model,
    }
    count = dict.fromkeys(("text", "arguments", "reasoning"), 0)
    for choice in family.stream(answer, server.new_number):
        event = _event({**head, "choices": [{"index": 0, **choice}]})
        whole_calls = _add(count, choice["delta"])
        if seen.cut and count[seen.cut.where] >= seen.cut.at:
            torn = whole_calls and seen.cut.where == "arguments"
            yield (event[: len(event) // 2] if torn else event), True
            return
        yield event, False
    if family.ALWAYS_USAGE or (seen.body.get("stream_options") or {}).get("include_usage"):
        yield _event({**head, "choices": [], "usage": family.USAGE}), False
    yield b"data: [DONE]\n\n", False


def _add(count: dict[str, int], delta: dict[str, Any]) -> bool:
    """Count the characters of a delta; tell whether it has a tool call in one piece."""
    count["text"] += len(delta.get("content") or "")
    count["reasoning"] += len(delta.get("reasoning_content") or delta.get("reasoning") or "")
    whole = False
    for call in delta.get("tool_calls") or ():
        arguments = call["function"].get("arguments") or ""
        count["arguments"] += len(arguments)
        whole = whole or (bool(call["function"].get("name")) and len(arguments) > 2)
    return whole


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _handler(server: FamilyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen, answer = server.plan(body, self.path)
            if answer is None or seen.refusal:
                self._refuse(*(seen.refusal or (500, {})))
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event, breaks in events(server, seen, answer):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                if breaks:
                    self.close_connection = True
                    return
            self.wfile.write(b"0\r\n\r\n")

        def _refuse(self, status: int, error: Any) -> None:
            data = json.dumps(error).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("Retry-After", "600")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the server keeps its requests."""

    return Handler
