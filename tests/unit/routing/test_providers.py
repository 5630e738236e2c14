"""A provider: a checked base URL, and a key that stays secret."""

import copy
import dataclasses
import json
import pickle

import msgspec
import pytest

from holysheep_core.errors import ConfigurationError
from holysheep_core.routing.providers import DEFAULT_BASE_URL, Provider, Route

KEY = "sk-very-secret"


ONE, TWO = Provider(KEY, name="one"), Provider("sk-2", name="two")


A, B, C = (Route(ONE, model) for model in ("deepseek-v3.2", "gemini-2.5-flash", "unheard-of"))


@pytest.mark.parametrize("key", [5, b"sk-1", ["sk-1"], ONE])
def test_a_key_that_is_no_text_is_refused_and_not_shown(key):
    with pytest.raises(ConfigurationError, match=r"^api_key of type") as caught:
        Provider(key)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize("key", ["", None])
def test_a_missing_key_is_refused_with_where_to_put_it(key):
    with pytest.raises(ConfigurationError, match=r"No API key\. Set the HOLYSHEEP_API_KEY"):
        Provider(key)


@pytest.mark.parametrize(
    "odd", [" ", "\n", "\r", "\t", "\0", "\x7f", "é", "키", "\u200b", "\u00a0", "“"]
)
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_key_with_a_character_no_key_has_is_refused_and_not_shown(odd, at):
    key = "sk-abc"[:at] + odd + "sk-abc"[at:]
    with pytest.raises(ConfigurationError) as refused:
        Provider(key)
    assert key.strip() not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *("", " ", "api.holysheep.ai/v1", "//api.holysheep.ai/v1", "localhost:8000/v1", "/v1"),
        *("https://", "https:///v1", "https:api.holysheep.ai", "https://[::1/v1", "http://:80/v1"),
        *("ftp://api.holysheep.ai", "file:///v1", "ws://api.holysheep.ai", "httpss://host/v1"),
        *(None, 5, b"https://api.holysheep.ai/v1"),
        *("https://host:port/v1", "https://host:99999/v1"),
        *("https://ho\nst/v1", "https://ho st/v1", "https://host/v\t1"),
    ],
)
def test_an_address_that_cannot_work_is_refused_by_name(url):
    with pytest.raises(ConfigurationError, match="base_url="):
        Provider(KEY, base_url=url)


@pytest.mark.parametrize("scheme", ["https", "http", "ftp"])
@pytest.mark.parametrize("who", ["user:pass-word@", ":pass-word@", "pass-word@"])
def test_a_password_in_an_address_is_refused_and_not_repeated(scheme, who):
    with pytest.raises(ConfigurationError) as refused:
        Provider(KEY, base_url=f"{scheme}://{who}api.holysheep.ai/v1")
    assert "pass-word" not in str(refused.value)


FAR = [
    "api.holysheep.ai",
    "10.0.0.1",
    "0.0.0.0",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "[2001:db8::1]",
]


NEAR = ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "api.localhost", "[::1]"]


@pytest.mark.parametrize("host", FAR)
@pytest.mark.parametrize("port", ["", ":8000"])
def test_plain_http_to_another_machine_is_refused_unless_allowed(host, port):
    url = f"http://{host}{port}/v1"
    with pytest.raises(ConfigurationError, match="allow_http=True"):
        Provider(KEY, base_url=url)
    assert Provider(KEY, base_url=url, allow_http=True).base_url == url


@pytest.mark.parametrize("host", NEAR)
@pytest.mark.parametrize("port", ["", ":8000"])
def test_plain_http_to_this_machine_is_fine(host, port):
    assert Provider(KEY, base_url=f"http://{host}{port}/v1").base_url == f"http://{host}{port}/v1"


@pytest.mark.parametrize(
    "end", ["", "/", "//", "/chat/completions", "/chat/completions/", " ", "\n", "/ "]
)
def test_an_address_is_tidied_to_one_that_paths_can_be_added_to(end):
    provider = Provider(KEY, base_url=f"https://api.holysheep.ai/v1{end}")
    assert provider.base_url == DEFAULT_BASE_URL
    assert provider.url == "https://api.holysheep.ai/v1/chat/completions"


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        lambda provider: f"{Route(provider, 'm')!r} {vars(provider)} {[provider]}",
        lambda provider: str(dataclasses.asdict(provider)),
        lambda provider: str(dataclasses.astuple(provider)),
        lambda provider: repr(copy.deepcopy(provider)) + repr(copy.copy(provider)),
        lambda provider: f"{provider.api_key} {provider.api_key!r} {provider.api_key!s}",
        lambda provider: json.dumps(dataclasses.asdict(provider), default=str),
    ],
)
def test_a_key_shows_in_nothing_that_is_printed(show):
    assert "one" in show(ONE) or "***" in show(ONE)
    assert KEY not in show(ONE)


def test_headers_which_may_hold_keys_too_are_not_in_a_repr():
    provider = Provider("sk-1", headers={"x-key": KEY})
    assert KEY not in f"{provider!r} {provider} {Route(provider, 'm')}"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "holder", [ONE, A, ONE.api_key, {"deep": [ONE]}], ids=lambda h: type(h).__name__
)
def test_a_key_is_never_pickled(holder, protocol):
    with pytest.raises(TypeError, match="API keys are not pickled"):
        pickle.dumps(holder, protocol)


def test_msgspec_writes_no_key_either():
    with pytest.raises(TypeError):
        msgspec.json.encode(ONE)


def test_the_key_is_sent_where_it_belongs_and_copies_keep_it():
    for provider in (ONE, copy.deepcopy(ONE), dataclasses.replace(ONE, name="x")):
        assert provider.request_headers()["authorization"] == f"Bearer {KEY}"


def test_users_headers_are_added_to_every_request():
    headers = Provider(KEY, headers={"x-team": "sheep"}).request_headers()
    assert (headers["x-team"], headers["accept"]) == ("sheep", "text/event-stream")
