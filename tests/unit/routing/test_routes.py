"""Where a request may go: checked addresses, keys that stay secret, a ladder that can serve it."""

import copy
import dataclasses
import json
import pickle

import msgspec
import pytest

from holysheep_core import catalog, smart_model_selector
from holysheep_core.catalog import ModelCard
from holysheep_core.config.retry import FallbackConfig
from holysheep_core.errors import ConfigurationError
from holysheep_core.routing.providers import DEFAULT_BASE_URL, Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import FallbackChain, build_ladder
from holysheep_core.secrets import Secret
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import ChatRequest

KEY = "sk-very-secret"
ONE, TWO = Provider(KEY, name="one"), Provider("sk-2", name="two")
A, B, C = (Route(ONE, model) for model in ("deepseek-v3.2", "gemini-2.5-flash", "unheard-of"))
A2, B2 = (Route(TWO, model) for model in ("deepseek-v3.2", "gemini-2.5-flash"))
IMAGE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]


@pytest.mark.parametrize("key", ["", None, 5, b"sk-1", ["sk-1"]])
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


def test_secrets_compare_by_value_alone():
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


@pytest.mark.parametrize(("now", "cooling"), [(0, True), (9.9, True), (10, False), (11, False)])
def test_a_route_cools_until_its_time_and_no_longer(now, cooling):
    route_states = RouteStates()
    route_states.cool(A, 0.0, 10)
    assert (route_states.state(A, now) == "open") is cooling
    assert route_states.state(B, now) == "closed"
    assert route_states.state(A2, now) == "closed"


def test_a_shorter_cooldown_does_not_end_a_longer_one_but_a_success_does():
    route_states = RouteStates()
    route_states.cool(A, 0.0, 10)
    route_states.cool(A, 0.0, 5)
    assert route_states.state(A, 7) == "open"
    for _ in range(2):
        route_states.succeeded(A, sent=6)
    assert route_states.state(A, 7) == "closed"


def chain(*routes, cooling=()):
    route_states = RouteStates()
    for route in cooling:
        route_states.cool(route, 0.0, 10)
    return FallbackChain(routes, route_states)


@pytest.mark.parametrize(
    ("cooling", "first"), [((), A), ((A,), B), ((A, B), C), ((B,), A), ((A, B, C), A)]
)
def test_the_first_route_is_the_best_that_is_not_cooling_else_the_best(cooling, first):
    assert chain(A, B, C, cooling=cooling).first(now=0) == first
    assert chain(A, B, C, cooling=cooling).first(now=10) == A


@pytest.mark.parametrize(
    ("tried", "cooling", "mode", "expected"),
    [
        ([A], (), {}, B),
        ([A, B], (), {}, A2),
        ([B], (), {}, A),
        ([A], (B,), {}, A2),
        ([A, B, A2], (), {}, B2),
        ([A, B, A2, B2], (), {}, None),
        ([A], (B, A2, B2), {}, None),
        ([A], (), {"other_provider": True}, A2),
        ([A], (A2,), {"other_provider": True}, B2),
        ([A, A2], (), {"other_provider": True}, None),
        ([A], (), {"wider": True}, B),
        ([A], (B,), {"wider": True}, B2),
        ([A, B], (), {"wider": True}, None),
        ([B], (), {"wider": True}, None),
        ([A], (), {"wider": True, "other_provider": True}, B2),
    ],
)
def test_the_next_route_is_the_best_untried_one_that_fits(tried, cooling, mode, expected):
    assert chain(A, B, A2, B2, cooling=cooling).next(tried, 0, **mode) == expected


def test_a_window_nobody_knows_is_never_called_wider():
    assert chain(A, C).next([A], 0, wider=True) is None
    assert chain(C, B).next([C], 0, wider=True) is None


def built(model="gpt-4.1", content="hi", *, models=None, providers=(ONE,), **params):
    request = ChatRequest(model, [{"role": "user", "content": content}], params)
    routes = build_ladder(request, providers, FallbackConfig(models=models), RouteStates()).routes
    return [(route.provider.name, route.model) for route in routes]


def models_of(*args, **settings):
    return [model for _, model in built(*args, **settings)]


