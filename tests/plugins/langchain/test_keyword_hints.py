"""Keywords of ChatOpenAI, and misspelt ones."""

import pytest
from langchain_openai import ChatOpenAI

from holysheep_core import ConfigurationError
from holysheep_core.integrations.settings import known_keywords
from langchain_holysheep import ChatHolySheep
from langchain_holysheep.keyword_hints import HINTS


def test_every_keyword_of_chatopenai_is_taken_or_refused_with_a_hint():
    fields = ChatOpenAI.model_fields
    theirs = {*fields, *(field.alias for field in fields.values() if field.alias)}
    ours = known_keywords(ChatHolySheep)
    assert theirs - ours <= set(HINTS)
    assert not set(HINTS) & ours


@pytest.mark.parametrize("name", sorted(HINTS))
def test_a_keyword_of_chatopenai_is_refused_with_what_to_write_instead(name):
    with pytest.raises(ConfigurationError, match=name) as caught:
        ChatHolySheep(model="gpt-4.1", api_key="k", **{name: "sk-secret"})
    assert HINTS[name] in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_misspelt_keyword_is_refused_with_the_right_one():
    with pytest.raises(ConfigurationError, match="Did you mean temperature"):
        ChatHolySheep(model="gpt-4.1", api_key="k", temprature=1)


def test_openais_flag_of_the_same_name_as_our_store_is_explained():
    with pytest.raises(ConfigurationError, match=r"extra_body=\{…\}"):
        ChatHolySheep(model="gpt-4.1", api_key="k", store=True)
