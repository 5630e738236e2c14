"""Servers that mean harm, or have lost their mind: bounded time, bounded memory, a typed end.

Each test speaks over a real socket to a server of a few lines, which says the same to everybody
who calls, for as long as anybody listens.
"""

import asyncio
import gc
import gzip
import itertools
import socket
import threading
import time
import tracemalloc
import zlib
from contextlib import contextmanager, suppress

import pytest

import holysheep_core as core
from holysheep_core import HolySheepError, RetryConfig, StreamingRetryHandler, Timeouts
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK
from support.sse import END, event, said

# A server that says goodbye after each answer needs a moment for it: no retry at once.
pytestmark = pytest.mark.real_waits

SECONDS = 12
MEGABYTES = 80  # ten times the cap on an event: it is copied when it is put together
TEXT = "Three sheep, 양 세 마리."


class Drip(bytes):
    """A piece that is sent after a pause."""


def head(*lines, status="200 OK", kind="text/event-stream"):
    types = [f"content-type: {kind}"] if kind else []
    return "\r\n".join([f"HTTP/1.1 {status}", *types, *lines, "", ""]).encode()


WHOLE = said(TEXT) + END
HEAD = head()


def endless(piece, *, first=HEAD):
    return lambda: itertools.chain([first], itertools.repeat(piece))


def dripped(piece, *, first=b""):
    return lambda: itertools.chain([first], itertools.cycle(map(Drip, pieces_of(piece))))


def pieces_of(data):
    return [data[i : i + 1] for i in range(len(data))] if isinstance(data, bytes) else data


class Once(tuple):
    """What is said once: it ends by itself, on a machine however busy."""

    __slots__ = ()

    def __call__(self):
        return iter(self)


def once(*pieces):
    return Once(pieces)


def by_byte(data):
    return once(*pieces_of(data))


def coded(name, data):
    return once(head(f"content-encoding: {name}"), data)


