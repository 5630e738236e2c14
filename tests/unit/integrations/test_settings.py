"""The shared settings of both plugins, without a framework: keywords, changes, copies."""

import copy
from typing import ClassVar

import pytest
from pydantic import Field, SecretStr

from holysheep_core import ConfigurationError
from holysheep_core.integrations.changes import known_keywords
from holysheep_core.integrations.settings import EngineSettings
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep


class Model(EngineSettings):
    _hints: ClassVar = {"engine": "It is model here."}
    _otherwise: ClassVar = "Put it elsewhere."
    _base_url_field: ClassVar = "url"

    url: str = Field(default="https://api.example.com/v1", alias="address")
    rate_limiter: object = None


def make(**settings):
    return Model(**{"model": "m", "api_key": "sk-made-up-key", **settings})


@pytest.mark.parametrize(
    ("keyword", "advice"),
    [("engine", "It is model"), ("temprature", "temperature"), ("xyzzy", "elsewhere")],
)
def test_an_unknown_keyword_gets_the_hint_of_its_class(keyword, advice):
    with pytest.raises(ConfigurationError, match=rf"^Model has no {keyword}\. .*{advice}"):
        make(**{keyword: "sk-made-up-value"})


def test_aliases_are_known_keywords():
    assert {"url", "address", "model"} <= known_keywords(Model)
    assert make(address="https://other.example.com").url == "https://other.example.com"


def test_the_engine_gets_the_base_url_of_the_field_the_class_names():
    [provider] = make(url="https://other.example.com/v1")._handler.gateway.providers
    assert provider.base_url == "https://other.example.com/v1"


def test_settings_the_engine_refuses_are_refused_when_the_model_is_made():
    with pytest.raises(ConfigurationError, match="max_retries"):
        make(max_retries=-1)


def test_a_key_given_as_text_is_kept_as_a_secret():
    llm = make(api_key="sk-made-up-key")
    assert llm.api_key == SecretStr("sk-made-up-key")
    assert "sk-made-up-key" not in repr(llm) + str(llm.model_dump())


def test_only_fields_that_are_set_go_into_requests():
    llm = make(temperature=0.0, stop=["x"], timeout=5.0)
    assert llm._request_fields == {"temperature": 0.0, "stop": ["x"]}


def test_a_changed_setting_makes_a_new_engine_client_and_keeps_the_totals():
    llm = make()
    before, totals = llm._handler, llm.totals
    llm.max_retries = 1
    assert llm._handler is not before
    assert llm._handler.settings.retry.max_retries == 1
    assert llm.totals is totals


def test_a_copy_shares_the_engine_client_until_it_differs():
    llm = make()
    assert llm.model_copy()._handler is copy.deepcopy(llm)._handler is llm._handler
    changed = llm.model_copy(update={"max_retries": 1})
    assert changed._handler is not llm._handler
    assert changed._handler.settings.retry.max_retries == 1


def test_a_deep_copy_shares_callbacks_and_the_frameworks_limiter():
    limiter, told = object(), []
    llm = make(rate_limiter=limiter, on_event=told.append)
    copied = copy.deepcopy(llm)
    assert copied.rate_limiter is limiter
    assert copied.on_event is llm.on_event


@pytest.mark.parametrize("plugin", [ChatHolySheep, HolySheep])
def test_a_plugins_configuration_is_the_engines_and_not_its_frameworks(plugin):
    ours = {**EngineSettings.model_config, "defer_build": False}
    theirs = dict(plugin.model_config)
    for name in theirs.keys() - ours.keys():  # pydantic 2.11 spells out `populate_by_name`
        assert name in {"validate_by_alias", "validate_by_name"}
        assert theirs.pop(name) is True
    assert theirs == ours
