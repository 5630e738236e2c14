"""Everything that can read a stream here, ours and the peers', under one signature.

A reader takes the API's address and returns how many deltas with text it saw. Peers that are not
installed are left out.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import httpx
from server import END, HEAD, event_bytes

from holysheep_core import StreamingRetryHandler

ASK = [{"role": "user", "content": "go"}]
BODY = {"model": "gpt-4.1", "messages": ASK, "stream": True}
KEY = "made-up"

Reader = Callable[[str], int]
AsyncReader = Callable[[str], Awaitable[int]]


def installed(name: str) -> bool:
    """Tell whether a module is there."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


class PerUrl:
    """Makes a client once per address, as a program would."""

    def __init__(self, make: Callable[[str], object]) -> None:
        self._make = make
        self._made: dict[str, object] = {}

    def __call__(self, url: str):
        if url not in self._made:
            self._made[url] = self._make(url)
        return self._made[url]


def _litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it asks the internet
    return import_module("litellm")


def raw_socket(url: str) -> int:
    """Read until the end with nothing but `recv`."""
    parts = urlsplit(url)
    head = f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    received, tail = 0, b""
    with socket.create_connection((parts.hostname, parts.port)) as link:
        link.sendall(head.encode())
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            data = link.recv(65536)
            received += len(data)
            tail = (tail + data)[-16:]
    framed = event_bytes(url) + 6  # as a chunk of the chunked encoding
    return (received - len(HEAD) - len(END)) // framed


def sync_readers() -> dict[str, Reader]:
    """Return the readers of sync code."""
    found: dict[str, Reader] = {}
    plain = httpx.Client()

    def iter_raw(url: str) -> int:
        with plain.stream("POST", f"{url}/chat/completions", json=BODY) as response:
            return sum(map(len, response.iter_raw())) // event_bytes(url)

    found["httpx iter_raw"] = iter_raw
    handlers = PerUrl(lambda url: StreamingRetryHandler(KEY, base_url=url))
    found["engine"] = lambda url: sum(1 for _ in handlers(url).stream_with_retry("gpt-4.1", ASK))
    if installed("openai"):
        from openai import OpenAI

        sdk = PerUrl(lambda url: OpenAI(api_key=KEY, base_url=url))
        found["openai SDK"] = lambda url: sum(
            bool(chunk.choices[0].delta.content)
            for chunk in sdk(url).chat.completions.create(
                model="gpt-4.1", messages=ASK, stream=True
            )
        )
    if installed("litellm"):
        litellm = _litellm()
        found["litellm"] = lambda url: sum(
            bool(chunk.choices[0].delta.content)
            for chunk in litellm.completion(
                "openai/gpt-4.1", ASK, stream=True, api_base=url, api_key=KEY
            )
        )
    return found


def async_readers() -> dict[str, AsyncReader]:
    """Return the readers of asyncio code, for one event loop."""
    found: dict[str, AsyncReader] = {}
    plain = httpx.AsyncClient()

    async def iter_raw(url: str) -> int:
        async with plain.stream("POST", f"{url}/chat/completions", json=BODY) as response:
            return sum([len(data) async for data in response.aiter_raw()]) // event_bytes(url)

    found["httpx iter_raw"] = iter_raw
    handlers = PerUrl(lambda url: StreamingRetryHandler(KEY, base_url=url))

    async def engine(url: str) -> int:
        seen = 0
        async for _ in handlers(url).astream_with_retry("gpt-4.1", ASK):
            seen += 1
        return seen

    found["engine"] = engine
    if installed("openai"):
        from openai import AsyncOpenAI

        sdk = PerUrl(lambda url: AsyncOpenAI(api_key=KEY, base_url=url))

        async def openai(url: str) -> int:
            seen = 0
            async for chunk in await sdk(url).chat.completions.create(
                model="gpt-4.1", messages=ASK, stream=True
            ):
                seen += bool(chunk.choices[0].delta.content)
            return seen

        found["openai SDK"] = openai
    if installed("litellm"):
        lite = _litellm()

        async def litellm(url: str) -> int:
            seen = 0
            async for chunk in await lite.acompletion(
                "openai/gpt-4.1", ASK, stream=True, api_base=url, api_key=KEY
            ):
                seen += bool(chunk.choices[0].delta.content)
            return seen

        found["litellm"] = litellm
    return found
