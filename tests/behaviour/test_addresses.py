"""Names with several addresses, some of which are dead; and requests that take long to send."""

import asyncio
import gc
import socket
import threading
import time
from contextlib import suppress

import pytest

from holysheep_core import (
    APIConnectionError,
    Connections,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
)
from support.listening import stop_listening

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
BODY = (
    b'data: {"choices":[{"delta":{"content":"here"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
ANSWER = ANSWER % len(BODY) + BODY


class Node:
    """One address of a name: it answers, or accepts and says nothing, or hangs up."""

    def __init__(self, address, port, does):
        self.does = does
        self.accepted = self.open = 0
        self._links = []
        self._listener = socket.create_server((address, port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                self.accepted += 1
                self.open += 1
                self._links.append(link)
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with suppress(OSError):
            while link.recv(65536):
                if self.does == "hang up":
                    link.close()
                elif self.does == "answer":
                    link.sendall(ANSWER)
        self.open -= 1

    def close(self):
        stop_listening(self._listener)
        for link in self._links:
            link.close()


class Names:
    """A name service for "api.test"."""

    def __init__(self, monkeypatch):
        self.addresses = ["127.0.0.2", "127.0.0.1"]
        self.delay = 0.0
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host, port, *args, **kwargs):
        if host != "api.test":
            return self._real(host, port, *args, **kwargs)
        time.sleep(self.delay)
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in self.addresses]


@pytest.fixture
def names(monkeypatch):
    return Names(monkeypatch)


@pytest.fixture
def node():
    made = []

    def start(address, does, port=0):
        made.append(Node(address, port, does))
        return made[-1]

    yield start
    for each in made:
        each.close()


def sync_call(handler):
    with handler:
        return [handler.complete(*ASK) for _ in range(3)]


def async_call(handler):
    async def run():
        async with handler:
            return [await handler.acomplete(*ASK) for _ in range(3)]

    return asyncio.run(run())


def handler_of(port, **settings):
    settings = {"config": RetryConfig(max_retries=1, base_delay=0.01), **settings}
    return StreamingRetryHandler(
        "k",
        base_url=f"http://api.test:{port}/v1",
        allow_http=True,
        fallback_models=[],
        connections=Connections(max_keepalive=0),
        **settings,
    )


@pytest.mark.parametrize("call", [sync_call, async_call])
@pytest.mark.parametrize("dead", ["hang up", "be silent"])
def test_one_dead_address_of_two_costs_one_attempt_and_is_the_last_choice_then(
    dead, call, names, node
):
    first = node("127.0.0.2", dead)
    second = node("127.0.0.1", "answer", first.port)
    timeouts = Timeouts(connect=5, read=0.5)
    answers = call(handler_of(first.port, timeouts=timeouts))
    assert [answer.text for answer in answers] == ["here"] * 3
    assert [len(answer.attempts) for answer in answers] == [2, 1, 1]
    assert (first.accepted, second.accepted) == (1, 3)


@pytest.mark.parametrize("call", [sync_call, async_call])
def test_an_address_that_refuses_costs_nothing(call, names, node):
    only = node("127.0.0.1", "answer")
    answers = call(handler_of(only.port))
    assert [len(answer.attempts) for answer in answers] == [1, 1, 1]


def test_an_address_that_dies_is_forgotten(names, node):
    first = node("127.0.0.2", "answer")
    second = node("127.0.0.1", "answer", first.port)
    handler = handler_of(first.port, timeouts=Timeouts(connect=5, read=0.5))
    with handler:
        assert handler.complete(*ASK).text == "here"
        first.does = "hang up"
        answer = handler.complete(*ASK)
        assert len(answer.attempts) == 2
        assert len(handler.complete(*ASK).attempts) == 1
    assert second.accepted == 2


@pytest.mark.parametrize("call", [sync_call, async_call])
def test_connect_bounds_the_name_service_and_all_addresses_together(call, names):
    names.delay = 0.3
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    names.addresses = ["127.0.0.1"] * 3
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    once = RetryConfig(max_retries=0)
    started = time.monotonic()
    with pytest.raises(APIConnectionError):
        call(handler_of(port, timeouts=Timeouts(connect=0.6, read=5), config=once))
    assert time.monotonic() - started < 2
    for each in (*fillers, full):
        each.close()


@pytest.mark.parametrize("call", [sync_call, async_call])
def test_a_name_service_that_is_silent_ends_with_the_connect_limit(call, names):
    names.delay = 3.0
    once = RetryConfig(max_retries=0)
    started = time.monotonic()
    handler = handler_of(9, timeouts=Timeouts(connect=0.3, read=5), config=once)
    with pytest.raises(APIConnectionError, match="name service"):
        call(handler)
    assert time.monotonic() - started < (2 if call is sync_call else 5)  # asyncio.run waits


def test_a_race_that_is_cancelled_at_any_moment_leaves_no_connection_behind(names, node):
    names.addresses = ["127.0.0.3", "127.0.0.2", "127.0.0.1"]  # the first refuses
    first = node("127.0.0.2", "answer")
    second = node("127.0.0.1", "answer", first.port)

    async def run():
        # No address is remembered, so that every call has a race.
        async with StreamingRetryHandler(
            "k",
            base_url=f"http://api.test:{first.port}/v1",
            allow_http=True,
            connections=Connections(max_keepalive=0, dns_ttl=0),
        ) as handler:
            for turns in range(200):
                task = asyncio.create_task(handler.acomplete(*ASK))
                if turns % 2:
                    await asyncio.sleep(turns * 0.00002)
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            assert (await handler.acomplete(*ASK)).text == "here"

    asyncio.run(run())
    for _ in range(200):
        if not first.open + second.open:
            break
        time.sleep(0.01)
    assert (first.open, second.open) == (0, 0)
    assert first.accepted > 20
    gc.collect()  # a socket that was not closed says so


# -- uploads --------------------------------------------------------------------------------


class Reader:
    """Reads a request at its own pace, then answers; or stops reading."""

    def __init__(self, *, stops=False):
        self._stops = stops
        self._over = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with link, suppress(OSError):
            head = link.recv(65536)
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            left = length - len(head.partition(b"\r\n\r\n")[2])
            while left > 0 and not self._stops:
                for _ in range(8):
                    left -= len(link.recv(min(65536, left))) if left > 0 else 0
                time.sleep(0.02)
            if self._stops:
                self._over.wait(20)
            link.sendall(ANSWER)

    def close(self):
        self._over.set()
        stop_listening(self._listener)


LARGE = [{"role": "user", "content": "x" * 24_000_000}]


def sync_upload(handler):
    with handler:
        return handler.complete("gpt-4.1", LARGE)


def async_upload(handler):
    async def run():
        async with handler:
            return await handler.acomplete("gpt-4.1", LARGE)

    return asyncio.run(run())


def uploading(reader, **timeouts):
    return StreamingRetryHandler(
        "k",
        base_url=reader.url,
        config=RetryConfig(max_retries=0),
        fallback_models=[],
        timeouts=Timeouts(**timeouts),
    )


@pytest.mark.parametrize("upload", [sync_upload, async_upload])
def test_a_long_upload_that_goes_on_may_take_longer_than_any_other_limit(upload):
    reader = Reader()
    started = time.monotonic()
    try:
        answer = upload(uploading(reader, connect=0.4, read=0.4, write=5))
    finally:
        reader.close()
    assert answer.text == "here"
    assert time.monotonic() - started > 0.8


@pytest.mark.parametrize("upload", [sync_upload, async_upload])
@pytest.mark.parametrize("limit", [{"write": 0.4}, {"total": 0.4}])
def test_an_upload_that_stands_still_ends_in_time(limit, upload):
    reader = Reader(stops=True)
    started = time.monotonic()
    try:
        with pytest.raises(TimeoutError if "total" in limit else APIConnectionError):
            upload(uploading(reader, connect=10, read=10, **limit))
    finally:
        reader.close()
    assert time.monotonic() - started < 4


def test_the_default_is_ten_minutes():
    assert Timeouts().write == 600.0
