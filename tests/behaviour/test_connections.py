"""A connection is used again only when it is known to be clean, and none is left behind."""

import asyncio
import gc
import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import anyio
import pytest
import trustme

from holysheep_core import (
    ConnectionDiscarded,
    Connections,
    HolySheepError,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
)
from support.libraries import OLD, load, made_with, with_both
from support.listening import stop_listening

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
FAST = RetryConfig(max_retries=2, base_delay=0.001)


def events(text):
    said = b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
    end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    return said % text + end


def head(status=b"200 OK", kind=b"text/event-stream", **headers):
    lines = [b"HTTP/1.1 " + status, b"content-type: " + kind]
    lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(text, end=b"0\r\n\r\n"):
    return head(transfer_encoding="chunked") + chunk(events(text)) + end


def measured(data, **kwargs):
    return head(content_length=len(data), **kwargs) + data


OWN, FOREIGN = chunked(b"own"), chunked(b"foreign")
JSON = b'{"choices":[{"message":{"content":"own"},"finish_reason":"stop"}]}'
ERROR = b'{"error":{"message":"no"}}'
PAUSE = None  # a moment between two writes

GLUED = {
    "chunked": [OWN + FOREIGN],
    "chunked, in two writes": [OWN[:-5], OWN[-5:] + FOREIGN],
    "the end split before its last LF": [OWN[:-1], OWN[-1:] + FOREIGN],
    "the end split in its middle": [OWN[:-3], PAUSE, OWN[-3:] + FOREIGN],
    "trailers": [chunked(b"own", b"0\r\nx-sum: 1\r\n\r\n") + FOREIGN],
    "an extension": [chunked(b"own", b"0;a=b\r\n\r\n") + FOREIGN],
    "a length": [measured(events(b"own")) + FOREIGN],
    "JSON": [measured(JSON, kind=b"application/json") + FOREIGN],
    "100 before": [b"HTTP/1.1 100 Continue\r\n\r\n" + OWN + FOREIGN],
    "100 behind": [OWN + b"HTTP/1.1 100 Continue\r\n\r\n" + FOREIGN],
    "204": [head(b"204 No Content") + FOREIGN],
    "304": [head(b"304 Not Modified") + FOREIGN],
    "429": [measured(ERROR, status=b"429 No", kind=b"application/json") + FOREIGN],
    "503": [measured(b"", status=b"503 No") + FOREIGN],
    "half a response": [OWN + b"HTTP/1.1 200 OK\r\n"],
    "a line end": [OWN + b"\r\n"],
    "a byte": [OWN + b"\0"],
    "while idle": [OWN, PAUSE, FOREIGN],
    "while idle, half": [OWN, PAUSE, b"HTTP/1.1 2"],
}


