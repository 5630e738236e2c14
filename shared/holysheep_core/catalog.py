"""What is known of models: windows, prices, abilities, and who stands in for whom.

Only defaults. Model ids are never checked against this table: a gateway adds models faster
than a package is released, and an unknown model is assumed able to do everything. Output prices
are those HolySheep publishes. What it says of input prices contradicts itself, so these, like the
windows, are the model makers' own; a `Catalog` from a file puts your contract's in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holysheep_core.types import Usage


@dataclass(frozen=True)
class ModelCard:
    """Facts about one model.

    Attributes:
        context_window: Tokens of prompt and answer together, or None if not known.
        input_price: US$ per million input tokens, or None if not known.
        cached_price: The same for input read from the provider's cache; None for as any input.
        output_price: The same for output tokens.
        tools: Whether it can call tools.
        images: Whether it can read images.
        json_schema: Whether it can be held to a JSON schema.
        prefill: Whether it goes on with an assistant's message that ends the conversation.
    """

    context_window: int | None = None
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None
    tools: bool = True
    images: bool = True
    json_schema: bool = True
    prefill: bool = False

    def cost(self, usage: Usage) -> float | None:
        """Return the price of some tokens in US$; None if a price that matters is not known."""
        cached = usage.cached_tokens
        cached_price = self.input_price if self.cached_price is None else self.cached_price
        parts = (
            (usage.input_tokens - cached, self.input_price),
            (cached, cached_price),
            (usage.output_tokens, self.output_price),
        )
        total = 0.0
        for tokens, price in parts:
            if tokens and price is None:
                return None
            total += tokens * (price or 0.0)
        return total / 1e6


UNKNOWN = ModelCard()

MODELS: Mapping[str, ModelCard] = {
    "gpt-4.1": ModelCard(context_window=1_047_576, input_price=2.00, output_price=8.00),
    "claude-sonnet-4.5": ModelCard(
        context_window=200_000, input_price=3.00, output_price=15.00, prefill=True
    ),
    "gemini-2.5-flash": ModelCard(context_window=1_048_576, input_price=0.30, output_price=2.50),
    "deepseek-v3.2": ModelCard(
        context_window=128_000, input_price=0.28, output_price=0.42, images=False, json_schema=False
    ),
}

DEFAULT_FALLBACK = "gemini-2.5-flash"
"""Where every other model goes when it is rate limited: the cheapest wide window of the four."""


class Catalog:
    """The table above, with what you know better laid over it.

    >>> catalog = Catalog({"gpt-5.5": ModelCard(input_price=5.0, output_price=37.5)})
    >>> catalog.card("gpt-5.5").cost(Usage(input_tokens=1_000, output_tokens=1_000))
    0.0425
    >>> catalog.card("gpt-4.1") == card("gpt-4.1")
    True

    Args:
        models: Cards that take the place of those in the table.
    """

    def __init__(self, models: Mapping[str, ModelCard] | None = None) -> None:
        self.models: Mapping[str, ModelCard] = {**MODELS, **(models or {})}

    def card(self, model: str) -> ModelCard:
        """Return what is known of a model; for an unknown one, a card that rules nothing out."""
        return self.models.get(model, UNKNOWN)


CATALOG = Catalog()


def card(model: str) -> ModelCard:
    """Return what the built-in table says of a model."""
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
