"""From the next request of a call to the bytes that go out."""

from __future__ import annotations

from holysheep_core.engine.actions import Send
from holysheep_core.engine.settings import Settings
from holysheep_core.protocol.wire import encode_request
from holysheep_core.routing.providers import Route
from holysheep_core.types import ChatRequest


def outgoing(request: ChatRequest, route: Route, settings: Settings) -> Send:
    """Return what to send for a request to a route.

    Raises:
        ConfigurationError: A message or a parameter is no JSON.
    """
    provider, model = route.provider, route.model
    body = encode_request(
        request,
        model=provider.models.get(model, model),
        stream_usage=settings.stream_usage,
    )
    return Send(provider.url, provider.request_headers(), body)
