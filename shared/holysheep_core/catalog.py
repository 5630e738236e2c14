"""What is known of models: windows, prices, abilities, and who stands in for whom.

Only defaults. Model ids are never checked against this table: a gateway adds models faster
than a package is released, and an unknown model is assumed able to do everything. Figures are
those HolySheep publishes; the windows are the providers' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelCard:
    """Facts about one model.

    Attributes:
        context_window: Tokens of prompt and answer together, or None if not known.
        output_price: US$ per million output tokens, or None if not known.
        tools: Whether it can call tools.
        images: Whether it can read images.
        json_schema: Whether it can be held to a JSON schema.
        prefill: Whether it goes on with an assistant's message that ends the conversation.
    """

    context_window: int | None = None
    output_price: float | None = None
    tools: bool = True
    images: bool = True
    json_schema: bool = True
    prefill: bool = False


UNKNOWN = ModelCard()

MODELS: Mapping[str, ModelCard] = {
    "gpt-4.1": ModelCard(context_window=1_047_576, output_price=8.00),
    "claude-sonnet-4.5": ModelCard(context_window=200_000, output_price=15.00, prefill=True),
    "gemini-2.5-flash": ModelCard(context_window=1_048_576, output_price=2.50),
    "deepseek-v3.2": ModelCard(
        context_window=128_000, output_price=0.42, images=False, json_schema=False
    ),
}

DEFAULT_FALLBACK = "gemini-2.5-flash"
"""Where every other model goes when it is rate limited: the cheapest wide window of the four."""


def card(model: str) -> ModelCard:
    """Return what is known of a model; for an unknown one, a card that rules nothing out."""
    return MODELS.get(model, UNKNOWN)


def default_fallbacks(model: str) -> tuple[str, ...]:
    """Return the models to try after `model`, best first."""
    return () if model == DEFAULT_FALLBACK else (DEFAULT_FALLBACK,)


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text is, where no server said so.

    About four characters of ASCII make a token, and about one and a half of anything else
    (Korean, Chinese, Japanese); a text that is not empty has at least one.
    """
    if not text:
        return 0
    ascii_characters = len(text) if text.isascii() else sum(c.isascii() for c in text)
    return max(1, round(ascii_characters / 4 + (len(text) - ascii_characters) / 1.5))
