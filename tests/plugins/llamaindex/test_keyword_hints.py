"""Keywords of OpenAILike, and misspelt ones."""

import inspect

import pytest
from llama_index.llms.openai_like import OpenAILike

from holysheep_core import (
    ConfigurationError,
)
from holysheep_core.integrations.changes import known_keywords
from llamaindex_holysheep import HolySheep


@pytest.mark.parametrize(
    "name", sorted({*OpenAILike.model_fields, *inspect.signature(OpenAILike).parameters})
)
def test_every_keyword_of_openai_like_works_or_gets_a_hint(name):
    if name in known_keywords(HolySheep) or name == "kwargs":
        return
    with pytest.raises(ConfigurationError, match=f"has no {name}") as caught:
        HolySheep(model="gpt-4.1", api_key="sk-hidden", **{name: "x"})
    assert "Fields of the request" not in str(caught.value)  # a hint of its own
    assert "sk-hidden" not in str(caught.value)


def test_a_misspelt_keyword_is_refused_with_the_right_one():
    with pytest.raises(ConfigurationError, match="Did you mean temperature"):
        HolySheep(model="gpt-4.1", api_key="k", temprature=0)
