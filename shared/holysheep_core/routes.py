"""Where a request may go: providers, models, and the ladder made of both.

A route is one model at one provider. The ladder is the model asked for and its fallbacks at
the first provider, then the same at the next. Routes that cannot do what a request needs
(tools, images, a JSON schema, the window) are left out; a route that was limited or overloaded
cools down, for all calls that share the `RouteMemory`, and is used again afterwards.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

import msgspec

from holysheep_core.catalog import card, default_fallbacks, estimate_tokens
from holysheep_core.config import FallbackConfig, FinishSignal, check_finish_signal
from holysheep_core.errors import ConfigurationError
from holysheep_core.types import ChatRequest

DEFAULT_BASE_URL = "https://api.holysheep.ai/v1"


class Secret:
    """A key that shows itself only when asked to: not in a repr, a dict, a log or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("API keys are not pickled; give the other process its key by environment.")


@dataclass(frozen=True)
class Provider:
    """An OpenAI-compatible API and the key for it.

    Attributes:
        api_key: The key, sent as `Authorization: Bearer …`; never shown in a repr.
        base_url: Where "/chat/completions" is appended, e.g. "https://api.holysheep.ai/v1".
        name: How it is called in events and metadata.
        headers: Headers to add to every request.
        models: The provider's own names for models, where they differ.
        prefix_flag: Mark a prefilled assistant message with `"prefix": true`, as DeepSeek and
            Mistral want it.
        finish_signal: What proves an answer of this API whole ("either", "finish_reason",
            "done"); None for what `ResumeConfig` says.
        allow_http: Permit plain http to a host that is not this machine; the key and the
            conversation then travel readable by everyone on the way.
    """

    api_key: str | Secret = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    name: str = "holysheep"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    prefix_flag: bool = False
    finish_signal: FinishSignal | None = None
    allow_http: bool = False

    def __post_init__(self) -> None:
        key = self.api_key.reveal() if isinstance(self.api_key, Secret) else self.api_key
        _check_key(key)
        object.__setattr__(self, "api_key", Secret(key))
        object.__setattr__(self, "base_url", _check_url(self.base_url, self.allow_http))
        if self.finish_signal is not None:
            check_finish_signal(self.finish_signal)
        for name, value in self.headers.items():
            if not (isinstance(value, str) and f"{name}{value}".isascii()):
                raise ConfigurationError(f"Header {name!r}: needs a text of ASCII characters.")

    @property
    def url(self) -> str:
        """The chat/completions address."""
        return f"{self.base_url}/chat/completions"

    @property
    def key(self) -> str:
        """The key in clear, for the one place that sends it."""
        return self.api_key.reveal() if isinstance(self.api_key, Secret) else self.api_key

    def request_headers(self) -> dict[str, str]:
        """Return the headers of a request to this provider."""
        return {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "authorization": f"Bearer {self.key}",
            "content-type": "application/json",
            **self.headers,
        }


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

    Until when a route is left alone, and whether it rejects a prefill.
    """

    def __init__(self) -> None:
        self._until: dict[object, float] = {}
        self._no_prefill: set[object] = set()

    def rejects_prefill(self, route: Route) -> bool:
        """Tell whether a route has rejected a prefill."""
        return route.key in self._no_prefill

    def learn_no_prefill(self, route: Route) -> None:
        """A route rejected a prefill: never try it there again."""
        self._no_prefill.add(route.key)

    def start(self, route: Route, until: float) -> None:
        """Leave a route alone until then, or longer if that was said before."""
        self._until[route.key] = max(until, self._until.get(route.key, until))

    def end(self, route: Route) -> None:
        """A success ends the cooldown early."""
        self._until.pop(route.key, None)

    def is_cooling(self, route: Route, now: float) -> bool:
        """Tell whether a route is to be left alone now."""
        return self._until.get(route.key, now) > now


class Ladder:
    """The routes of one call, best first."""

    def __init__(self, routes: Sequence[Route], memory: RouteMemory) -> None:
        self.routes = tuple(routes)
        self.memory = memory

    def first(self, now: float) -> Route:
        """Return the best route that is not cooling down, else the best of all."""
        for route in self.routes:
            if not self.memory.is_cooling(route, now):
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
            if route in tried or self.memory.is_cooling(route, now):
                continue
            if other_provider and route.provider in used:
                continue
            if wider and not (route.window and last.window and route.window > last.window):
                continue
            return route
        return None


def build_ladder(
    request: ChatRequest,
    providers: Sequence[Provider],
    fallback: FallbackConfig,
    memory: RouteMemory,
) -> Ladder:
    """Lay out the routes that can serve a request; the model asked for is always the first."""
    models = fallback.models if fallback.models is not None else default_fallbacks(request.model)
    ordered = list(dict.fromkeys((request.model, *models)))
    able = [model for model in ordered[1:] if _is_able(model, request)]
    routes = [Route(provider, m) for provider in providers for m in (request.model, *able)]
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


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise ConfigurationError(
            "No API key. Set the HOLYSHEEP_API_KEY environment variable or pass api_key=…"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            "The API key has a space, a newline or another character that no key has; "
            "it was probably copied with something around it. Pass it stripped."
        )


def _check_url(url: object, allow_http: bool) -> str:  # noqa: FBT001 - private
    if not isinstance(url, str):
        raise ConfigurationError(f"base_url={url!r}: needs a URL such as {DEFAULT_BASE_URL!r}.")
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname
        (host or "").encode("idna")
        known = parts.port is None or parts.port > 0
    except ValueError:
        known = False
    if known and (parts.username or parts.password):
        raise ConfigurationError("base_url holds a user name or password; use api_key= instead.")
    strange = not url.isprintable() or " " in url
    if not known or strange or not host or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"base_url={url!r}: needs scheme and host, such as {DEFAULT_BASE_URL!r}."
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(f"base_url={url!r}: a base URL has no '?' and no '#'.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(
            f"base_url={url!r} is plain http: everyone on the way could read the API key. "
            "Use https, or pass allow_http=True if that network is yours."
        )
    return url.rstrip("/").removesuffix("/chat/completions")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
