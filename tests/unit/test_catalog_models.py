"""The table of models: what HolySheep lists, under every id that is in use."""

import pytest

from holysheep_core import Usage
from holysheep_core.catalog_models import MODELS, ROWS, UNKNOWN, ModelCard
from holysheep_core.families.table import family_of, version_of

LISTED = [
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4o",
    "gpt-5.4",
    "gpt-5.5",
    "gpt-5.3-codex-spark",
    "claude-sonnet-4.5",
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-5-20251101",
    "claude-haiku-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4.6",
    "claude-opus-4-6",
    "claude-opus-4.7",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "deepseek-v3.2",
    "deepseek-v4-pro",
    "MiniMax-M2.7-highspeed",
]
FAMILIES = [
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5.1",
    "gpt-5.2",
    "o3",
    "o3-mini",
    "o4-mini",
    "claude-opus-4",
    "claude-opus-4.1",
    "claude-sonnet-4",
    "gemini-3-pro-preview",
    "gemini-3-flash-preview",
    "deepseek-r1",
    "deepseek-chat",
    "deepseek-reasoner",
]
PUBLISHED = ["gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2"]


@pytest.mark.parametrize("model", [*LISTED, *FAMILIES])
def test_a_model_that_holysheep_lists_is_known_with_its_window(model):
    assert MODELS[model].context_window >= 60_000


@pytest.mark.parametrize("model", MODELS)
def test_windows_and_limits_fit_together(model):
    known = MODELS[model]
    for limit in (known.max_input_tokens, known.max_output_tokens):
        assert limit is None or 0 < limit <= known.context_window


def test_an_id_stands_in_one_row():
    ids = [name for names, _ in ROWS for name in names]
    assert len(ids) == len(set(ids)) == len(MODELS)


def test_prices_are_there_for_the_models_whose_prices_are_published_and_no_others():
    priced = {ids[0] for ids, known in ROWS if known.output_price is not None}
    assert priced == set(PUBLISHED)


@pytest.mark.parametrize("model", [each for each in MODELS if "claude" in each])
def test_claude_continues_a_prefill_up_to_version_4_5(model):
    assert MODELS[model].prefill is (version_of(model) < (4, 6))


@pytest.mark.parametrize("model", [each for each in MODELS if "claude" not in each])
def test_no_other_model_is_sent_a_prefill_untried(model):
    assert not MODELS[model].prefill


@pytest.mark.parametrize("model", MODELS)
def test_openais_reasoning_family_reasons_and_its_other_models_do_not(model):
    name = family_of(model).name
    if name.startswith("openai"):
        assert MODELS[model].reasoning is (name == "openai-reasoning")


def test_a_price_that_is_not_known_is_no_price():
    assert MODELS["gpt-5"].cost(Usage(1, 1)) is None
    assert ModelCard() == UNKNOWN
