"""A model's profile, as LangChain's middleware reads it."""

from holysheep_core import ModelCard
from langchain_holysheep.profiles import profile_of


def test_a_model_that_is_not_known_has_no_profile():
    assert profile_of(ModelCard()) is None


def test_a_profile_says_what_the_card_says():
    profile = profile_of(ModelCard(context_window=9, tools=False, images=True))
    assert profile["max_input_tokens"] == 9
    assert (profile["tool_calling"], profile["image_inputs"]) == (False, True)


def test_a_window_that_is_not_known_is_left_out():
    assert "max_input_tokens" not in profile_of(ModelCard(input_price=1.0))
