"""Where a request may go: models at providers, and the ladder made of them.

A route is one model at one provider. The ladder is the model asked for and its fallbacks at
the first provider, then the same at the next. Routes that cannot do what a request needs
(tools, images, a JSON schema, the window) are left out; a route that was limited or overloaded
cools down, for all calls that share the `RouteMemory`, and is used again afterwards.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from holysheep_core.catalog import card, default_fallbacks, estimate_tokens
from holysheep_core.config import FallbackConfig
from holysheep_core.providers import Provider, Secret
from holysheep_core.types import ChatRequest

PROBE_SECONDS = 10.0
"""How long one call has a half-open route to itself. A probe that ends well opens the route and
one that fails cools it down again, both at once; this is for callers that went away."""


@dataclass(frozen=True)
class Route:
    """One model at one provider."""

    provider: Provider
    model: str

    @property
    def key(self) -> tuple[str, str, str | Secret, str]:
        """What memory are kept by: the address, the key and the model."""
        return self.provider.name, self.provider.base_url, self.provider.api_key, self.model

    @property
    def window(self) -> int | None:
        """The model's context window in tokens, or None if not known."""
        return card(self.model).context_window


class RouteMemory:
    """What is known of routes from earlier answers. Shared by the calls of one client.

    Whether a route rejects a prefill, and until when it is left alone. A cooldown that is over
    leaves the route *half open*: one call may try it, and the others wait for what comes of
    that, so that a server that has just come back is not met by all of them at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[object, float] = {}
        self._since: dict[object, float] = {}
        self._no_prefill: set[object] = set()

    def rejects_prefill(self, route: Route) -> bool:
        """Tell whether a route has rejected a prefill."""
        return route.key in self._no_prefill

    def learn_no_prefill(self, route: Route) -> None:
        """A route rejected a prefill: never try it there again."""
        self._no_prefill.add(route.key)

    def start(self, route: Route, until: float, now: float = -math.inf) -> None:
        """Leave a route alone from `now` until then, or longer if that was said before."""
        with self._lock:
            self._until[route.key] = max(until, self._until.get(route.key, until))
            self._since[route.key] = now

    def end(self, route: Route, sent: float = math.inf) -> None:
        """A success ends the cooldown early, if its request was sent after the cooldown began.

        Answers that were under way already say nothing new: with half of the requests failing,
        one of them would open the route again within milliseconds.
        """
        with self._lock:
            if sent >= self._since.get(route.key, -math.inf):
                self._until.pop(route.key, None)
                self._since.pop(route.key, None)

    def is_cooling(self, route: Route, now: float) -> bool:
        """Tell whether a route is to be left alone now."""
        return self._until.get(route.key, now) > now

    def admits(self, route: Route, now: float) -> bool:
        """Tell whether a call may use a route; a half-open one is then closed to the others."""
        with self._lock:
            until = self._until.get(route.key)
            if until is None:
                return True
            if until > now:
                return False
            self._until[route.key] = now + PROBE_SECONDS
            return True


class Ladder:
    """The routes of one call, best first."""

    def __init__(self, routes: Sequence[Route], memory: RouteMemory) -> None:
        self.routes = tuple(routes)
        self.memory = memory

    def first(self, now: float) -> Route:
        """Return the best route that is not cooling down, else the best of all."""
        for route in self.routes:
            if self.memory.admits(route, now):
                return route
        return self.routes[0]

    def next(
        self,
        tried: Sequence[Route],
        now: float,
        *,
        other_provider: bool = False,
        wider: bool = False,
    ) -> Route | None:
        """Return the best route not tried in this call and not cooling down, if any.

        Args:
            tried: Routes of this call so far, the last one last.
            now: The time.
            other_provider: Only routes of a provider whose key was not used yet.
            wider: Only routes with a larger window than the last one's.
        """
        last = tried[-1]
        used = [route.provider for route in tried]
        for route in self.routes:
            if route in tried:
                continue
            if other_provider and route.provider in used:
                continue
            if wider and not (route.window and last.window and route.window > last.window):
                continue
            if self.memory.admits(route, now):
                return route
        return None


def smart_model_selector(
    model: str,
    messages: Sequence[Mapping[str, Any]] = (),
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

    It is what the chat models do by themselves; use it where you choose a model on your own.

    Args:
        model: The model wanted.
        messages: OpenAI-format messages, to leave out models that cannot read them.
        limited: Models that are rate limited now.
        fallback_models: Models that stand in, best first; None for the default table.
        **params: Other fields of the request; `tools` and `response_format` leave out models
            that have neither.

    Returns:
        The first able model that is not limited; `model` itself if there is none.
    """
    request = ChatRequest(model, messages, params)
    models = able_models(request, FallbackConfig(models=fallback_models))
    return next((name for name in models if name not in limited), model)


def able_models(request: ChatRequest, fallback: FallbackConfig) -> list[str]:
    """Return the models that can serve a request; the one asked for is always the first."""
    models = fallback.models if fallback.models is not None else default_fallbacks(request.model)
    ordered = dict.fromkeys((request.model, *models))
    return [name for name in ordered if name == request.model or _is_able(name, request)]


def build_ladder(
    request: ChatRequest,
    providers: Sequence[Provider],
    fallback: FallbackConfig,
    memory: RouteMemory,
) -> Ladder:
    """Lay out the routes that can serve a request; the model asked for is always the first."""
    models = able_models(request, fallback)
    routes = [Route(provider, model) for provider in providers for model in models]
    return Ladder(routes, memory)


def _is_able(model: str, request: ChatRequest) -> bool:
    facts, params = card(model), request.params
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


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a request's prompt, media not counted."""
    texts: list[str] = []
    for message in request.messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts.extend(str(part.get("text") or "") for part in parts if isinstance(part, Mapping))
    tools = request.params.get("tools")
    if tools:
        # What is no JSON is refused when the request is encoded; here it only has a length.
        texts.append(msgspec.json.encode(tools, enc_hook=repr).decode())
    return sum(estimate_tokens(text) + 4 for text in texts)
