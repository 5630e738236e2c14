"""Proxies of the settings and of the environment."""

import asyncio
import socket
import urllib.request

import httpx
import pytest
from httpx._utils import get_environment_proxies

from holysheep_core import (
    APIConnectionError,
    ConfigurationError,
    Connections,
    StreamingRetryHandler,
)
from holysheep_core.transport.httpx_client import make_async_client, make_client
from holysheep_core.transport.proxies import environment_proxies, read_proxy
from support.calls import ASK

ENVIRONMENTS = [
    {},
    {"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2", "ALL_PROXY": "http://c:3"},
    {"HTTPS_PROXY": "b:2"},
    {"HTTPS_PROXY": "http://b:2", "NO_PROXY": "one.test, .two.test,localhost,LOCALHOST"},
    {"ALL_PROXY": "http://b:2", "NO_PROXY": "127.0.0.1,::1,10.0.0.0/8"},
    {"ALL_PROXY": "http://b:2", "NO_PROXY": "https://three.test,,"},
    {"ALL_PROXY": "http://b:2", "NO_PROXY": "one.test,*"},
]


@pytest.fixture
def environment(monkeypatch):
    for name in (*urllib.request.getproxies_environment(), "no"):
        for each in (f"{name}_proxy", f"{name}_proxy".upper()):
            monkeypatch.delenv(each, raising=False)

    def setenv(values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return setenv


@pytest.mark.parametrize("values", ENVIRONMENTS)
def test_the_environment_is_read_as_httpx_reads_it(values, environment):
    environment(values)
    assert environment_proxies() == get_environment_proxies()


@pytest.mark.parametrize("make", [make_client, make_async_client])
def test_each_url_goes_where_httpx_would_send_it(make, environment):
    environment({"HTTPS_PROXY": "http://b:2", "NO_PROXY": "one.test"})
    client, peer = make(), httpx.Client()
    for url in ("https://one.test", "https://two.test", "http://two.test", "https://x.one.test"):
        ours = client._transport_for_url(httpx.URL(url)) is client._transport
        assert ours == (peer._transport_for_url(httpx.URL(url)) is peer._transport)


def test_a_name_and_password_are_taken_out_of_the_url():
    proxy = read_proxy("http://me:hu%20sh@proxy.test:8080/")
    assert proxy.auth == (b"me", b"hu sh")
    assert (proxy.url.host, proxy.url.port) == (b"proxy.test", 8080)


@pytest.mark.parametrize("make", [make_client, make_async_client])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("socks4://me:hush@proxy.test", r"all://.*socks4://.*needs http://"),
        ("socks5://me:hush@proxy.test", r"pip install 'httpx\[socks\]'"),
        ("http://me:hush@proxy.test:no", "cannot be used"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_configuration_error(
    make, url, says, environment, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    environment({"ALL_PROXY": url})
    with pytest.raises(ConfigurationError, match=says) as caught:
        make()
    assert "hush" not in str(caught.value)


@pytest.fixture
def nobody(monkeypatch):
    """Return the address of a port where nothing listens, and a URL with a password for it."""
    for name in ("http", "https", "all", "no"):
        for each in (f"{name}_proxy", f"{name}_proxy".upper()):
            monkeypatch.delenv(each, raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}", f"http://me:hush@127.0.0.1:{port}"


def failures(**settings):
    handler = StreamingRetryHandler(
        "any-key", base_url="https://api.test/v1", max_retries=0, fallback_models=[], **settings
    )
    with pytest.raises(APIConnectionError) as sync:
        handler.complete("gpt-4.1", ASK)
    with pytest.raises(APIConnectionError) as asynchronous:
        asyncio.run(handler.acomplete("gpt-4.1", ASK))
    return str(sync.value), str(asynchronous.value)


def test_a_proxy_that_is_not_there_is_named_without_its_password(nobody):
    address, url = nobody
    for said in failures(connections=Connections(proxy=url)):
        named = f"No connection to the proxy {address} (Connections(proxy=…)) on the way to "
        assert said.startswith(f"{named}https://api.test")
        assert "hush" not in said


def test_a_proxy_of_the_environment_is_named_by_its_variable(nobody, monkeypatch):
    address, url = nobody
    monkeypatch.setenv("HTTPS_PROXY", url)
    for said in failures():
        assert f"to the proxy {address} (HTTPS_PROXY) on the way to https://api.test" in said
        assert "hush" not in said
