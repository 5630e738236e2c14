"""Servers and kernels that end, or restart, in mid-stream print nothing of ours and hang nowhere.

All are real processes. What they print beside an application whose stream is a loop with a
sleep in it, uvicorn's own lines, is taken as given.
"""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from jupyter_client.manager import KernelManager

from support.waiting import wait_until

LONG = "A sheep jumps over the fence. " * 2000
APPLICATION = """
import asyncio, os
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

url = os.environ["UPSTREAM"]
ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])


async def plain():
    while True:
        yield "word "
        await asyncio.sleep(0.005)


if url:
    from holysheep_core import StreamingRetryHandler
    from langchain_holysheep import ChatHolySheep
    from llamaindex_holysheep import HolySheep

    handler = StreamingRetryHandler("k", base_url=url)
    chat = ChatHolySheep(model="gpt-4.1", api_key="k", base_url=url)
    llm = HolySheep(model="gpt-4.1", api_key="k", api_base=url)


async def by_handler():
    async for token in handler.astream_with_retry(*ASK):
        yield token


async def by_langchain():
    async for chunk in chat.astream("go"):
        yield chunk.text


async def by_llamaindex():
    async for response in await llm.astream_complete("go"):
        yield response.delta


async def stream(request):
    tokens = globals()["by_" + request.path_params["face"]] if url else plain
    return StreamingResponse(tokens(), media_type="text/plain")


async def number(request):
    return StreamingResponse(iter([str(os.getpid())]), media_type="text/plain")


app = Starlette(routes=[Route("/pid", number), Route("/{face}", stream)])
"""
OURS = re.compile(
    "destroyed|never (closed|retrieved|awaited)|unclosed|ResourceWarning|Exception ignored"
    "|RuntimeError|HolySheepError|Interrupted|GeneratorExit"
)
FACES = ["handler", "langchain", "llamaindex"]
GRACE = ["--timeout-graceful-shutdown", "1"]
UVICORN = ["-m", "uvicorn", "application:app", "--log-level", "warning", *GRACE]
GUNICORN = ["-m", "gunicorn", "application:app", "-k", "uvicorn_worker.UvicornWorker"]
GUNICORN += ["--graceful-timeout", "1", "--workers", "2", "--log-level", "error"]


def free_port():
    with socket.socket() as link:
        link.bind(("127.0.0.1", 0))
        return link.getsockname()[1]


@contextmanager
def serving(folder, upstream, command):
    """Run an application's server; yields its process and its address."""
    (folder / "application.py").write_text(APPLICATION, "utf-8")
    port = free_port()
    where = ["--bind", f"127.0.0.1:{port}"] if "gunicorn" in command else ["--port", str(port)]
    variables = {"UPSTREAM": upstream, "PYTHONWARNINGS": "always::ResourceWarning"}
    process = subprocess.Popen(
        [sys.executable, *command, *where],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(url), 40)
        yield process, url
    finally:
        process.kill()
        process.wait()


def answers(url):
    try:
        return httpx.get(f"{url}/pid", timeout=5).text
    except httpx.TransportError:
        return ""


@contextmanager
def reading(url):
    """Read a stream of each kind, and be in the middle of them."""
    with httpx.Client(timeout=30) as client:
        opened = [client.stream("GET", f"{url}/{face}") for face in FACES]
        responses = [each.__enter__() for each in opened]
        for response in responses:
            assert next(response.iter_text())
        yield
        for response in responses:
            response.close()


def ended(process, seconds=15):
    """Wait for the end of a process; return what it printed."""
    begun = time.monotonic()
    said, _ = process.communicate(timeout=40)
    assert time.monotonic() - begun < seconds
    return said


def judge(said, plain):
    assert not OURS.findall(said), said
    assert said.count("Traceback") <= plain.count("Traceback"), said


def said_at_the_end(folder, upstream, command, signals):
    with serving(folder, upstream, command) as (process, url), reading(url):
        for each in signals:
            process.send_signal(each)
            time.sleep(0.3)
        return ended(process)


