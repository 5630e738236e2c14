"""Many streams in one process: CPU, delay and memory, each reader in a process of its own.

Every stream gets a delta each 59 ms (17 a second), with the time it was sent in it. Streams start one
after the other, and what counts is what arrives when all of them run.

    python tests/benchmarks/speed/crowd.py READER STREAMS URL      prints one line of JSON
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from memory import resident

GAP_MS = 59
RAMP_PER_STREAM = 0.003
SECONDS = 5.0  # of measuring
PATIENCE = 10.0  # for readers that have fallen behind
LIMIT = 0.25  # a 99th percentile of more than this is a crowd too large

Texts = Callable[[str], AsyncIterator[str]]


@dataclass(frozen=True)
class Crowd:
    """What came of one run.

    Attributes:
        cpu: Seconds of CPU per second.
        per_delta: Seconds of CPU per delta.
        median: Seconds from the server's write to the reader, for half of the deltas.
        late: The same, for 99 of 100.
        memory: KiB per stream, at most.
    """

    cpu: float
    per_delta: float
    median: float
    late: float
    memory: float


def engine() -> Texts:
    """Return the engine's reader."""
    from holysheep_core import StreamingRetryHandler

    handlers: dict[str, StreamingRetryHandler] = {}

    def texts(url: str) -> AsyncIterator[str]:
        if url not in handlers:
            handlers[url] = StreamingRetryHandler("k", base_url=url)
        return handlers[url].astream_with_retry("gpt-4.1", [{"role": "user", "content": "go"}])

    return texts


def chat_model(make: Callable[[str], object]) -> Texts:
    """Return a LangChain model's reader."""
    models: dict[str, object] = {}

    async def texts(url: str) -> AsyncIterator[str]:
        if url not in models:
            models[url] = make(url)
        async for chunk in models[url].astream("go"):
            yield chunk.content

    return texts


def holysheep() -> Texts:
    """Return ChatHolySheep's reader."""
    from langchain_holysheep import ChatHolySheep

    return chat_model(lambda url: ChatHolySheep(model="m", api_key="k", base_url=url))


def openai_chat() -> Texts:
    """Return ChatOpenAI's reader."""
    from langchain_openai import ChatOpenAI

    return chat_model(lambda url: ChatOpenAI(model="m", api_key="k", base_url=url))


def openai_sdk() -> Texts:
    """Return the SDK's reader."""
    from openai import AsyncOpenAI

    clients: dict[str, AsyncOpenAI] = {}

    async def texts(url: str) -> AsyncIterator[str]:
        if url not in clients:
            clients[url] = AsyncOpenAI(api_key="k", base_url=url)
        create = clients[url].chat.completions.create
        messages = [{"role": "user", "content": "go"}]
        async for chunk in await create(model="gpt-4.1", messages=messages, stream=True):
            yield chunk.choices[0].delta.content or ""

    return texts


def floor() -> Texts:
    """Return a reader that is LangChain and no network: what it remembers of each stream."""
    from framework_readers import Floor, deltas_of

    from holysheep_core import Delta
    from langchain_holysheep.chunks import delta_chunk

    class Paced(Floor):
        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            for _ in range(deltas_of(self.url)):
                await asyncio.sleep(GAP_MS / 1000)
                yield delta_chunk(Delta(f"{time.monotonic():.6f} "))

    return chat_model(lambda url: Paced(url=url, built=True))


def engine_on_aiohttp() -> Texts:
    """Return the engine's reader, over another library's parser and sockets."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    from holysheep_core import StreamingRetryHandler

    handlers: dict[str, StreamingRetryHandler] = {}

    def texts(url: str) -> AsyncIterator[str]:
        if url not in handlers:
            limits = httpx.Limits(max_connections=100_000)  # None would be aiohttp's 100
            client = httpx.AsyncClient(transport=AiohttpTransport(limits=limits))
            handlers[url] = StreamingRetryHandler("k", base_url=url, http_async_client=client)
        return handlers[url].astream_with_retry("gpt-4.1", [{"role": "user", "content": "go"}])

    return texts


AIOHTTP = "engine on httpx-aiohttp"
READERS: dict[str, Callable[[], Texts]] = {
    "engine": engine,
    AIOHTTP: engine_on_aiohttp,
    "ChatHolySheep": holysheep,
    "openai SDK": openai_sdk,
    "ChatOpenAI": openai_chat,
    "LangChain alone": floor,
}


async def _run(texts: Texts, streams: int, url: str) -> Crowd:
    ramp = 1.0 + streams * RAMP_PER_STREAM
    deltas = round((ramp + SECONDS) * 1000 / GAP_MS)  # the last ones end later than the rest
    paced = f"{url}/paced-{deltas}-{GAP_MS}/v1"
    async for _ in texts(f"{url}/flood-5/v1"):
        pass
    async for _ in texts(paced.replace(f"-{deltas}-", "-2-")):
        pass
    gc.collect()
    gc.freeze()
    before = resident()
    begin = time.monotonic() + ramp
    delays: list[list[float]] = [[] for _ in range(streams)]

    async def one(number: int) -> None:
        await asyncio.sleep(1.0 + number * RAMP_PER_STREAM)
        async for text in texts(paced):
            sent = float(text) if text[:1].isdigit() else 0.0
            if begin < sent < begin + SECONDS:
                delays[number].append(time.monotonic() - sent)

    readers = [asyncio.create_task(one(number)) for number in range(streams)]
    await asyncio.sleep(ramp)
    started, spent = time.monotonic(), time.process_time()
    await asyncio.sleep(SECONDS)
    lasted, cpu = time.monotonic() - started, time.process_time() - spent
    memory = (resident() - before) / streams / 1024
    finished, behind = await asyncio.wait(readers, timeout=PATIENCE)
    for reader in finished:
        reader.result()
    for number, reader in enumerate(readers):
        if reader in behind:  # it has not even seen all of them: the latest of all
            missing = round(SECONDS * 1000 / GAP_MS) - len(delays[number])
            delays[number] += [PATIENCE] * max(0, missing)
    every = [delay for each in delays for delay in each]
    cuts = statistics.quantiles(every, n=100)
    return Crowd(cpu / lasted, cpu / len(every), cuts[49], cuts[98], memory)


def run(reader: str, streams: int, url: str) -> Crowd | None:
    """Run a crowd in a process of its own; None if it is stuck, its loop busy for a minute."""
    command = [sys.executable, __file__, reader, str(streams), url]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None
    return Crowd(**json.loads(done.stdout))


def capacity(reader: str, url: str, start: int = 50) -> int:
    """Return the largest crowd, in steps of a quarter, of which the late are not too late."""
    best, streams = 0, start
    while (crowd := run(reader, streams, url)) is not None and crowd.late <= LIMIT:
        best, streams = streams, round(streams * 1.25)
    return best


def main() -> None:
    """Run a crowd here, and print what came of it."""
    sys.path.insert(0, str(Path(__file__).parent))
    reader, streams, url = sys.argv[1:]

    async def measure() -> None:
        crowd = await _run(READERS[reader](), int(streams), url)
        print(json.dumps(crowd.__dict__), flush=True)
        os._exit(0)  # a crowd that has fallen behind takes minutes to be cancelled

    asyncio.run(measure())


if __name__ == "__main__":
    main()
