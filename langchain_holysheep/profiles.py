"""LangChain's model profile (`model.profile`), from the engine's catalog."""

from __future__ import annotations

from typing import Any

from holysheep_core import ModelCard


def profile_of(known: ModelCard) -> dict[str, Any] | None:
    """Return a model's profile, or None for a model that is not in the catalog.

    `max_input_tokens` is the context window, in tokens, or what a prompt may have of it;
    summarisation middleware uses it.
    """
    if known == ModelCard():
        return None
    profile: dict[str, Any] = {
        "text_inputs": True,
        "text_outputs": True,
        "image_inputs": known.images,
        "tool_calling": known.tools,
        "structured_output": known.json_schema,
        "reasoning_output": known.reasoning,
    }
    window = known.max_input_tokens or known.context_window
    if window is not None:
        profile["max_input_tokens"] = window
    if known.max_output_tokens is not None:
        profile["max_output_tokens"] = known.max_output_tokens
    return profile
