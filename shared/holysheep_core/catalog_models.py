"""The table of models: what is known of each, under every id that it is known by.

Windows and most tokens are the makers' (LiteLLM's table has the same). Prices are there for the
models whose prices HolySheep publishes; what it asks for the others is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from holysheep_core.types import Usage


@dataclass(frozen=True)
class ModelCard:
    """Facts about one model.

    Attributes:
        context_window: Tokens of prompt and answer together, or None if not known.
        input_price: US$ per million input tokens, or None if not known.
        cached_price: The same for input read from the provider's cache; None for as any input.
        cache_write_price: The same for input written to it; None for as any input.
        output_price: The same for output tokens.
        tools: Whether it can call tools.
        images: Whether it can read images.
        json_schema: Whether it can be held to a JSON schema.
        prefill: Whether it continues an assistant's message that ends the conversation.
        max_input_tokens: Tokens of the prompt, where these have a limit of their own.
        max_output_tokens: Tokens of an answer, or None if not known.
        reasoning: Whether it thinks before it answers, always or if asked.
    """

    context_window: int | None = None
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None
    tools: bool = True
    images: bool = True
    json_schema: bool = True
    prefill: bool = False
    cache_write_price: float | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    reasoning: bool = False

    def cost(self, usage: Usage) -> float | None:
        """Return the price of some tokens in US$; None if a price that matters is not known."""
        # What a server reports need not add up; a cost is never less than nothing.
        cached = min(usage.cached_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        cached_price = self.input_price if self.cached_price is None else self.cached_price
        written_price = self.cache_write_price
        parts = (
            (usage.input_tokens - cached - written, self.input_price),
            (cached, cached_price),
            (written, self.input_price if written_price is None else written_price),
            (usage.output_tokens, self.output_price),
        )
        total = 0.0
        for tokens, price in parts:
            if tokens and price is None:
                return None
            total += tokens * (price or 0.0)
        return total / 1e6


UNKNOWN = ModelCard()

_GPT_4_1 = ModelCard(context_window=1_047_576, max_output_tokens=32_768)
_GPT_4O = ModelCard(context_window=128_000, max_output_tokens=16_384)
_GPT_5 = ModelCard(
    context_window=400_000, max_input_tokens=272_000, max_output_tokens=128_000, reasoning=True
)
_GPT_5_4 = ModelCard(context_window=1_050_000, max_output_tokens=128_000, reasoning=True)
_O = ModelCard(context_window=200_000, max_output_tokens=100_000, reasoning=True)
_CLAUDE = ModelCard(context_window=200_000, max_output_tokens=64_000, prefill=True, reasoning=True)
_CLAUDE_OPUS_4 = replace(_CLAUDE, max_output_tokens=32_000)
_CLAUDE_4_6 = ModelCard(context_window=1_000_000, max_output_tokens=128_000, reasoning=True)
_GEMINI = ModelCard(context_window=1_048_576, max_output_tokens=65_536, reasoning=True)
_DEEPSEEK = ModelCard(context_window=128_000, images=False, json_schema=False, reasoning=True)

_Row = tuple[tuple[str, ...], ModelCard]


def _alike(card: ModelCard, *names: str) -> list[_Row]:
    """Return the rows of models that are alike in all that is known."""
    return [((name,), card) for name in names]


ROWS: tuple[_Row, ...] = (
    (("gpt-4.1",), replace(_GPT_4_1, input_price=2.00, cached_price=0.50, output_price=8.00)),
    *_alike(_GPT_4_1, "gpt-4.1-mini", "gpt-4.1-nano"),
    *_alike(_GPT_4O, "gpt-4o", "gpt-4o-mini"),
    *_alike(replace(_GPT_4O, max_output_tokens=4_096), "gpt-4o-2024-05-13"),
    (("gpt-5-chat", "gpt-5-chat-latest"), _GPT_4O),
    *_alike(_GPT_5, "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-codex", "gpt-5.1", "gpt-5.1-codex"),
    *_alike(_GPT_5, "gpt-5.2", "gpt-5.2-pro", "gpt-5.3-codex", "gpt-5.4-mini"),
    (("gpt-5-pro",), replace(_GPT_5, max_input_tokens=None, max_output_tokens=272_000)),
    (("gpt-5.3-codex-spark",), ModelCard(context_window=128_000, images=False, reasoning=True)),
    *_alike(_GPT_5_4, "gpt-5.4", "gpt-5.4-pro", "gpt-5.5"),
    *_alike(_O, "o1", "o3", "o3-pro", "o4-mini"),
    (("o3-mini",), replace(_O, images=False)),
    (
        ("claude-sonnet-4.5", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        replace(
            _CLAUDE, input_price=3.00, cached_price=0.30, cache_write_price=3.75, output_price=15.00
        ),
    ),
    (("claude-sonnet-4", "claude-sonnet-4-0", "claude-sonnet-4-20250514"), _CLAUDE),
    (("claude-opus-4", "claude-opus-4-0", "claude-opus-4-20250514"), _CLAUDE_OPUS_4),
    (("claude-opus-4.1", "claude-opus-4-1", "claude-opus-4-1-20250805"), _CLAUDE_OPUS_4),
    (("claude-opus-4.5", "claude-opus-4-5", "claude-opus-4-5-20251101"), _CLAUDE),
    (("claude-haiku-4.5", "claude-haiku-4-5", "claude-haiku-4-5-20251001"), _CLAUDE),
    (("claude-sonnet-4.6", "claude-sonnet-4-6"), _CLAUDE_4_6),
    (("claude-opus-4.6", "claude-opus-4-6"), _CLAUDE_4_6),
    (("claude-opus-4.7", "claude-opus-4-7"), _CLAUDE_4_6),
    (
        ("gemini-2.5-flash",),
        replace(_GEMINI, input_price=0.30, cached_price=0.03, output_price=2.50),
    ),
    *_alike(_GEMINI, "gemini-2.5-pro", "gemini-2.5-flash-lite"),
    (("gemini-3-pro", "gemini-3-pro-preview"), _GEMINI),
    (("gemini-3-flash", "gemini-3-flash-preview"), _GEMINI),
    (("gemini-3.1-pro", "gemini-3.1-pro-preview"), _GEMINI),
    (
        ("deepseek-v3.2",),
        replace(_DEEPSEEK, input_price=0.28, cached_price=0.028, output_price=0.42),
    ),
    (("deepseek-chat",), replace(_DEEPSEEK, max_output_tokens=8_192, reasoning=False)),
    (("deepseek-reasoner",), replace(_DEEPSEEK, max_output_tokens=65_536)),
    (("deepseek-r1", "deepseek-r1-0528"), replace(_DEEPSEEK, context_window=65_536)),
    (
        ("deepseek-v4-pro",),
        ModelCard(
            context_window=1_000_000, max_output_tokens=393_216, images=False, reasoning=True
        ),
    ),
    *_alike(
        ModelCard(context_window=204_800, images=False, reasoning=True),
        "MiniMax-M2.7",
        "MiniMax-M2.7-highspeed",
    ),
)
"""The ids of each model, and its card."""

MODELS: Mapping[str, ModelCard] = {name: card for ids, card in ROWS for name in ids}
