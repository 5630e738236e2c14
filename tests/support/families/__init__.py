"""Servers that refuse what real ones refuse, in their own words, and stream as they stream.

A module for each family has:

- `MODELS`: how the names of its models begin;
- `check(body, beta=…)`: the status and JSON of a refusal, or None;
- `fitted(answer, body)`: the answer as far as the token limit of the request lets it come;
- `stream(answer, new_number)`: the choices of its chunks;
- `PARALLEL`, `ALWAYS_USAGE`, `USAGE`, `LIMITED`: two calls at once in the second step; usage
  without being asked; the usage; the JSON of a 429.

Each rule names the issue or source it was taken from. A model's name decides which one plays.
"""

from typing import Any

from support.families import (
    anthropic_compatible,
    deepseek_thinking,
    gemini_compatible,
    mistral_vllm,
    openai_gpt5,
    relay,
)

FAMILIES = {
    "gpt": openai_gpt5,
    "claude": anthropic_compatible,
    "gemini": gemini_compatible,
    "deepseek": deepseek_thinking,
    "mistral": mistral_vllm,
    "relay": relay,
}


def family_of(model: str) -> Any:
    """Return the module that plays a model."""
    return next(family for family in FAMILIES.values() if model.startswith(family.MODELS))
