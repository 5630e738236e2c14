"""A wrong setting of either model: one error of ours, which names every setting and no value."""

import httpx
import pytest

from holysheep_core import ConfigurationError, Timeouts
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

KEY = "sk-marked-0123456789"
both = pytest.mark.parametrize("cls", [ChatHolySheep, HolySheep])
GOOD = {"model": "gpt-4.1", "api_key": KEY}


def refusal(cls, *args, **settings):
    with pytest.raises(ConfigurationError) as refused:
        cls(*args, **{**GOOD, **settings})
    said = str(refused.value)
    assert KEY not in said
    assert "pydantic" not in said
    return said


@both
def test_all_unknown_keywords_are_named_at_once(cls):
    said = refusal(cls, temprature=1, foo=2, bar=3)
    assert "temprature" in said
    assert "foo" in said
    assert "bar" in said
    assert "Did you mean temperature?" in said


@both
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("base_url", None, "base_url needs a string"),
        ("temperature", "hot", "temperature needs a number"),
        ("stop", 5, "stop needs a list or needs a string"),
        ("timeout", "soon", "timeout needs a number or needs a pair"),
        ("default_headers", [1], "default_headers needs a dict"),
        ("on_token", 5, "on_token needs a function"),
        ("temperature", 9, "temperature=9"),
        ("temperature", -1, "temperature=-1"),
        ("top_p", 1.5, "top_p=1.5"),
        ("max_tokens", 0, "max_tokens=0"),
        ("max_tokens", 1.5, "max_tokens needs a whole number"),
        ("frequency_penalty", 3, "frequency_penalty=3"),
        ("presence_penalty", -3, "presence_penalty=-3"),
        ("timeout", Timeouts(), "pass it as timeouts="),
    ],
)
def test_a_wrong_value_is_refused_in_plain_words(cls, name, value, words):
    assert words in refusal(cls, **{name: value})


@both
def test_the_key_is_in_no_error_even_where_it_is_the_wrong_value(cls):
    refusal(cls, temperature=KEY, stop={KEY: KEY}, base_url=[KEY])


@both
def test_several_wrong_values_are_named_at_once(cls):
    said = refusal(cls, temperature="hot", stop=5)
    assert "temperature needs a number; " in said
    assert "stop needs" in said


@both
def test_a_missing_model_and_a_positional_one_are_told_apart(cls):
    with pytest.raises(ConfigurationError, match="model is missing"):
        cls(api_key=KEY)
    with pytest.raises(ConfigurationError, match="takes keywords alone"):
        cls("gpt-4.1", api_key=KEY)


@both
def test_without_a_key_it_says_where_to_get_one(cls):
    with pytest.raises(ConfigurationError, match=r"HOLYSHEEP_API_KEY.*https://www\.holysheep\.ai"):
        cls(model="gpt-4.1")


@both
def test_an_httpx_timeout_is_understood(cls):
    llm = cls(**GOOD, timeout=httpx.Timeout(7.0, connect=3.0))
    timeouts = llm._handler.settings.timeouts
    assert (timeouts.connect, timeouts.read) == (3.0, 7.0)


@both
def test_assignment_and_copies_speak_the_same_words(cls):
    llm = cls(**GOOD)
    with pytest.raises(ConfigurationError, match="temperature needs a number"):
        llm.temperature = "hot"
    with pytest.raises(ConfigurationError, match="temperature=9"):
        llm.model_copy(update={"temperature": 9})
    assert llm.temperature is None
