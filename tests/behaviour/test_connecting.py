"""Names, TLS and proxies, over real sockets."""

import asyncio
import re
import socket
import socketserver
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import hypercorn.asyncio
import hypercorn.config
import pytest
import trustme

from holysheep_core import (
    APIConnectionError,
    Connections,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
    create_resilient_async_client,
    create_resilient_client,
)
from support.calls import CALL
from support.libraries import NAMES, made_with

ONCE = RetryConfig(max_retries=0)


class Names:
    """A name service for "*.test", under our thumb."""

    def __init__(self, monkeypatch):
        self.where = "127.0.0.1"
        self.works = True
        self.asked = 0
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if not (name or "").endswith(".test"):
            return self._real(host, *args, **kwargs)
        self.asked += 1
        if not self.works:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._real(self.where, *args, **kwargs)


@pytest.fixture
def names(monkeypatch):
    return Names(monkeypatch)


def named(script):
    return script.base_url.replace("127.0.0.1", "api.test")


class Sync:
    def __init__(self, url, **settings):
        settings = {"config": ONCE, "fallback_models": [], **settings}
        self.handler = StreamingRetryHandler("k", base_url=url, allow_http=True, **settings)

    def ask(self):
        return self.handler.complete(*CALL).text

    def close(self):
        self.handler.close()


class Async(Sync):
    def __init__(self, url, **settings):
        super().__init__(url, **settings)
        self.loop = asyncio.new_event_loop()

    def ask(self):
        return self.loop.run_until_complete(self.handler.acomplete(*CALL)).text

    def close(self):
        self.loop.run_until_complete(self.handler.aclose())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def secure():
    """Start servers with TLS; they end after the clients, whose idle connections they wait for."""
    with ExitStack() as servers:

        def start(name="api.test"):
            server = servers.enter_context(Secure(name))
            return server, f"https://api.test:{server.port}/v1"

        yield start


@pytest.fixture(params=NAMES)
def library(request):
    return request.param


@pytest.fixture(params=[Sync, Async])
def open_client(request, secure, library):
    opened = []

    def client(url, **settings):
        made = request.param(url, **made_with(library, settings))
        opened.append(made)
        return made

    yield client
    for each in opened:
        each.close()


NO_KEEPALIVE = {"max_keepalive": 0}  # a new connection for each request


def test_an_address_that_worked_is_dialled_without_asking_again(play, text, names, open_client):
    client = open_client(named(play()), connections=Connections(**NO_KEEPALIVE))
    assert [client.ask() for _ in range(3)] == [text] * 3
    assert names.asked == 1


def test_with_a_ttl_of_zero_every_connection_asks(play, text, names, open_client):
    client = open_client(named(play()), connections=Connections(dns_ttl=0, **NO_KEEPALIVE))
    assert [client.ask() for _ in range(3)] == [text] * 3
    assert names.asked == 3


def test_where_dns_fails_the_last_address_that_worked_is_dialled(play, text, names, open_client):
    client = open_client(named(play()), connections=Connections(dns_ttl=0, **NO_KEEPALIVE))
    assert client.ask() == text
    names.works = False
    assert client.ask() == text
    assert names.asked == 2


def test_a_name_that_never_worked_is_an_error(play, names, open_client):
    names.works = False
    with pytest.raises(APIConnectionError, match="name resolution"):
        open_client(named(play())).ask()


def test_an_address_that_moved_is_found_again_at_once(play, text, names, open_client):
    script = play()
    client = open_client(named(script), connections=Connections(**NO_KEEPALIVE))
    assert client.ask() == text
    for book in books_of(client):
        book.worked("api.test", urlsplit(script.base_url).port, "127.0.0.2", time.monotonic())
    assert client.ask() == text  # nothing listens at 127.0.0.2
    assert names.asked == 2


def books_of(client):
    clients = client.handler._clients
    held = [clients._own] if clients._own else []
    held += [each.client for each in clients._own_async.values()]
    return [each._transport._book for each in held]


SSE = b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":%s}]}\n\n'


class Secure:
    """A real HTTP server with TLS, for one name, that speaks HTTP/1.1 and HTTP/2."""

    def __init__(self, name):
        self.authority = trustme.CA()
        self.versions = []
        self.hosts = []
        self.silent = threading.Event()
        self._certificate = self.authority.issue_cert(name)
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def trusting(self):
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def __enter__(self):
        self._thread.start()
        while True:
            with (
                suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", self.port)),
            ):
                return self

    def __exit__(self, *exc_info):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self):
        with self._certificate.private_key_and_cert_chain_pem.tempfile() as pem:
            config = hypercorn.config.Config()
            config.bind = [f"127.0.0.1:{self.port}"]
            config.certfile = config.keyfile = pem
            config.accesslog = config.errorlog = None
            config.graceful_timeout = config.shutdown_timeout = config.keep_alive_timeout = 0.2
            serve = hypercorn.asyncio.serve(self._app, config, shutdown_trigger=self._stop.wait)
            self._loop.run_until_complete(serve)
            self._loop.close()

    async def _app(self, scope, receive, send):
        if scope["type"] != "http":
            return
        self.versions.append(scope["http_version"])
        self.hosts.append(dict(scope["headers"]).get(b"host", b"").decode())
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = SSE % ("안녕, ".encode(), b"null")
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if self.silent.is_set():
            await self._stop.wait()
        body = SSE % (b"sheep!", b'"stop"') + b"data: [DONE]\n\n"
        await send({"type": "http.response.body", "body": body})


