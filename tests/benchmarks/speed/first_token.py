"""From the call to the first text: what a client adds to a bare socket."""

from __future__ import annotations

import json
import socket
import ssl
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from urllib.parse import urlsplit

import httpx
from framework_readers import GO
from readers import ASK, BODY, KEY, installed

from holysheep_core import StreamingRetryHandler
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

Call = Callable[[], float]
"""Makes a call, reads it to its end, and returns the seconds until its first text."""

BARE = "bare socket"


class Bare:
    """A socket, and a request that is ready to be sent."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._link = socket.create_connection((parts.hostname, parts.port or 80))
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._link = context.wrap_socket(self._link, server_hostname=parts.hostname)
        body = json.dumps(BODY)
        head = f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: "
        self._request = f"{head}{len(body)}\r\n\r\n{body}".encode()

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def __call__(self) -> float:
        started, first, data = time.perf_counter(), 0.0, b""
        self._link.sendall(self._request)
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data += self._link.recv(65536)
            if not first and b'"content"' in data:
                first = time.perf_counter()
        return first - started


def timed(texts: Callable[[], object]) -> Call:
    """Return the call that reads texts."""

    def call() -> float:
        started, first = time.perf_counter(), 0.0
        for text in texts():
            if text and not first:
                first = time.perf_counter()
        return first - started

    return call


def calls(url: str) -> dict[str, Callable[[], Call]]:
    """Return how each client is made, ready to be called."""

    def engine() -> Call:
        handler = StreamingRetryHandler(KEY, base_url=url)
        return timed(lambda: handler.stream_with_retry("m", ASK))

    def sdk() -> Call:
        client = import_module("openai").OpenAI(api_key=KEY, base_url=url)
        create = client.chat.completions.create
        return timed(
            lambda: (
                chunk.choices[0].delta.content
                for chunk in create(model="m", messages=ASK, stream=True)
            )
        )

    def chat(model: object) -> Call:
        return timed(lambda: (chunk.content for chunk in model.stream("go")))

    def index(model: object) -> Call:
        return timed(lambda: (response.delta for response in model.stream_chat(GO)))

    found: dict[str, Callable[[], Call]] = {
        BARE: lambda: Bare(url),
        "engine": engine,
        "ChatHolySheep": lambda: chat(ChatHolySheep(model="m", api_key=KEY, base_url=url)),
        "HolySheep": lambda: index(HolySheep(model="m", api_key=KEY, api_base=url)),
    }
    if installed("openai"):
        found["openai SDK"] = sdk
    if installed("langchain_openai"):
        chat_openai = import_module("langchain_openai").ChatOpenAI
        found["ChatOpenAI"] = lambda: chat(chat_openai(model="m", api_key=KEY, base_url=url))
    if installed("llama_index.llms.openai_like"):
        like = import_module("llama_index.llms.openai_like").OpenAILike
        found["OpenAILike"] = lambda: index(
            like(model="m", api_key=KEY, api_base=url, is_chat_model=True)
        )
    return found


def warm(url: str, rounds: int) -> tuple[dict[str, float], dict[str, int]]:
    """Return seconds to the first text beyond the bare socket's, and connections made."""
    url = f"{url}/flood-1/v1"
    ready, links = {}, {}
    for name, make in calls(url).items():
        ready[name] = make()
        before = _links(url)
        for _ in range(10):
            ready[name]()
        links[name] = _links(url) - before - 1  # the question came on one of its own
    took: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, call in ready.items():
            took[name].append(call())
    return _beyond(took), links


def _links(url: str) -> int:
    return int(httpx.post(url.replace("/flood-1/", "/links/")).text)


def cold(url: str, rounds: int) -> dict[str, float]:
    """Return the same for a new client each time: its making, its connection, its TLS."""
    url = f"{url}/flood-1/v1"
    made = calls(url)
    took: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, make in made.items():
            started = time.perf_counter()
            call = make()
            took[name].append(time.perf_counter() - started + call())
    return _beyond(took)


def _beyond(took: dict[str, list[float]]) -> dict[str, float]:
    bare = statistics.median(took.pop(BARE))
    return {name: statistics.median(times) - bare for name, times in took.items()}