@pytest.mark.parametrize(
    ("model", "models", "expected"),
    [
        ("gpt-4.1", None, ["gpt-4.1", "gemini-2.5-flash"]),
        ("unheard-of", None, ["unheard-of", "gemini-2.5-flash"]),
        ("gemini-2.5-flash", None, ["gemini-2.5-flash"]),
        ("gpt-4.1", [], ["gpt-4.1"]),
        ("gpt-4.1", ["b", "a"], ["gpt-4.1", "b", "a"]),
        ("gpt-4.1", ["b", "gpt-4.1", "b", "a"], ["gpt-4.1", "b", "a"]),
    ],
)
def test_the_ladder_is_the_model_asked_for_and_then_its_fallbacks(model, models, expected):
    assert models_of(model, models=models) == expected


def test_each_further_provider_has_the_same_ladder():
    assert built("a", models=["b"], providers=(ONE, TWO)) == [
        *(("one", "a"), ("one", "b")),
        *(("two", "a"), ("two", "b")),
    ]


LACKS = [
    ("toolless", "hi", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
    ("deepseek-v3.2", IMAGE, {}),
    ("deepseek-v3.2", "hi", {"response_format": {"type": "json_schema", "json_schema": {}}}),
    ("deepseek-v3.2", "양" * 200_000, {}),
    ("deepseek-v3.2", [{"type": "text", "text": "sheep " * 100_000}], {}),
]


@pytest.fixture(autouse=True)
def _a_model_without_tools(monkeypatch):
    monkeypatch.setitem(catalog.CATALOG.models, "toolless", ModelCard(tools=False))


@pytest.mark.parametrize(("model", "content", "params"), LACKS)
def test_a_fallback_that_lacks_what_the_request_needs_is_left_out(model, content, params):
    assert models_of("a", content, models=[model, "b"], **params) == ["a", "b"]


@pytest.mark.parametrize(("model", "content", "params"), LACKS)
def test_the_model_asked_for_is_never_left_out(model, content, params):
    assert models_of(model, content, models=["b"], **params) == [model, "b"]


@pytest.mark.parametrize("params", [{}, {"tools": None}, {"tools": []}, {"response_format": None}])
def test_a_plain_request_leaves_no_fallback_out(params):
    assert models_of("a", models=["toolless", "deepseek-v3.2"], **params)[1:] == [
        "toolless",
        "deepseek-v3.2",
    ]


def test_the_prompts_estimate_counts_text_and_tools_but_no_media():
    plain = ChatRequest("m", [{"role": "user", "content": "a" * 400}])
    assert prompt_tokens(plain) == 104
    assert prompt_tokens(ChatRequest("m", [{"role": "user", "content": IMAGE}])) == 4
    assert prompt_tokens(dataclasses.replace(plain, params={"tools": [{"name": "f" * 400}]})) > 200


def test_tools_that_are_no_json_do_not_disturb_the_ladder():
    # They are refused when the request is encoded, with the reason.
    assert models_of(tools=[object()]) == models_of(tools=[{}])


def test_the_selector_keeps_the_model_unless_it_is_limited():
    assert smart_model_selector("gpt-4.1") == "gpt-4.1"
    for model in ("gpt-4.1", "claude-sonnet-4.5", "deepseek-v3.2", "a-new-one"):
        assert smart_model_selector(model, limited=[model]) == "gemini-2.5-flash"
    assert smart_model_selector("gpt-4.1", limited=["gpt-4.1"], fallback_models=[]) == "gpt-4.1"
    both = ["gpt-4.1", "gemini-2.5-flash"]
    assert smart_model_selector("gpt-4.1", limited=both) == "gpt-4.1"


def test_the_selector_leaves_out_models_that_cannot_serve_the_request():
    chain = ["deepseek-v3.2", "gemini-2.5-flash"]
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    settings = {"limited": ["gpt-4.1"], "fallback_models": chain}
    assert smart_model_selector("gpt-4.1", **settings) == "deepseek-v3.2"
    assert smart_model_selector("gpt-4.1", [picture], **settings) == "gemini-2.5-flash"
    schema = {"type": "json_schema"}
    chosen = smart_model_selector("gpt-4.1", response_format=schema, **settings)
    assert chosen == "gemini-2.5-flash"
