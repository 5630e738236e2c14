"""No exception of a lower layer reaches the user raw, and none of the server's faults is theirs."""

import asyncio
import socket
import threading
import time
from contextlib import suppress
from functools import partial

import h2.exceptions
import pytest

from holysheep_core import (
    APIConnectionError,
    ConfigurationError,
    Connections,
    RetryConfig,
    StreamCutError,
    StreamingRetryHandler,
    StreamInterruptedError,
)
from holysheep_core.transport.exceptions import translate
from support.libraries import NAMES, load, made_with, with_both
from support.listening import stop_listening

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
ONCE = {"config": RetryConfig(max_retries=0), "fallback_models": [], "resume": False}
SAID = b'data: {"choices":[{"delta":{"content":"half"},"finish_reason":null}]}\n\n'
DONE = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class OddError(Exception):
    """What no table knows."""


def fails_to_send(error):
    def answer(request):
        raise error

    return answer


class Broken:
    """A body that fails, in the middle or when it is closed."""

    def __init__(self, error, *, at_close=False):
        self._pieces = [SAID, DONE] if at_close else [SAID]
        self._error, self._at_close = error, at_close

    def __iter__(self):
        yield from self._pieces
        if not self._at_close:
            raise self._error

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self):
        if self._at_close:
            raise self._error

    async def aclose(self):
        self.close()


def answers(net, **how):
    stream = type("Stream", (Broken, net.SyncByteStream, net.AsyncByteStream), {})(**how)
    return lambda request: net.Response(200, stream=stream)


def called(net, answer):
    with net.Client(transport=net.MockTransport(answer)) as client:
        return StreamingRetryHandler("k", http_client=client, **ONCE).complete(*ASK)


def called_async(net, answer):
    async def run():
        async with net.AsyncClient(transport=net.MockTransport(answer)) as client:
            handler = StreamingRetryHandler("k", http_async_client=client, **ONCE)
            return await handler.acomplete(*ASK)

    return asyncio.run(run())


@pytest.fixture(params=NAMES)
def net(request):
    """Return httpx or httpx2."""
    return load(request.param)


@pytest.fixture(params=[called, called_async])
def call(request, net):
    return partial(request.param, net)


@pytest.mark.parametrize("kind", [OddError, KeyError, AttributeError, OSError, ValueError])
def test_what_no_table_knows_is_a_typed_error_with_its_cause(kind, call):
    with pytest.raises(APIConnectionError, match=kind.__name__) as caught:
        call(fails_to_send(kind("because")))
    assert isinstance(caught.value.__cause__, kind)
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize("kind", [OddError, KeyError, AttributeError, RuntimeError, MemoryError])
def test_in_mid_answer_it_is_a_cut_with_the_partial(kind, call, net):
    with pytest.raises(StreamInterruptedError, match=kind.__name__) as caught:
        call(answers(net, error=kind("because")))
    assert caught.value.partial == "half"
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("kind", [OddError, RuntimeError, "CloseError"])
def test_an_answer_that_is_whole_stays_so_if_its_connection_cannot_be_closed(kind, call, net):
    kind = getattr(net, kind) if isinstance(kind, str) else kind
    assert call(answers(net, error=kind("because"), at_close=True)).text == "half"


def test_nor_does_that_disturb_a_reader_who_leaves(caplog, net):
    answer = answers(net, error=OddError("because"), at_close=True)
    with net.Client(transport=net.MockTransport(answer)) as client:
        handler = StreamingRetryHandler("k", http_client=client, **ONCE)
        tokens = handler.stream_with_retry(*ASK)
        assert next(tokens) == "half"
        tokens.close()
    assert "OddError('because')" in caplog.text


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ImportError("install socksio"), "package.*install socksio"),
        (RuntimeError("this event loop is not mine"), "one asyncio event loop only"),
        ("LocalProtocolError", "would not send"),
    ],
)
def test_what_the_user_can_mend_is_a_configuration_error(error, says, call, net):
    error = getattr(net, error)("Illegal header value") if isinstance(error, str) else error
    with pytest.raises(ConfigurationError, match=says) as caught:
        call(fails_to_send(error))
    assert caught.value.__cause__ is error


def raised_over_http2(net, error):
    """Raise what httpx makes of an error of the h2 library."""
    inside = load(net.__name__.replace("httpx", "httpcore")).LocalProtocolError(error)
    outside = net.LocalProtocolError(str(inside))
    outside.__cause__ = inside
    return outside


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        h2.exceptions.StreamClosedError(1),
        h2.exceptions.ProtocolError("Invalid input"),
        h2.exceptions.FlowControlError("too much"),
    ],
)
def test_errors_of_http2_are_the_servers(error, wrapped, call, net):
    error = raised_over_http2(net, error) if wrapped else error
    assert isinstance(translate(error), StreamCutError)
    with pytest.raises(APIConnectionError, match="HTTP/2"):
        call(fails_to_send(error))
    with pytest.raises(StreamInterruptedError, match="HTTP/2") as caught:
        call(answers(net, error=error))
    assert caught.value.partial == "half"


def test_without_an_asyncio_loop_an_async_call_says_what_to_do():
    handler = StreamingRetryHandler("k", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigurationError, match=r"trio\.to_thread\.run_sync"):
        handler.acomplete(*ASK).send(None)  # as trio would run it


@pytest.mark.parametrize("url", ["socks4://me:hush@127.0.0.1:9", "socks5://127.0.0.1:9"])
def test_a_proxy_of_the_environment_that_cannot_be_used_is_named(url, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, url)
    handler = StreamingRetryHandler("k", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigurationError, match="environment's proxy"):
        handler.complete(*ASK)
    with pytest.raises(ConfigurationError, match="environment's proxy"):
        asyncio.run(handler.acomplete(*ASK))
    with pytest.raises(ConfigurationError, match=r"httpx\[socks\]"):
        StreamingRetryHandler("k", connections=Connections(proxy="socks5://127.0.0.1:9")).complete(
            *ASK
        )


# -- a server that answers before it was told everything ------------------------------------


class Hasty:
    """Answers and ends its side when it has seen the head; may read what comes, or not."""

    def __init__(self, *, reads):
        self._reads = reads
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with link, suppress(OSError):
            link.recv(1000)
            body = SAID + DONE
            head = (
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
            )
            link.sendall(head % len(body) + body)
            link.shutdown(socket.SHUT_WR)
            if self._reads:
                while link.recv(65536):
                    pass
            else:
                self._over.wait(10)

    def close(self):
        self._over.set()
        stop_listening(self._listener)


@with_both
@pytest.mark.parametrize("reads", [True, False])
async def test_an_early_answer_to_a_large_request_is_read(reads, library):
    server = Hasty(reads=reads)
    large = [{"role": "user", "content": "x" * 20_000_000}]
    started = time.monotonic()
    try:
        settings = made_with(library, ONCE)
        async with StreamingRetryHandler("k", base_url=server.url, **settings) as handler:
            answer = await handler.acomplete("gpt-4.1", large)
    finally:
        server.close()
    assert answer.text == "half"
    assert time.monotonic() - started < 8
