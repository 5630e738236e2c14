"""A model's profile, as LangChain's middleware reads it."""

import pytest
from langchain_core.language_models import ModelProfile

from holysheep_core import ModelCard
from langchain_holysheep import ChatHolySheep
from langchain_holysheep.profiles import profile_of


def test_a_model_that_is_not_known_has_no_profile():
    assert profile_of(ModelCard()) is None


def test_a_profile_says_what_the_card_says():
    profile = profile_of(ModelCard(context_window=9, tools=False, images=True))
    assert profile["max_input_tokens"] == 9
    assert (profile["tool_calling"], profile["image_inputs"]) == (False, True)


def test_a_window_that_is_not_known_is_left_out():
    assert "max_input_tokens" not in profile_of(ModelCard(input_price=1.0))


def test_limits_and_reasoning_are_in_the_profile():
    card = ModelCard(
        context_window=9, max_input_tokens=6, max_output_tokens=3, reasoning=True, tools=False
    )
    profile = profile_of(card)
    assert (profile["max_input_tokens"], profile["max_output_tokens"]) == (6, 3)
    assert profile["reasoning_output"] is True
    assert "max_output_tokens" not in profile_of(ModelCard(context_window=9))


@pytest.mark.parametrize("model", ["gpt-5", "claude-opus-4-6", "gemini-2.5-pro", "o4-mini"])
def test_a_known_model_has_a_profile_of_langchains_keys(model):
    profile = ChatHolySheep(model=model, api_key="k").profile
    assert profile["max_input_tokens"] >= 200_000
    assert profile["reasoning_output"] is True
    assert profile.keys() <= ModelProfile.__annotations__.keys()
