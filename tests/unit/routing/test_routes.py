"""The routes of a request: checked base URLs, secret keys, a fallback chain that supports it."""

import pytest

from holysheep_core import smart_model_selector
from holysheep_core.catalog import Catalog, ModelCard
from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import FallbackChain, build_chain
from holysheep_core.types import ChatRequest

KEY = "sk-very-secret"
ONE, TWO = Provider(KEY, name="one"), Provider("sk-2", name="two")
CATALOG = Catalog({"toolless": ModelCard(tools=False)})
A, B, C = (Route(ONE, model) for model in ("deepseek-v3.2", "gemini-2.5-flash", "unheard-of"))
A2, B2 = (Route(TWO, model) for model in ("deepseek-v3.2", "gemini-2.5-flash"))
IMAGE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]


def chain(*routes, cooling=()):
    route_states = RouteStates()
    for route in cooling:
        route_states.cool(route, 0.0, 10)
    return FallbackChain(routes, route_states, CATALOG)


@pytest.mark.parametrize(
    ("cooling", "first"), [((), A), ((A,), B), ((A, B), C), ((B,), A), ((A, B, C), None)]
)
def test_the_first_route_is_the_best_that_is_not_cooling_if_any(cooling, first):
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


def test_a_window_nobody_knows_may_be_wider():
    assert chain(A, C).next([A], 0, wider=True) == C
    assert chain(C, B).next([C], 0, wider=True) == B


def built(model="gpt-4.1", content="hi", *, models=None, providers=(ONE,), **params):
    request = ChatRequest(model, [{"role": "user", "content": content}], params)
    routes = build_chain(
        request, providers, FallbackConfig(models=models), RouteStates(), CATALOG
    ).routes
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
def test_the_fallback_chain_is_the_requested_model_and_its_fallbacks(model, models, expected):
    assert models_of(model, models=models) == expected


def test_each_further_provider_has_the_same_models():
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


def test_tools_that_are_not_json_do_not_disturb_the_fallback_chain():
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
