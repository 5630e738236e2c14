"""`dumps` and `load`: the settings come back, the key is named and never written."""

import json
import warnings
from enum import Enum
from pathlib import Path

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumpd, dumps, load
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from tenacity import wait_none

from holysheep_core import (
    CircuitConfig,
    FallbackConfig,
    Provider,
    RateLimits,
    ResumeConfig,
    RetryConfig,
    RetryStrategy,
    SpendLimit,
    Timeouts,
)
from langchain_holysheep import ChatHolySheep
from langchain_holysheep.serialization import plain, register
from support.models import langchain

SETTINGS = {
    "temperature": 0.3,
    "max_tokens": 9,
    "stop": ["x"],
    "extra_body": {"top_k": 3, "lc": 1},
    "timeout": (1.0, 2.0),
    "max_retries": 2,
    "resume": ResumeConfig(max_resumes=3, prompt="ko"),
    "fallback_models": ["gemini-2.5-flash"],
    "rate_limits": RateLimits(requests_per_minute=100),
    "spend_limit": SpendLimit(usd=1.0),
    "stream_usage": False,
    "coalesce": True,
    "adapt": False,
    "events_in_stream": False,
    "streaming": True,
}
ALONE = [
    {"timeouts": Timeouts(read=3.0, total=20.0)},
    {"retry": RetryConfig(max_retries=3, strategy=RetryStrategy.LINEAR_BACKOFF)},
    {"retry": RetryConfig(retryable_status_codes=[429, 500])},
    {"fallback": FallbackConfig(["a"], cooldown=3.0, params={"a": {"top_p": 0.1}})},
    {"circuit": CircuitConfig(failures=3)},
    {"resume": False},
    {"rate_limits": "pro"},
]


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "sk-environment")


def again(written, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LangChain's load is in beta
        how = {"allowed_objects": "all", "secrets_from_env": True, **how}
        return load(written, valid_namespaces=["langchain_holysheep"], **how)


def model(**settings):
    return ChatHolySheep(model="gpt-4.1", api_key="sk-secret-1", **settings)


@pytest.mark.parametrize("settings", [SETTINGS, *ALONE, {}])
def test_settings_come_back_and_no_key_is_written(settings):
    llm = model(**settings)
    text = dumps(llm)
    assert "sk-secret" not in text
    assert "sk-environment" not in text
    back = again(json.loads(text))
    assert type(back) is ChatHolySheep
    for name, value in settings.items():
        assert getattr(back, name) == getattr(llm, name) == value
    assert back.asdict() == llm.asdict()
    assert back.api_key.get_secret_value() == "sk-environment"
    assert dumps(back) == text


def test_a_model_that_came_back_answers(play, text):
    llm = langchain(play(), api_key="sk-secret-1")
    assert again(dumpd(llm)).invoke("go").text == text


def test_a_chain_comes_back_with_its_model(play, text):
    chain = ChatPromptTemplate.from_template("{x}") | langchain(play()) | StrOutputParser()
    written = json.loads(dumps(chain))
    assert again(written).invoke({"x": "go"}) == text


def test_secrets_and_what_is_alive_stay_here(tmp_path):
    llm = model(
        default_headers={"x": "sk-secret-2"},
        providers=[Provider("sk-secret-3", "https://other.example/v1")],
        journal=f"sqlite:///{tmp_path}/answers.db",
        on_token=print,
        cache=InMemoryCache(),
    )
    kwargs = dumpd(llm)["kwargs"]
    assert not {"default_headers", "providers", "journal", "on_token"} & kwargs.keys()
    assert kwargs["api_key"] == {"lc": 1, "type": "secret", "id": ["HOLYSHEEP_API_KEY"]}
    assert "sk-secret" not in dumps(llm)


def test_what_cannot_be_written_is_refused_when_it_is_read():
    with pytest.raises(NotImplementedError, match="serialization"):
        again(dumpd(model(retry=RetryConfig(wait=wait_none()))))


def test_the_class_may_be_named_in_place_of_all(play):
    llm = langchain(play())
    assert again(dumpd(llm), allowed_objects=[ChatHolySheep]).model == llm.model
    with pytest.raises(ValueError, match="not allowed"):
        again(dumpd(llm), allowed_objects="core")


def test_nobody_reads_it_who_does_not_name_the_package(play):
    with pytest.raises(ValueError, match="namespace"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        load(dumpd(langchain(play())), allowed_objects="all", secrets_from_env=True)


def test_registering_twice_changes_nothing():
    register(ChatHolySheep)
    assert again(dumpd(model())).model == "gpt-4.1"


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ResumeConfig(max_resumes=3, prefill=True), {"max_resumes": 3, "prefill": True}),
        (ResumeConfig(), {}),
        (Colour.RED, "red"),
        (Path("/a/b"), "/a/b"),
        (frozenset({2, 1}), [1, 2]),
        ((1, (2,)), [1, [2]]),
        ({"a": 1}, {"a": 1}),
        (None, None),
        (print, print),
    ],
)
def test_a_setting_is_a_plain_value(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(
    "settings",
    [{}, {"connect": 1, "read": None}, {"stall": 20, "stall_with_fallback": 10}, {"read": 60}],
)
def test_time_limits_are_made_again_as_they_were(settings):
    timeouts = Timeouts(**settings)
    assert Timeouts(**plain(timeouts)) == timeouts


def test_settings_that_change_no_answer_are_not_in_the_caches_key():
    one, other = model(), model(timeout=9, max_retries=1, stream_usage=False, metadata={"a": 1})
    assert one._get_llm_string() == other._get_llm_string()
    assert model(temperature=0.1)._get_llm_string() != one._get_llm_string()
    assert one._get_llm_string(stop=["x"]) != one._get_llm_string()
    assert one._get_llm_string(top_p=1) != one._get_llm_string()
