"""What goes out for a request."""

import json

import pytest

from holysheep_core import ConfigurationError, Provider
from holysheep_core.engine.outgoing import outgoing
from holysheep_core.engine.settings import Settings
from holysheep_core.routing.providers import Route
from holysheep_core.types import ChatRequest

SETTINGS = Settings()


def test_the_model_goes_out_under_its_name_at_the_provider():
    route = Route(Provider("key-1234", models={"gpt-4.1": "openai/gpt-4.1"}), "gpt-4.1")
    send = outgoing(ChatRequest("gpt-4.1", [{"role": "user", "content": "Hi"}]), route, SETTINGS)
    assert json.loads(send.body)["model"] == "openai/gpt-4.1"
    assert send.url == "https://api.holysheep.ai/v1/chat/completions"
    assert send.headers["authorization"] == "Bearer key-1234"


def test_what_is_no_json_is_a_typed_error():
    request = ChatRequest("gpt-4.1", [{"role": "user", "content": "Hi"}], {"user": object()})
    with pytest.raises(ConfigurationError, match="JSON"):
        outgoing(request, Route(Provider("key-1234"), "gpt-4.1"), SETTINGS)
