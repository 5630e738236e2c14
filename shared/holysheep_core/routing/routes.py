"""Where a request may go: models at providers, and the fallback chain made of them.

A route is one model at one provider. The chain is the model asked for and its fallbacks at
the first provider, then the same at the next. Routes that cannot do what a request needs
(tools, images, a JSON schema, the window) are left out; a route that was limited or overloaded
cools down, for all calls that share the `RouteStates`, and is used again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from holysheep_core.catalog import Catalog, ModelCard, default_fallbacks
from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.errors import APIError, OverloadedError, RateLimitError
from holysheep_core.protocol.error_response import class_of_status_in
from holysheep_core.protocol.error_words import class_of_words
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteChange, RouteStates
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import ChatRequest


class FallbackChain:
    """The routes of one call, best first. Its methods change nothing.

    Args:
        routes: Best first.
        states: What is known of them.
        catalog: Knows the models' windows.
        report: Is called with every circuit that the call opens or closes.

    Attributes:
        routes: Best first.
        states: What is known of them.
        report: Is called with every circuit that the call opens or closes.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        states: RouteStates,
        catalog: Catalog,
        report: Callable[[RouteChange], object] = lambda _change: None,
    ) -> None:
        self.routes = tuple(routes)
        self.states = states
        self.report = report
        self._catalog = catalog

    def first(self, now: float) -> Route | None:
        """Return the best available route, if any."""
        return next((each for each in self.routes if self.states.is_available(each, now)), None)

    def next(
        self,
        tried: Sequence[Route],
        now: float,
        *,
        other_provider: bool = False,
        other_address: bool = False,
        wider: bool = False,
    ) -> Route | None:
        """Return the best available route that this call has not tried, if any.

        Args:
            tried: Routes of this call so far, the last one last.
            now: The time.
            other_provider: Only routes of a provider whose key was not used yet.
            other_address: Only routes to another host or port than the last one's.
            wider: Only routes with a larger window than the last one's, or an unknown one.
        """
        last = tried[-1]
        used = [route.provider for route in tried]
        for route in self.routes:
            if route in tried:
                continue
            if other_provider and route.provider in used:
                continue
            if other_address and route.provider.address == last.provider.address:
                continue
            if wider and not self._is_wider(route, last):
                continue
            if self.states.is_available(route, now):
                return route
        return None

    def _is_wider(self, route: Route, last: Route) -> bool:
        window, least = (self._catalog.card(each.model).context_window for each in (route, last))
        return window is None or least is None or window > least


def smart_model_selector(
    model: str | BaseException,
    messages: Sequence[Mapping[str, Any]] | str = (),
    *,
    limited: Collection[str] = (),
    fallback_models: Sequence[str] | None = None,
    **params: Any,
) -> str:
    """Return the model a request should go to.

    >>> smart_model_selector("gpt-4.1")
    'gpt-4.1'
    >>> smart_model_selector("gpt-4.1", limited=["gpt-4.1"])
    'gemini-2.5-flash'

    It is what the chat models do by themselves; use it where you choose a model on your own. After
    an error, give its text and the model that was asked:

    >>> smart_model_selector("429 Too Many Requests", "gpt-4.1")
    'gemini-2.5-flash'
    >>> smart_model_selector("401 invalid api key", "gpt-4.1")
    'gpt-4.1'

    Args:
        model: The model wanted; or an error or its text, if `messages` is the model.
        messages: OpenAI-format messages, to leave out models that cannot read them; or the model.
        limited: Models that are rate limited now.
        fallback_models: Fallback models, best first; None for the default table.
        **params: Other fields of the request; `tools` and `response_format` leave out models
            that have neither.

    Returns:
        The first able model that is not limited; `model` itself if there is none.
    """
    if isinstance(messages, str):
        error, model, messages = str(model), messages, ()
        kind = class_of_words(error, APIError) or class_of_status_in(error)
        if issubclass(kind, (RateLimitError, OverloadedError)):
            limited = (*limited, model)
    request = ChatRequest(str(model), messages, params)
    model = request.model
    models = able_models(request, FallbackConfig(models=fallback_models), Catalog())
    return next((name for name in models if name not in limited), model)


def able_models(request: ChatRequest, fallback: FallbackConfig, catalog: Catalog) -> list[str]:
    """Return the models that can serve a request; the one asked for is always the first."""
    models = fallback.models if fallback.models is not None else default_fallbacks(request.model)
    ordered = dict.fromkeys((request.model, *models))
    return [
        name for name in ordered if name == request.model or _is_able(catalog.card(name), request)
    ]


def routes_for(
    request: ChatRequest,
    providers: Sequence[Provider],
    fallback: FallbackConfig,
    catalog: Catalog,
) -> list[Route]:
    """Return the routes that can serve a request; the model asked for is always the first."""
    models = able_models(request, fallback, catalog)
    return [Route(provider, model) for provider in providers for model in models]


def build_chain(
    request: ChatRequest,
    providers: Sequence[Provider],
    fallback: FallbackConfig,
    states: RouteStates,
    catalog: Catalog,
) -> FallbackChain:
    """Return the chain of routes that can serve a request; the requested model is the first."""
    return FallbackChain(routes_for(request, providers, fallback, catalog), states, catalog)


def _is_able(facts: ModelCard, request: ChatRequest) -> bool:
    params = request.params
    schema = (params.get("response_format") or {}).get("type") == "json_schema"
    if (params.get("tools") and not facts.tools) or (schema and not facts.json_schema):
        return False
    if not facts.images and any(_has_image(message) for message in request.messages):
        return False
    return facts.context_window is None or prompt_tokens(request) <= facts.context_window


def _has_image(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") == "image_url" for part in content
    )
