"""A wrong port, scheme, name or certificate: one clear error, soon, and no other model asked."""

import contextlib
import socket
import socketserver
import ssl
import threading

import pytest
import trustme

from holysheep_core import (
    APIConnectionError,
    Connections,
    ConnectTimeoutError,
    Provider,
    Timeouts,
    TLSError,
)
from support.calls import MODEL
from support.models import every_way

SSH = b"SSH-2.0-OpenSSH_9.6\r\n"


@contextlib.contextmanager
def serving(handle):
    """Give the port of a server that hands each connection to `handle`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                handle(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextlib.contextmanager
def refused():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}/v1"


@contextlib.contextmanager
def no_such_name():
    yield "https://api.nowhere.invalid/v1"


@contextlib.contextmanager
def plain_http_behind_https():
    def answer(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    with serving(answer) as port:
        yield f"https://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def another_authority():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    def answer(connection):
        context.wrap_socket(connection, server_side=True)

    with serving(answer) as port:
        yield f"https://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def another_protocol():
    def answer(connection):
        connection.sendall(SSH)
        connection.recv(65536)

    with serving(answer) as port:
        yield f"http://127.0.0.1:{port}/v1"


CONNECTION, TLS = "Check base_url, the network, and the proxy", "set SSL_CERT_FILE"
PLACES = {
    "a closed port": (refused, APIConnectionError, CONNECTION),
    "no such name": (no_such_name, APIConnectionError, CONNECTION),
    "plain http behind https": (plain_http_behind_https, TLSError, TLS),
    "a certificate of another authority": (another_authority, TLSError, TLS),
    "another protocol": (another_protocol, APIConnectionError, CONNECTION),
}


@every_way
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_address_is_an_error_soon_that_says_what_to_check(place, ask):
    at, kind, advice = PLACES[place]
    with at() as url, pytest.raises(kind) as raised:
        ask(url)
    error = raised.value
    assert {attempt.model for attempt in error.attempts} == {MODEL}  # no other one is asked there
    assert kind is not TLSError or len(error.attempts) == 1
    assert error.attempts[-1].started < 2.0  # with waits: `test_policy`
    assert advice in str(error)
    often = "once" if len(error.attempts) == 1 else f"{len(error.attempts)} times"
    assert f"Tried {often} in " in str(error)


@pytest.mark.slow
@every_way
def test_a_silent_address_that_never_answered_is_asked_no_more_after_two_seconds(ask):
    with contextlib.ExitStack() as open_, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        for _ in range(3):  # the queue is full, so that the kernel answers no more
            waiting = open_.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        with pytest.raises(ConnectTimeoutError, match="Check base_url") as raised:
            ask(url, timeouts=Timeouts(first_connect=0.7))
    assert {attempt.model for attempt in raised.value.attempts} == {MODEL}
    assert all(attempt.started < 2.0 for attempt in raised.value.attempts)
    assert len(raised.value.attempts) <= 3


@every_way
@pytest.mark.parametrize("place", PLACES)
def test_another_provider_takes_over_at_once(place, ask, play):
    script = play(text="안녕, sheep!")
    with PLACES[place][0]() as url:
        other = Provider("k2-12345678", script.base_url, name="other")
        assert ask(url, providers=[other]) == "안녕, sheep!"
    assert len(script.requests) == 1


@every_way
def test_a_certificate_that_is_trusted_is_no_mistake(ask):
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    event = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
    body = event + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"

    def answer(connection):
        with server.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(head % len(body) + body)
            secure.recv(1)

    with serving(answer) as port:
        url = f"https://127.0.0.1:{port}/v1"
        assert ask(url, connections=Connections(verify=client)) == "hi"