def test_the_certificate_is_checked_against_the_name_whichever_way_it_was_dialled(
    names, secure, open_client
):
    server, url = secure()
    connections = Connections(verify=server.trusting(), **NO_KEEPALIVE)
    client = open_client(url, connections=connections)
    assert [client.ask() for _ in range(2)] == ["안녕, sheep!"] * 2
    assert names.asked == 1
    assert set(server.hosts) == {f"api.test:{server.port}"}


def test_a_certificate_for_another_name_is_refused_also_at_a_known_address(
    names, secure, open_client
):
    server, url = secure("other.test")
    client = open_client(url, connections=Connections(verify=server.trusting(), **NO_KEEPALIVE))
    for _ in range(2):
        with pytest.raises(APIConnectionError, match="certificate"):
            client.ask()
    assert not server.versions  # no request, and no key, went out


def test_an_unknown_authority_is_refused(names, secure, open_client):
    _, url = secure()
    with pytest.raises(APIConnectionError, match="certificate"):
        open_client(url).ask()


def test_http_1_1_is_spoken_with_a_server_that_knows_http2(names, secure, open_client):
    server, url = secure()
    client = open_client(url, connections=Connections(verify=server.trusting()))
    assert [client.ask() for _ in range(2)] == ["안녕, sheep!"] * 2
    assert server.versions == ["1.1"] * 2


def test_a_stall_behind_tls_is_noticed_in_time_and_resumed(names, secure, open_client):
    server, url = secure()
    server.silent.set()
    client = open_client(
        url,
        connections=Connections(verify=server.trusting()),
        timeouts=Timeouts(stall=1.0),
        resume=False,
    )
    started = time.monotonic()
    with pytest.raises(Exception, match=r"1 s in mid-answer") as caught:
        client.ask()
    assert time.monotonic() - started < 4
    assert caught.value.partial == "안녕, "


class Proxy(socketserver.ThreadingTCPServer):
    """A forward proxy for plain http that notes who asked for what."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Forward)
        self.port = self.server_address[1]
        self.requests = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __exit__(self, *exc_info):
        self.shutdown()
        self.server_close()


class _Forward(socketserver.StreamRequestHandler):
    def handle(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline() or b"\r\n\r\n"
        self.server.requests.append(head.decode("latin-1"))
        target = urlsplit(head.split(b" ")[1].decode())
        origin = f"{target.scheme}://{target.netloc}".encode()
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
        body = self.rfile.read(length)
        with socket.create_connection((target.hostname, target.port)) as there:
            there.sendall(head.replace(origin, b"", 1) + body)
            with suppress(OSError):
                while data := there.recv(65536):
                    self.wfile.write(data)


def test_a_proxy_is_used_and_its_password_is_not_shown(play, text, open_client):
    script = play()
    with Proxy() as proxy:
        address = f"http://me:hush@127.0.0.1:{proxy.port}"
        connections = Connections(proxy=address)
        client = open_client(script.base_url, connections=connections)
        assert client.ask() == text
        assert proxy.requests[0].startswith(f"POST {script.base_url}/chat/completions ")
        assert "proxy-authorization" in proxy.requests[0].lower()
    assert "hush" not in repr(connections)


def test_a_proxy_that_is_not_there_is_an_error_without_its_password(play, open_client):
    connections = Connections(proxy="http://me:hush@127.0.0.1:9")
    with pytest.raises(APIConnectionError) as caught:
        open_client(play().base_url, connections=connections).ask()
    assert "hush" not in repr(caught.value) + str(caught.value)


def test_the_environments_proxy_is_used(play, text, monkeypatch):
    with Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        client = Sync(play().base_url)
        assert client.ask() == text
        client.close()
        assert len(proxy.requests) == 1


def test_a_resilient_client_serves_requests_of_ones_own(play, names):
    script = play()
    headers = {"x-mine": "yes"}
    with create_resilient_client(
        base_url=named(script), timeout=(5, 10), headers=headers
    ) as client:
        assert client.get("/models").json()["object"] == "list"
        assert (client.timeout.connect, client.timeout.read) == (5, 10)
        names.works = False
        assert client.get("/models").status_code == 200
        assert not client.follow_redirects


async def test_so_does_an_async_one(play, names):
    async with create_resilient_async_client(base_url=named(play())) as client:
        assert (await client.get("/models")).json()["object"] == "list"
        assert (client.timeout.connect, client.timeout.read) == (30, 60)
