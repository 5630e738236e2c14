"""Whoever leaves a stream, in whatever way, leaves nothing behind; nor does a fork or a long answer.

`python -X dev tests/behaviour/test_resources.py` is the script of the first test: it leaves streams in every
way there is, with all warnings made errors.
"""

import asyncio
import gc
import http.server
import logging
import multiprocessing
import resource
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress

import pytest
from llama_index.core.llms import ChatMessage

from holysheep_core import HolySheepError, StreamingRetryHandler
from holysheep_core.simulator import Scenario, Simulator, cut
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

ASK = [{"role": "user", "content": "go"}]  # here, since this file is a script too
LONG = "".join(f"{n}. 양 한 마리가 울타리를 넘었다. " for n in range(100))


# -- every way to leave ---------------------------------------------------------------------


def streams(plugin, url, **settings):
    """Return a model's stream, and its async twin."""
    common = {"model": "gpt-4.1", "api_key": "k", **settings}
    if plugin == "langchain":
        llm = ChatHolySheep(base_url=url, **common)
        return (lambda: llm.stream("go")), (lambda: llm.astream("go"))
    llm = HolySheep(api_base=url, **common)

    async def astream():
        async for each in await llm.astream_chat([ChatMessage(role="user", content="go")]):
            yield each

    return (lambda: llm.stream_chat([ChatMessage(role="user", content="go")])), astream


class EnoughError(Exception):
    pass


def stop(_token):
    raise EnoughError


def closed(stream):
    next(stream)
    stream.close()


def dropped(stream):
    next(stream)
    del stream


def broken_off(stream):
    for _ in stream:
        break
    del stream


def raised_over(stream):
    with suppress(EnoughError):
        for token in stream:
            stop(token)


def failed(stream):
    try:
        list(stream)
    except (EnoughError, HolySheepError) as error:
        error.__traceback__ = None


async def aclosed(stream):
    await anext(stream)
    await stream.aclose()


async def adropped(stream):
    await anext(stream)
    del stream


async def cancelled(stream):
    async def read():
        async for _ in stream:
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def timed_out(stream):
    async def read():
        return [each async for each in stream]

    try:
        await asyncio.wait_for(read(), 0.1)
    except asyncio.TimeoutError:
        return
    raise AssertionError("it was to take longer")


async def afailed(stream):
    try:
        [each async for each in stream]
    except (EnoughError, HolySheepError) as error:
        error.__traceback__ = None


PLAIN, CALLBACK = {}, {"on_token": stop}
LASTING_CUT = {"resume": False, "max_retries": 0, "fallback_models": []}
WAYS = (
    *((way, PLAIN, ()) for way in (closed, dropped, broken_off, raised_over)),
    *((way, PLAIN, ()) for way in (aclosed, adropped, cancelled, timed_out)),
    *((way, CALLBACK, ()) for way in (failed, afailed)),
    *((way, LASTING_CUT, (cut(30, "fin", times=None),)) for way in (failed, afailed)),
)


def leave(simulator, plugin, way, settings, faults):
    """Leave one stream; returns whether the server saw the reader go, while nothing was collected."""
    script = simulator.add(Scenario(text=LONG, delay=0.02, faults=list(faults)))
    stream, astream = streams(plugin, script.base_url, **settings)

    async def here():
        await way(astream())
        return await asyncio.to_thread(is_left, script)

    if asyncio.iscoroutinefunction(way):
        return asyncio.run(here())
    way(stream())
    return is_left(script)


def is_left(script):
    until = time.monotonic() + 2
    while time.monotonic() < until:
        if all(each.client_gone or each.fault for each in script.requests):
            return bool(script.requests)
        time.sleep(0.005)
    return False


def main():
    """Leave streams in every way; what is printed is what was wrong."""
    warnings.simplefilter("error")
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # below: how slow this machine is
    sys.unraisablehook = lambda args: print("unraisable:", args.exc_value, args.object)
    with Simulator() as simulator:
        for plugin in ("langchain", "llamaindex"):
            for way, settings, faults in WAYS:
                gc.collect()
                gc.disable()  # it must not take a collection
                if not leave(simulator, plugin, way, settings, faults):
                    print(plugin, way.__name__, settings, "left its connection open")
                gc.enable()
                gc.collect()
    others = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    if others:
        print("threads:", others)


@pytest.mark.slow
def test_a_stream_left_in_any_way_closes_its_connection_and_warns_of_nothing():
    done = subprocess.run(
        [sys.executable, "-X", "dev", __file__],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


# -- forks ----------------------------------------------------------------------------------


def work(model, number, pipe):
    """Be a worker of a server that forks once its models are made."""
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(model.invoke("go").text)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    async def ask():
        results = await asyncio.gather(*(model.ainvoke("go") for _ in range(3)))
        return [each.text for each in results]

    for _ in range(2):
        answers += asyncio.run(ask())
    pipe.send((number, answers))


# Where Python warns that a process with threads forks: that is what such servers do.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_workers_share_a_model_and_no_connection(play):
    text = LONG[:300] + " The end."
    script = play(text, delay=0.002, faults=[cut(100, "fin", times=8)])
    model = ChatHolySheep(model="gpt-4.1", api_key="k", base_url=script.base_url)
    assert model.invoke("go").text == text  # a connection is open, and in the pool
    client = model._handler._clients.sync()
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    workers = [fork.Process(target=work, args=(model, n, there)) for n in range(4)]
    for worker in workers:
        worker.start()
    done = [here.recv() for _ in workers if here.poll(40)]
    for worker in workers:
        worker.join(10)
        assert worker.exitcode == 0
    assert sorted(number for number, _ in done) == [0, 1, 2, 3]
    assert {text for _, answers in done for text in answers} == {text}
    assert all(len(answers) == 9 for _, answers in done)
    assert model._handler._clients.sync() is client
    assert model.invoke("go").text == text


# -- a long answer --------------------------------------------------------------------------

TOKENS = 1_000_000


class Talker(http.server.BaseHTTPRequestHandler):
    """Serves one answer of a million tokens, up to the end of the connection."""

    def do_POST(self):
        # A request left unread in the socket would turn its end into a reset.
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        event = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n' * 1000
        for _ in range(TOKENS // 1000):
            self.wfile.write(event)
        end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
        self.wfile.write(end + b"data: [DONE]\n\n")

    def log_message(self, *_):
        """Say nothing of requests."""


def read_long(url):
    """Read it; prints characters, and KiB the process has grown by."""
    handler, count = StreamingRetryHandler("k", base_url=url), 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for token in handler.stream_with_retry("gpt-4.1", ASK):
        count += len(token)
    print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_stream_of_a_million_tokens_takes_less_than_a_hundred_bytes_for_each():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [sys.executable, __file__, f"http://127.0.0.1:{server.server_port}/v1"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=True)
        finally:
            server.shutdown()
    count, kilobytes = map(int, done.stdout.split())
    assert count == 5 * TOKENS
    # A Python string of five characters is 54 bytes, and eight more refer to it.
    assert kilobytes * 1024 < 100 * TOKENS


if __name__ == "__main__":
    read_long(sys.argv[1]) if sys.argv[1:] else main()