def bomb(piece, megabytes=100):
    """Compress so much of a repeated piece, without having all of it in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = piece * (1_000_000 // len(piece))
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def surrogate(start=b"", end=b""):
    return start + rb'data: {"choices":[{"delta":{"content":"a\ud800b"}}]}' + b"\n\n" + end


DEEP = b"[" * 300_000


def refusal(value, status="429 Too Many Requests"):
    lines = (f"retry-after: {value}", "content-length: 2", "connection: close")
    return once(head(*lines, status=status) + b"{}")


INVALID, CONNECTION = core.InvalidResponseError, core.APIConnectionError
HOSTILE = {
    # -- the head
    "endless headers": (endless(b"x-a: b\r\n", first=b"HTTP/1.1 200 OK\r\n"), CONNECTION),
    "one endless header": (endless(b"x" * 4096, first=b"HTTP/1.1 200 OK\r\n"), CONNECTION),
    "headers by the byte": (dripped(b"x-a: b\r\n", first=b"HTTP/1.1 200 OK\r\n"), CONNECTION),
    "a flood of 1xx": (endless(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, first=b""), CONNECTION),
    "a trickle of 1xx": (dripped([b"HTTP/1.1 100 Continue\r\n\r\n"]), CONNECTION),
    "no HTTP": (endless(b"\0\xff\xfe\x16\x03", first=b""), CONNECTION),
    "a hundred hints, then the answer": (
        once(b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" * 100 + HEAD + WHOLE),
        TEXT,
    ),
    # -- lengths and framing
    "a length too long": (once(head("content-length: 99999") + WHOLE), TEXT),
    "a length too short": (
        once(head("content-length: 90") + WHOLE),
        core.StreamInterruptedError,
    ),
    "two lengths": (once(head("content-length: 5", "content-length: 6") + WHOLE), CONNECTION),
    "a negative length": (once(head("content-length: -5") + WHOLE), CONNECTION),
    "a length of thirty digits": (once(head("content-length: " + "9" * 30) + WHOLE), CONNECTION),
    # Without the close, the next request may be sent before the end of the connection is seen.
    "no content at all": (
        once(head("connection: close\r\ncontent-length: 0")),
        core.StreamTruncatedError,
    ),
    "a huge chunk": (once(head("transfer-encoding: chunked") + b"FFFFFFFF\r\n" + WHOLE), TEXT),
    "an impossible chunk": (
        once(head("transfer-encoding: chunked") + b"F" * 40 + b"\r\n" + WHOLE),
        CONNECTION,
    ),
    "an endless chunk extension": (
        endless(b";a=b" * 100, first=head("transfer-encoding: chunked") + b"5"),
        CONNECTION,
    ),
    "endless trailers": (
        endless(b"x-a: b\r\n" * 100, first=head("transfer-encoding: chunked") + b"0\r\n"),
        CONNECTION,
    ),
    "chunks of one byte": (
        once(
            head("transfer-encoding: chunked"),
            b"".join(b"1\r\n%c\r\n" % byte for byte in WHOLE),
        ),
        TEXT,
    ),
    # -- the stream
    "by the byte": (by_byte(HEAD + WHOLE), TEXT),
    "endless comments": (endless(b": keep-alive\n\n" * 1000), CONNECTION),
    "a trickle of comments": (dripped([b": keep-alive\n\n"], first=HEAD), CONNECTION),
    "one endless comment": (endless(b":" * 65536), (INVALID, CONNECTION)),
    "endless blank lines": (endless(b"\n" * 65536), CONNECTION),
    "endless carriage returns": (endless(b"\r" * 65536), CONNECTION),
    "endless pings": (endless(b"event: ping\ndata: \n\n" * 100), CONNECTION),
    "endless empty chunks": (endless(event(choices=[]) * 100), CONNECTION),
    "endless comments in mid-answer": (
        endless(b": keep-alive\n\n" * 1000, first=HEAD + said(TEXT)),
        core.StreamInterruptedError,
    ),
    "endless comments after the end": (endless(b": x\n\n" * 1000, first=HEAD + WHOLE), TEXT),
    "endless events after the end": (endless(said("more") * 100, first=HEAD + WHOLE), TEXT),
    "data that never ends": (endless(b"x" * 65536, first=HEAD + b"data: "), INVALID),
    "data that never ends, by the byte": (dripped(b"data: xxx", first=HEAD), CONNECTION),
    "endless lines of data": (endless(b"data: xxxx\n" * 4096), (INVALID, CONNECTION)),
    "endless empty lines of data": (endless(b"data\n" * 4096), (INVALID, CONNECTION)),
    "a gigantic event": (once(HEAD, said("x" * 9_000_000), END), "x" * 9_000_000),
    # -- compressed, though nobody asked
    "gzip": (coded("gzip", gzip.compress(WHOLE)), TEXT),
    "a gzip member for each event": (
        coded(
            "gzip", b"".join(gzip.compress(each + b"\n\n") for each in WHOLE.split(b"\n\n") if each)
        ),
        TEXT,
    ),
    "gzip by the byte": (by_byte(head("content-encoding: gzip") + gzip.compress(WHOLE)), TEXT),
    "gzip, cut": (coded("gzip", gzip.compress(WHOLE)[:-30]), core.StreamInterruptedError),
    "gzip of something else": (coded("gzip", WHOLE), CONNECTION),
    "deflate": (coded("deflate", zlib.compress(WHOLE)), TEXT),
    "a bomb": (coded("gzip", bomb(b"\0")), INVALID),
    "a bomb of comments": (endless(bomb(b":\n"), first=head("content-encoding: gzip")), CONNECTION),
    "a bomb in a refusal": (
        once(
            head("content-encoding: gzip", status="500 Oops", kind="application/json"), bomb(b" ")
        ),
        core.ServerError,
    ),
    "a bomb in a bomb": (coded("gzip, gzip", gzip.compress(bomb(b"\0"))), INVALID),
    "another coding": (coded("zstd", b"(\xb5/\xfd" + b"\0" * 999), INVALID),
    # -- JSON
    "deep JSON": (once(HEAD, b"data: " + DEEP + b"\n\n"), INVALID),
    "a deep event": (once(HEAD, b'data: {"x":' + DEEP + b"\n\n"), core.StreamCutError),
    "a deep event with half a character": (
        once(HEAD, rb'data: {"y":"\ud800","x":' + DEEP + b"\n\n"),
        core.StreamCutError,
    ),
    "a deep body": (once(head(kind="application/json"), b'{"x":' + DEEP), INVALID),
    "a deep error": (
        once(head(status="500 Oops", kind="application/json"), b'{"error":' + DEEP),
        core.ServerError,
    ),
    "nulls in the text": (once(HEAD, said("a\0b") + END), "a\0b"),
    "nulls between events": (once(HEAD, b"\0\n\0\n\n" + WHOLE), TEXT),
    "half a character": (once(HEAD, surrogate(end=END)), "a\ufffdb"),
    "half a character, then a cut": (
        once(HEAD, surrogate(said("A text of some words, "))),
        core.StreamInterruptedError,
    ),
    "half a character in an error": (
        once(HEAD, rb'data: {"error":{"message":"\ud800"}}' + b"\n\n"),
        core.ServerError,
    ),
    "an error code of thousands of digits": (
        once(HEAD, event(error={"code": "0" + "4" * 5000})),
        core.ServerError,
    ),
    "more tokens than there are": (
        once(HEAD, said(TEXT), event(choices=[], usage={"prompt_tokens": 1.7e308}), END),
        TEXT,
    ),
    "a thousand tool calls without a name": (
        once(
            HEAD,
            *(
                event(choices=[{"delta": {"tool_calls": [{"index": i, "id": str(i)}]}}])
                for i in range(1000)
            ),
            END,
        ),
        core.StreamInterruptedError,
    ),
    # -- content types
    "plain text": (once(head(kind="text/plain"), WHOLE), TEXT),
    "bytes": (once(head(kind="application/octet-stream"), WHOLE), TEXT),
    "no type": (once(head(kind=""), WHOLE), TEXT),
    "another charset": (once(head(kind="text/event-stream; charset=utf-16"), WHOLE), TEXT),
    "a page": (endless(b"<p>", first=head(kind="text/html")), INVALID),
    "a picture": (once(head(kind="image/png"), b"\x89PNG\r\n\x1a\n" + b"\0" * 999), INVALID),
    "JSON without end": (endless(b'{"a":' * 999, first=head(kind="application/json")), INVALID),
    "events called JSON": (once(head(kind="application/json"), WHOLE), TEXT),
    # -- refusals
    "an endless refusal": (endless(b"no " * 999, first=head(status="500 No")), core.ServerError),
    "a trickle of a refusal": (
        dripped(b"no ", first=head(status="503 No")),
        core.OverloadedError,
    ),
    **{
        f"retry-after {value[:12]!r}": (refusal(value), core.RateLimitError)
        for value in (
            *("-1", "-0", "nan", "inf", "-inf", "1e999", "1e-999", "0x10", "1_0", "", "9" * 5000),
            *("99999999999", "31536000", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001"),
        )
    },
    "retry-after of years from a 503": (
        refusal("31536000", "503 No"),
        core.OverloadedError,
    ),
}


@contextmanager
def server(answer):
    """Serve `answer` on every connection; at the end, nobody may have one open."""
    threads, stop = [], threading.Event()

    def speak(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(5)
        with connection, suppress(OSError):
            while b"\r\n\r\n" not in (asked := connection.recv(65536)):
                if not asked:
                    return
            for piece in answer():
                if stop.wait(0.01 if isinstance(piece, Drip) else 0):
                    return
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def accept():
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=speak, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            for thread in threads:
                thread.join(2)
                assert not thread.is_alive(), "the client left a connection open"
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(2)


@contextmanager
def bounded():
    """Let no more time and memory be used than anybody could mind."""
    tracemalloc.start()
    started = time.monotonic()
    try:
        yield
        assert time.monotonic() - started < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()


def settings_for(answer):
    patience = 10 if isinstance(answer, Once) else 0.5
    return {"timeouts": Timeouts(connect=5, read=patience), "fallback_models": []}


def engine(url, answer):
    return StreamingRetryHandler(
        "k",
        base_url=url,
        config=RetryConfig(base_delay=0.001, max_retries=1),
        resume=core.ResumeConfig(max_resumes=1),
        **settings_for(answer),
    )


def outcome(ask):
    """Return the text, or the error's class if it is one of ours."""
    try:
        return ask()
    except HolySheepError as error:
        assert len(str(error)) < 1000
        assert str(error).encode()
        return type(error)


