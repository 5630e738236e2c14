"""What one streamed token costs: this project beside its peers, in one run.

CPU time of the reading process per delta, as a multiple of `httpx.Response.iter_raw` in the same
run. The server is a process of its own that writes ready-made bytes, one event per write. The
paths are interleaved (A B C A B C …), and each figure is the median of its rounds, so that a
machine whose speed drifts changes all of them alike. A peer that is not installed is left out.

    python tests/benchmarks/stream_cost.py [deltas] [rounds]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import httpx

from holysheep_core import StreamingRetryHandler

ASK = [{"role": "user", "content": "go"}]


def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk = {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1795450603,
        "model": "gpt-4.1",
        "system_fingerprint": None,
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def serve(port: multiprocessing.Queue[int], deltas: int) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    one = framed(event({"content": "token "}))
    end = framed(event({}, "stop")) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            del request
            writer.write(head)
            for _ in range(deltas):
                writer.write(one)
                await writer.drain()
            writer.write(end)
            await writer.drain()
        writer.close()

    async def read_request(reader: asyncio.StreamReader) -> bytes:
        try:
            lines = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        length = [line for line in lines.lower().split(b"\r\n") if b"content-length" in line]
        return lines + await reader.readexactly(int(length[0].split(b":")[1]))

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def paths(url: str) -> dict[str, Callable[[], int]]:
    """Return the ways to read a stream; each returns how many deltas it saw."""
    raw_client = httpx.Client()
    handler = StreamingRetryHandler("k", base_url=url)

    def raw() -> int:
        body = {"model": "gpt-4.1", "messages": ASK, "stream": True}
        with raw_client.stream("POST", f"{url}/chat/completions", json=body) as response:
            return sum(map(len, response.iter_raw())) // len(event({"content": "token "}))

    def engine() -> int:
        return sum(1 for _ in handler.stream_with_retry("gpt-4.1", ASK))

    found: dict[str, Callable[[], int]] = {"httpx iter_raw": raw, "engine": engine}
    if find_spec("openai"):
        from openai import OpenAI

        sdk = OpenAI(api_key="k", base_url=url)
        found["openai SDK"] = lambda: sum(
            bool(chunk.choices[0].delta.content)
            for chunk in sdk.chat.completions.create(model="gpt-4.1", messages=ASK, stream=True)
        )
    if find_spec("langchain_core"):
        from langchain_holysheep import ChatHolySheep

        ours = ChatHolySheep(model="gpt-4.1", api_key="k", base_url=url)
        found["ChatHolySheep.stream"] = lambda: sum(bool(c.text) for c in ours.stream("go"))
    if find_spec("langchain_openai"):
        from langchain_openai import ChatOpenAI

        theirs = ChatOpenAI(model="gpt-4.1", api_key="k", base_url=url)
        found["ChatOpenAI.stream"] = lambda: sum(bool(c.text) for c in theirs.stream("go"))
    if find_spec("llama_index"):
        from llama_index.core.llms import ChatMessage

        from llamaindex_holysheep import HolySheep

        go = [ChatMessage(role="user", content="go")]
        llm = HolySheep(model="gpt-4.1", api_key="k", api_base=url)
        found["HolySheep.stream_chat"] = lambda: sum(bool(r.delta) for r in llm.stream_chat(go))
    if find_spec("llama_index.llms") and find_spec("llama_index.llms.openai_like"):
        from llama_index.llms.openai_like import OpenAILike

        like = OpenAILike(model="gpt-4.1", api_key="k", api_base=url, is_chat_model=True)
        found["OpenAILike.stream_chat"] = lambda: sum(bool(r.delta) for r in like.stream_chat(go))
    return found


def main(deltas: int, rounds: int) -> None:
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(port, deltas), daemon=True)
    server.start()
    readers = paths(f"http://127.0.0.1:{port.get()}/v1")
    spent: dict[str, list[float]] = {name: [] for name in readers}
    for turn in range(rounds + 1):
        for name, read in readers.items():
            started = time.process_time()
            seen = read()
            if turn:  # the first round warms up
                spent[name].append((time.process_time() - started) / deltas)
            if seen != deltas:
                sys.exit(f"{name} saw {seen} of {deltas} deltas")
    server.terminate()
    base = statistics.median(spent["httpx iter_raw"])
    print(f"{deltas} deltas in one stream, median of {rounds} interleaved rounds, CPU per delta")
    print(f"{'path':28}{'x iter_raw':>12}{'µs':>8}")
    for name, times in spent.items():
        median = statistics.median(times)
        print(f"{name:28}{median / base:12.2f}{median * 1e6:8.1f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in (sys.argv[1:] + ["2000", "5"][len(sys.argv) - 1 :])))
