"""Models told apart by their ids."""

import pytest

from holysheep_core.families.table import family_of, is_same, takes_prefill, version_of

FAMILIES = {
    "gpt-5": "openai-reasoning",
    "gpt-5.5-mini": "openai-reasoning",
    "openai/o3": "openai-reasoning",
    "o4-mini-2025-04-16": "openai-reasoning",
    "gpt-5-chat-latest": "openai",
    "gpt-5.1-chat": "openai",
    "gpt-4.1": "openai",
    "chatgpt-4o-latest": "openai",
    "gpt-oss-120b": "gpt-oss",
    "claude-sonnet-4.5": "claude",
    "anthropic/claude-opus-4-6": "claude",
    "models/gemini-3-pro-preview": "gemini",
    "Gemini-2.5-flash": "gemini",
    "deepseek-v3.2": "deepseek",
    "deepseek/deepseek-r1:free": "deepseek",
    "moonshotai/kimi-k2-thinking": "kimi",
    "open-mixtral-8x7b": "",
    "mistral-large-2411": "mistral",
    "meta-llama/llama-3.3-70b": "llama",
    "qwen3-coder": "qwen",
    "omni-mini": "",
    "my-model": "",
}


@pytest.mark.parametrize("model", FAMILIES)
def test_the_family_follows_from_the_id(model):
    assert family_of(model).name == FAMILIES[model]


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-opus-4-6", (4, 6)),
        ("gemini-3.1-pro", (3, 1)),
        ("gpt-5.1", (5, 1)),
        ("gpt-5", (5, 0)),
        ("my-model", (0, 0)),
    ],
)
def test_a_date_is_no_version(model, version):
    assert version_of(model) == version


def test_unknown_models_are_only_like_themselves():
    assert is_same("gpt-4.1", "openai/gpt-5")
    assert is_same("claude-sonnet-4.5", "claude-opus-4-6")
    assert not is_same("gpt-5", "claude-opus-4-6")
    assert is_same("my-model", "vendor/my-model")
    assert not is_same("my-model", "other-model")


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-sonnet-4.5", True),
        ("claude-3-5-haiku-20241022", True),
        ("claude-opus-4-6", False),
        ("claude-sonnet-5", False),
        ("claude", False),
        ("gpt-4.1", False),
    ],
)
def test_claude_takes_a_prefill_up_to_version_4_5(model, takes):
    assert takes_prefill(model) is takes