def is_as_expected(got, expected):
    return got == expected if isinstance(expected, str) else issubclass(got, expected)


@pytest.mark.parametrize(
    "use_async",
    [pytest.param(False, id="sync"), pytest.param(True, id="async", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_little_and_ends_in_the_text_or_a_typed_error(name, use_async):
    answer, expected = HOSTILE[name]

    async def acomplete():
        async with engine(url, answer) as client:
            return (await client.acomplete("gpt-4.1", ASK)).text

    def complete():
        with engine(url, answer) as client:
            return client.complete("gpt-4.1", ASK).text

    with server(answer) as url, bounded():
        got = outcome((lambda: asyncio.run(acomplete())) if use_async else complete)
    assert is_as_expected(got, expected), got


THROUGH_PLUGINS = [
    "a flood of 1xx",
    "endless comments",
    "a bomb",
    "a deep event",
    "half a character",
    "retry-after '99999999999'",
]


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["langchain", "llamaindex"])
@pytest.mark.parametrize("name", THROUGH_PLUGINS)
def test_it_costs_as_little_through_a_plugin(name, plugin):
    answer, expected = HOSTILE[name]
    settings = {
        **settings_for(answer),
        "model": "gpt-4.1",
        "api_key": "k",
        "retry": RetryConfig(base_delay=0.001, max_retries=1),
    }

    def ask():
        if plugin == "langchain":
            return ChatHolySheep(base_url=url, **settings).invoke("go").text
        return HolySheep(api_base=url, **settings).complete("go").text

    with server(answer) as url, bounded():
        got = outcome(ask)
        gc.collect()  # a model nobody holds any more closes its connections when it is collected
    assert is_as_expected(got, expected), got