class Server:
    """Answers the first request with `first`, piece by piece, and all others with `OWN`."""

    def __init__(self, first=()):
        self._first = list(first)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.accepted = 0
        self.open = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                with self._lock:
                    self.accepted += 1
                    self.open.add(link)
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with suppress(OSError):
            while self.take(link):
                self.answer(link)
        with self._lock:
            self.open.discard(link)
        link.close()

    def answer(self, link):
        with self._lock:
            pieces, self._first = self._first or [OWN], []
        for piece in pieces:
            if piece is PAUSE:
                time.sleep(0.02)
            else:
                link.sendall(piece)

    @staticmethod
    def take(link):
        """Read a request; tell whether there was one."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = link.recv(65536)
            if not more:
                return False
            data += more
        top, _, body = data.partition(b"\r\n\r\n")
        left = int(top.lower().partition(b"content-length:")[2].split()[0]) - len(body)
        while left > 0:
            left -= len(link.recv(65536))
        return True

    def close(self):
        stop_listening(self._listener)
        with self._lock:
            for link in self.open:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
        self._thread.join(0.1)


@contextmanager
def serving(*args):
    server = Server(*args)
    try:
        yield server
    finally:
        server.close()


def handler_of(server, told, **settings):
    settings = {"config": FAST, "fallback_models": [], "base_url": server.url, **settings}
    return StreamingRetryHandler("k", on_event=told.append, allow_http=True, **settings)


# -- what lies behind a response ------------------------------------------------------------


def asked(server, told, between=time.sleep, **settings):
    with handler_of(server, told, **settings) as handler:
        for _ in range(3):
            try:
                yield handler.complete(*ASK)
            except HolySheepError as error:
                yield error
            between(0.05)


def asked_async(server, told, between=time.sleep, **settings):
    async def run():
        results = []
        async with handler_of(server, told, **settings) as handler:
            for _ in range(3):
                try:
                    results.append(await handler.acomplete(*ASK))
                except HolySheepError as error:
                    results.append(error)
                await asyncio.to_thread(between, 0.05)
        return results

    yield from asyncio.run(run())


@with_both
@pytest.mark.parametrize("ask", [asked, asked_async])
@pytest.mark.parametrize("name", GLUED)
def test_what_lies_behind_a_response_is_never_the_answer_to_the_next_request(name, ask, library):
    told = []
    with serving(GLUED[name]) as server:
        results = list(ask(server, told, **made_with(library, {})))
        assert server.accepted == 2, "the connection was used again"
    texts = [result.text for result in results if not isinstance(result, HolySheepError)]
    assert texts
    assert set(texts) == {"own"}
    discarded = [event for event in told if isinstance(event, ConnectionDiscarded)]
    assert len(discarded) == 1
    assert "the server sent" in str(discarded[0])


OUT_OF_SIGHT = ("while idle", "while idle, half")  # httpcore closes these, and says nothing


@pytest.mark.slow
@with_both
@pytest.mark.parametrize("use_async", [False, True])
@pytest.mark.parametrize("name", GLUED)
def test_nor_with_a_client_of_ones_own(name, use_async, library):
    told, texts, net = [], [], load(library)

    async def run(server):
        async with net.AsyncClient() as client:
            handler = handler_of(server, told, http_async_client=client)
            for _ in range(3):
                with suppress(HolySheepError):
                    texts.append((await handler.acomplete(*ASK)).text)
                await asyncio.sleep(0.05)

    with serving(GLUED[name]) as server:
        if use_async:
            asyncio.run(run(server))
        else:
            with net.Client() as client:
                handler = handler_of(server, told, http_client=client)
                for _ in range(3):
                    with suppress(HolySheepError):
                        texts.append(handler.complete(*ASK).text)
                    time.sleep(0.05)
        assert server.accepted == 2
    assert texts
    assert set(texts) == {"own"}
    discarded = [event for event in told if isinstance(event, ConnectionDiscarded)]
    assert len(discarded) == (0 if name in OUT_OF_SIGHT else 1)


@with_both
@pytest.mark.parametrize("ask", [asked, asked_async])
@pytest.mark.parametrize(
    "whole",
    [
        OWN,
        measured(events(b"own")),
        chunked(b"own", b"0\r\nx-sum: 1\r\n\r\n"),
        measured(JSON, kind=b"application/json"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + OWN,
    ],
)
def test_a_clean_connection_is_used_again(whole, ask, library):
    told, settings = [], made_with(library, {})
    with serving([whole]) as server:
        assert [result.text for result in ask(server, told, **settings)] == ["own"] * 3
        assert server.accepted == 1
    assert not [event for event in told if isinstance(event, ConnectionDiscarded)]


@pytest.mark.parametrize("ask", [asked, asked_async])
def test_a_connection_the_server_closed_is_replaced_without_a_word(ask):
    told = []

    def hang_up(seconds):
        for link in tuple(server.open):
            link.shutdown(socket.SHUT_RDWR)
        time.sleep(seconds)

    with serving() as server:
        assert [result.text for result in ask(server, told, hang_up)] == ["own"] * 3
        assert server.accepted == 3
    assert not [event for event in told if isinstance(event, ConnectionDiscarded)]


# -- calls that are cancelled ---------------------------------------------------------------


class Slow(Server):
    """Sends each answer in pieces with time between them, with TLS or without."""

    def __init__(self, tls=None):
        self._tls = tls
        super().__init__()

    def answer(self, link):
        for at in range(0, len(OWN), 100):
            link.sendall(OWN[at : at + 100])
            time.sleep(0.0003)

    def _serve(self, link):
        if self._tls is not None:
            link.settimeout(5)
            try:
                link = self._wrapped(link)
            except (OSError, ValueError):
                with self._lock:
                    self.open.discard(link)
                link.close()
                return
        super()._serve(link)

    def _wrapped(self, link):
        secure = self._tls.wrap_socket(link, server_side=True)
        with self._lock:
            self.open.discard(link)
            self.open.add(secure)
        return secure


def by_cancel(call, turns):
    async def run():
        task = asyncio.create_task(call)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        return await task

    return run()


def by_wait_for(call, turns):
    async def run():
        return await asyncio.wait_for(call, turns * 0.00005)

    return run()


def by_scope(call, turns):
    async def run():
        with anyio.fail_after(turns * 0.00005):
            return await call

    return run()


@pytest.fixture(scope="module")
def certificates():
    """Return TLS for a server on this machine, and for clients that trust it."""
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    return serving, trusting


def cancelled(counts):
    return counts["CancelledError"] + counts["TimeoutError"]


def settled(server, count):
    """Wait until the server has at most `count` connections open; return how many it has."""
    for _ in range(200):
        if len(server.open) <= count:
            break
        time.sleep(0.01)
    return len(server.open)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0, 10], ids=["new", "kept"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("cancel", "library"),
    [
        (by_cancel, "httpx"),
        (by_wait_for, "httpx"),
        (by_scope, "httpx"),
        pytest.param(by_cancel, "httpx2", marks=OLD),
    ],
)
def test_a_call_cancelled_at_any_moment_leaves_no_connection_behind(
    cancel, library, tls, kept, certificates
):
    serving_tls, trusting = certificates
    server = Slow(serving_tls if tls else None)
    url = server.url.replace("http:", "https:") if tls else server.url
    pool = Connections(max_connections=10, max_keepalive=kept, verify=trusting, library=library)

    async def run():
        counts = Counter()
        timeouts = Timeouts(connect=5, read=5)
        async with handler_of(server, [], base_url=url, connections=pool, timeouts=timeouts) as h:
            for turns in [*range(0, 201, 2)] * 4:
                if turns == 0 and cancelled(counts) >= 300:
                    break  # else a busy machine let too many come to their end
                # More at a time than there may be connections.
                calls = [cancel(h.acomplete(*ASK), turns + each % 2) for each in range(12)]
                for result in await asyncio.gather(*calls, return_exceptions=True):
                    counts[type(result).__name__] += 1
            for _ in range(3):
                answers = await asyncio.gather(*(h.acomplete(*ASK) for _ in range(10)))
                assert [answer.text for answer in answers] == ["own"] * 10
            assert settled(server, 10) <= 10
        return counts

    try:
        counts = asyncio.run(run())
        assert settled(server, 0) == 0
    finally:
        server.close()
    assert set(counts) <= {"CancelledError", "TimeoutError", "Completion"}, counts
    assert cancelled(counts) >= 300
    gc.collect()  # a socket that was not closed says so
