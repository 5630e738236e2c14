"""A web application's reader who goes away closes the upstream stream at once: a real uvicorn."""

import asyncio
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from holysheep_core import StreamingRetryHandler
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.waiting import wait_until

ASK = [{"role": "user", "content": "go"}]
LONG = "A sheep jumps over the fence. " * 400


async def by_handler(url):
    async with StreamingRetryHandler("k", base_url=url) as handler:
        async for token in handler.astream_with_retry("gpt-4.1", ASK):
            yield token


async def by_langchain(url):
    llm = ChatHolySheep(model="gpt-4.1", api_key="k", base_url=url)
    async for chunk in llm.astream("go"):
        yield chunk.text


async def by_llamaindex(url):
    llm = HolySheep(model="gpt-4.1", api_key="k", api_base=url)
    async for response in await llm.astream_complete("go"):
        yield response.delta


@pytest.fixture
def served():
    """Run an application in a uvicorn of its own; returns its address."""
    servers = []

    def serve(application):
        link = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [link]}, daemon=True)
        thread.start()
        servers.append((server, thread, link))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{link.getsockname()[1]}"

    yield serve
    for server, thread, link in servers:
        server.should_exit = True
        thread.join(10)
        link.close()
        assert not thread.is_alive()


@pytest.mark.parametrize("stream", [by_handler, by_langchain, by_llamaindex])
@pytest.mark.parametrize("after", [0, 1, 20])
def test_a_reader_who_disconnects_closes_the_upstream_stream(play, served, stream, after):
    script = play(LONG, delay=0.01)

    async def answer(request):
        return StreamingResponse(stream(script.base_url), media_type="text/plain")

    url = served(Starlette(routes=[Route("/", answer)]))
    with httpx.stream("GET", url, timeout=10) as response:
        got = response.iter_text()
        for _ in range(after):
            next(got)
        wait_until(lambda: script.requests)
    wait_until(lambda: script.requests[0].client_gone, 2)
    assert len(script.requests) == 1


@pytest.mark.parametrize("stream", [by_handler, by_langchain, by_llamaindex])
async def test_a_cancelled_task_closes_its_connection_within_a_loop_turn_of_its_end(play, stream):
    script, started = play(LONG, delay=0.01), asyncio.Event()

    async def read():
        async for _ in stream(script.base_url):
            started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(wait_until, lambda: script.requests[0].client_gone, 1)
