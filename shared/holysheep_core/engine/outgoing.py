"""From the next request of a call to the bytes that go out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from holysheep_core.engine.actions import Send
from holysheep_core.engine.settings import Settings
from holysheep_core.families.adapt import adapted, untouched
from holysheep_core.families.refusals import LIKE, Lesson
from holysheep_core.families.table import UNKNOWN, family_of
from holysheep_core.protocol.wire import encode_request
from holysheep_core.routing.providers import Route
from holysheep_core.types import ChatRequest


def outgoing(
    request: ChatRequest, route: Route, settings: Settings, lessons: Collection[Lesson] = ()
) -> Send:
    """Return what to send for a request to a route.

    Args:
        request: As the user meant it.
        route: Where it goes.
        settings: The client's.
        lessons: What the route refused before.

    Raises:
        ConfigurationError: A message or a parameter is no JSON.
    """
    provider, model = route.provider, route.model
    usage = settings.stream_usage and not any(each.name == _USAGE for each in lessons)
    body = encode_request(
        for_route(request, route, settings, lessons),
        model=provider.models.get(model, model),
        stream_usage=usage,
    )
    return Send(provider.url, provider.request_headers(), body)


def for_route(
    request: ChatRequest, route: Route, settings: Settings, lessons: Collection[Lesson] = ()
) -> ChatRequest:
    """Return a request as a route takes it."""
    own = (settings.fallback.params or {}).get(route.model)
    if not settings.adapt:
        return untouched(request)
    theirs = route.provider.models.get(route.model)
    if theirs and family_of(route.model) is UNKNOWN and family_of(theirs) is not UNKNOWN:
        lessons = (Lesson(LIKE, theirs), *lessons)
    return adapted(request, route.model, own=own, lessons=lessons)


def sent_fields(request: ChatRequest, settings: Settings) -> Mapping[str, Any]:
    """Return the fields that went out for a request `for_route`, without model and messages."""
    return {**request.params, **({_USAGE: None} if settings.stream_usage else {})}


_USAGE = "stream_options"
