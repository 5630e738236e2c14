"""`Timeouts(min_rate=…)`: an answer far slower than its model's usual ones continues elsewhere."""

import asyncio
import time

import pytest

from holysheep_core import RetryConfig, Timeouts
from holysheep_core.engine import pace
from support.calls import ASK, MODEL, handler
from support.models import GO, langchain, llamaindex
from support.raw_server import RawServer
from support.sse import END, said

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
WORDS = [f"양 {number}마리, " for number in range(40)]
TEXT = "".join(WORDS)
SHOWN = 6


def answer(words, seconds):
    """An answer, a piece every so many seconds."""
    pieces = [{"after_s": 0.0, "bytes": HEAD}]
    pieces += [{"after_s": seconds, "bytes": said(word)} for word in words]
    return [*pieces, {"after_s": 0.0, "bytes": END}]


FAST = answer(WORDS, 0.005)
SLOW = answer(WORDS, 0.15)
REST = answer(["".join(WORDS[SHOWN - 4 :])], 0.0)


def with_handler(url, **settings):
    with handler(url, **settings) as client:
        return ["".join(client.stream_with_retry(MODEL, ASK)) for _ in range(4)]


def with_ahandler(url, **settings):
    async def run():
        async with handler(url, **settings) as client:
            texts = []
            for _ in range(4):
                pieces = [text async for text in client.astream_with_retry(MODEL, ASK)]
                texts.append("".join(pieces))
            return texts

    return asyncio.run(run())


def with_langchain(url, **settings):
    llm = langchain(url, **settings)
    return ["".join(chunk.text for chunk in llm.stream("go")) for _ in range(4)]


def with_llamaindex(url, **settings):
    llm = llamaindex(url, **settings)
    return ["".join(each.delta for each in llm.stream_chat(GO)) for _ in range(4)]


every_client = pytest.mark.parametrize(
    "ask", [with_handler, with_ahandler, with_langchain, with_llamaindex]
)


@pytest.fixture(autouse=True)
def short_windows(monkeypatch):
    monkeypatch.setattr(pace, "WINDOW", 0.6)
    monkeypatch.setattr(pace, "_TELLING", 0.05)


@pytest.fixture
def serve():
    servers = []

    def start(*answers):
        servers.append(RawServer(list(answers)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@every_client
def test_a_slow_answer_is_resumed_at_the_next_route(ask, serve):
    server = serve(FAST, FAST, FAST, SLOW, REST)
    texts = ask(server.url, timeouts=Timeouts(min_rate=0.2), retry=RetryConfig(max_retries=0))
    assert texts == [TEXT] * 4
    assert server.requests == 5


@pytest.mark.slow
@every_client
def test_without_another_route_a_slow_answer_is_read_to_its_end(ask, serve):
    server = serve(FAST, FAST, FAST, answer(WORDS, 0.05))
    texts = ask(server.url, timeouts=Timeouts(min_rate=0.9), fallback_models=[])
    assert texts == [TEXT] * 4
    assert server.requests == 4


@pytest.mark.slow
@every_client
def test_without_the_setting_nobody_is_asked_to_take_over(ask, serve):
    server = serve(FAST, FAST, FAST, answer(WORDS, 0.05))
    assert ask(server.url) == [TEXT] * 4
    assert server.requests == 4


def test_a_slow_reader_is_no_slow_stream(serve):
    server = serve(FAST)
    with handler(server.url, timeouts=Timeouts(min_rate=0.5)) as client:
        for _ in range(3):
            list(client.stream_with_retry(MODEL, ASK))
        got = ""
        for text in client.stream_with_retry(MODEL, ASK):
            got += text

            time.sleep(0.03)
    assert got == TEXT
    assert server.requests == 4
