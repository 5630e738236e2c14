"""A gateway under the chat models: copied, shared, and without a key in sight."""

import copy
import pickle

import pytest

from holysheep_core import APIGateway, ConfigurationError, Provider
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep


@pytest.fixture
def gateway(play):
    return APIGateway(
        [
            Provider("secret-1", play().base_url),
            Provider("secret-2", play().base_url, name="openai"),
        ],
        health_check=None,
    )


def langchain(gateway):
    llm = ChatHolySheep(model="gpt-4.1", gateway=gateway)
    return llm, lambda each: each.invoke("go").response_metadata["resilience"]["provider"]


def llamaindex(gateway):
    llm = HolySheep(model="gpt-4.1", gateway=gateway)
    return llm, lambda each: each.complete("go").raw["resilience"]["provider"]


@pytest.fixture(params=[langchain, llamaindex])
def made(request, gateway):
    return request.param(gateway)


def test_a_switch_reaches_every_model_and_copy_that_uses_it(gateway, made):
    llm, provider_of = made
    copied = llm.model_copy(update={"temperature": 0.5})
    assert provider_of(llm) == provider_of(copied) == "holysheep"
    gateway.switch_to("openai")
    assert provider_of(llm) == provider_of(copied) == "openai"


def test_no_key_of_a_gateway_shows_or_travels(gateway, made):
    llm, _ = made
    dumped = llm.model_dump_json()
    assert "secret" not in repr(llm) + dumped + pickle.dumps(llm).decode("latin-1")


def test_a_deep_copy_uses_the_same_gateway(gateway):
    assert copy.deepcopy(ChatHolySheep(model="gpt-4.1", gateway=gateway)).gateway is gateway


@pytest.mark.parametrize("model", [ChatHolySheep, HolySheep])
def test_what_is_no_gateway_and_what_contradicts_one_is_refused(gateway, model):
    with pytest.raises(ConfigurationError, match="gateway and rate_limits"):
        model(model="gpt-4.1", gateway=gateway, rate_limits="free")
    with pytest.raises(ConfigurationError, match="gateway needs an APIGateway"):
        model(model="gpt-4.1", gateway="https://example.test")
