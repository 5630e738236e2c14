"""What is known of models, and that nothing unknown is ruled out."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.catalog import (
    DEFAULT_FALLBACK,
    MODELS,
    UNKNOWN,
    ModelCard,
    card,
    default_fallbacks,
)
from holysheep_core.tokens import estimate_tokens


@pytest.mark.parametrize("model", MODELS)
def test_every_known_model_has_a_window_and_a_price(model):
    assert card(model).context_window >= 100_000
    assert card(model).output_price > 0


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-4.1", 8.00),
        ("claude-sonnet-4.5", 15.00),
        ("gemini-2.5-flash", 2.50),
        ("deepseek-v3.2", 0.42),
    ],
)
def test_prices_are_the_published_ones(model, price):
    assert card(model).output_price == price


@pytest.mark.parametrize("model", ["", "gpt-99", "GPT-4.1", "provider/gpt-4.1"])
def test_an_unknown_model_is_assumed_able_to_do_everything(model):
    assert card(model) is UNKNOWN
    assert (UNKNOWN.tools, UNKNOWN.images, UNKNOWN.json_schema) == (True, True, True)
    assert not UNKNOWN.prefill, "a prefill is only tried where it is known to work"


@pytest.mark.parametrize("model", [*MODELS, "unheard-of"])
def test_every_model_but_the_last_resort_falls_back_to_it(model):
    expected = () if model == DEFAULT_FALLBACK else (DEFAULT_FALLBACK,)
    assert default_fallbacks(model) == expected


def test_the_last_resort_can_do_everything_and_has_the_widest_window():
    last = card(DEFAULT_FALLBACK)
    assert last.tools
    assert last.images
    assert last.json_schema
    assert last.context_window == max(known.context_window for known in MODELS.values())


def test_a_card_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelCard().tools = False


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" ", 1),
        ("a", 1),
        ("a" * 4, 1),
        ("a" * 400, 100),
        ("양" * 3, 2),
        ("양" * 300, 200),
        ("a" * 400 + "양" * 300, 300),
    ],
)
def test_tokens_are_estimated_by_script(text, tokens):
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_an_estimate_grows_with_the_text_and_is_0_for_none_alone(text, more):
    assert estimate_tokens(text + more) >= estimate_tokens(text)
    assert (estimate_tokens(text) == 0) == (not text)