ENDS = {
    "uvicorn, SIGTERM": (UVICORN, [signal.SIGTERM]),
    "uvicorn, Ctrl-C": (UVICORN, [signal.SIGINT]),
    "uvicorn, Ctrl-C twice": (UVICORN, [signal.SIGINT, signal.SIGINT]),
    "gunicorn, SIGTERM": (GUNICORN, [signal.SIGTERM]),
    "gunicorn, Ctrl-C": (GUNICORN, [signal.SIGINT]),
}


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS)
def test_a_server_that_ends_in_mid_stream_prints_nothing_of_ours(play, tmp_path, end):
    script = play(LONG, delay=0.005)
    plain = said_at_the_end(tmp_path, "", *ENDS[end])
    judge(said_at_the_end(tmp_path, script.base_url, *ENDS[end]), plain)
    assert len(script.requests) == len(FACES)
    wait_until(lambda: all(request.client_gone for request in script.requests), 5)


@pytest.mark.slow
def test_a_server_that_reloads_in_mid_stream_prints_nothing_and_serves_on(play, tmp_path):
    script = play(LONG, delay=0.005)
    with serving(tmp_path, script.base_url, [*UVICORN, "--reload"]) as (process, url):
        before = answers(url)
        with reading(url):
            changed = APPLICATION + "\n# changed\n"
            (tmp_path / "application.py").write_text(changed, "utf-8")
            wait_until(lambda: answers(url) not in ("", before), 40)
        with reading(url):
            pass
        process.send_signal(signal.SIGINT)
        said = ended(process)
    judge(said, "Traceback " * len(FACES))  # uvicorn's, of each stream that it cancelled


CELL = """
from holysheep_core import StreamingRetryHandler
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
handler = StreamingRetryHandler("k", base_url={url!r})
chat = ChatHolySheep(model="gpt-4.1", api_key="k", base_url={url!r})
llm = HolySheep(model="gpt-4.1", api_key="k", api_base={url!r})
ASK = ("gpt-4.1", [{{"role": "user", "content": "go"}}])
"""
READS = {
    "handler": "for _ in handler.stream_with_retry(*ASK): print('+', flush=True)",
    "langchain": "for _ in chat.stream('go'): print('+', flush=True)",
    "llamaindex": "for _ in llm.stream_complete('go'): print('+', flush=True)",
    "handler, async": "async for _ in handler.astream_with_retry(*ASK): print('+', flush=True)",
    "langchain, async": "async for _ in chat.astream('go'): print('+', flush=True)",
    "llamaindex, async": (
        "async for _ in await llm.astream_complete('go'): print('+', flush=True)"
    ),
}


class Kernel:
    """A Jupyter kernel."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=40)

    def run(self, cell, *, interrupt=False):
        """Run a cell, and interrupt it when it has printed something; return all that it said."""
        asked = self.client.execute(cell)
        said, interrupted = [], False
        while True:
            message = self.client.get_iopub_msg(timeout=20)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return said
            if kind in ("stream", "error"):
                said.append((content.get("name", kind), content.get("text") or content["ename"]))
            if interrupt and said and not interrupted:
                interrupted = True
                self.manager.interrupt_kernel()

    def rest(self):
        """Return what is said when nothing runs."""
        said = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                return said
            if message["msg_type"] in ("stream", "error"):
                said.append(message["content"])

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture(scope="module")
def kernel():
    running = Kernel()
    yield running
    running.close()


@pytest.mark.parametrize("read", READS)
def test_an_interrupted_cell_says_so_and_no_more_and_the_next_one_runs(play, text, kernel, read):
    script = play(LONG, delay=0.005)
    assert kernel.run(CELL.format(url=script.base_url)) == []
    begun = time.monotonic()
    said = kernel.run(READS[read], interrupt=True)
    assert time.monotonic() - begun < 10
    assert [kind for kind, _ in said if kind != "stdout"] == ["error"], said
    assert said[-1][1] in ("KeyboardInterrupt", "CancelledError")
    wait_until(lambda: script.requests[-1].client_gone, 5)
    assert kernel.run(CELL.format(url=play().base_url)) == []
    said = kernel.run("import gc; gc.collect()\n" + READS[read])
    assert {kind for kind, _ in said} == {"stdout"}, said
    assert kernel.rest() == []
