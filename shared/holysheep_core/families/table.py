"""The families of models, told apart by model id, and what is certain about each.

Only what a family's own API refuses for certain is in this table, with its source in
`docs/how-to/families.md`. What is in no table is learned from a refusal: see `refusals`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

NO_PARAMS: frozenset[str] = frozenset()
COMMON_PARAMS = frozenset(
    (
        *("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop"),
        *("tools", "tool_choice", "response_format", "stream_options"),
    )
)
"""Fields of a request that every family takes, under these names or others."""
OPENAI_PARAMS = COMMON_PARAMS | frozenset(
    (
        *("seed", "user", "n", "logit_bias", "frequency_penalty", "presence_penalty"),
        *("parallel_tool_calls", "metadata", "store", "service_tier", "prediction"),
    )
)


@dataclass(frozen=True)
class Family:
    """What is known of a family.

    Attributes:
        name: Such as "claude"; "" for models that are in no family.
        pattern: Regular expression of its model ids, from their beginning.
        params: Fields of a request that it takes from a user who asked for another family.
        reasoning: When `reasoning_content` goes back with a turn: "tools" for turns with tool
            calls and those after a tool's result, which must have it; "any" as it came; "" never.
        call_ids: Shape of the ids of tool calls it takes; "" for any.
        call_id_length: Most characters of one; 0 for any.
        unique_ids: An id may be used only once in a conversation.
        alternates: User and assistant take turns, without exception.
        user_first: The first message that is no system message must be a user's.
        skips_empty: It refuses empty messages and empty text parts.
        text_only: The content of a message is a text, not a list of parts.
    """

    name: str
    pattern: str = ""
    params: frozenset[str] = COMMON_PARAMS
    reasoning: Literal["tools", "any", ""] = ""
    call_ids: str = ""
    call_id_length: int = 0
    unique_ids: bool = False
    alternates: bool = False
    user_first: bool = False
    skips_empty: bool = False
    text_only: bool = False


UNKNOWN = Family("", params=OPENAI_PARAMS, reasoning="any")

FAMILIES = (
    Family(
        "openai-reasoning",
        r"gpt-5(?!\.?\d*-chat)|o[134](-|$)|codex",
        params=OPENAI_PARAMS,
        call_id_length=40,
    ),
    Family("openai", r"gpt-(?!oss)|chatgpt", params=OPENAI_PARAMS, call_id_length=40),
    Family(
        "claude",
        r"claude|anthropic",
        call_ids=r"[a-zA-Z0-9_-]+",
        unique_ids=True,
        user_first=True,
        skips_empty=True,
    ),
    Family("gemini", r"gemini", skips_empty=True),
    Family("deepseek", r"deepseek", reasoning="tools", text_only=True),
    Family("kimi", r"kimi|moonshot", reasoning="tools"),
    Family(
        "mistral",
        r"mistral|mixtral|ministral|codestral|devstral|magistral|pixtral",
        call_ids=r"[a-zA-Z0-9]{9}",
        alternates=True,
        user_first=True,
        skips_empty=True,
    ),
    Family("gemma", r"gemma", alternates=True, user_first=True),
    Family("llama", r"(meta-)?llama"),
    Family("grok", r"grok"),
    Family("gpt-oss", r"gpt-oss"),
    Family("glm", r"(chat)?glm", reasoning="any"),
    Family("qwen", r"qw(en|q)", reasoning="any"),
    Family("minimax", r"minimax|abab", reasoning="any"),
)
"""The first whose pattern fits is a model's."""

_VERSION = re.compile(r"(?<!\d)(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)")


@lru_cache(maxsize=1024)
def family_of(model: str) -> Family:
    """Return the family of a model; a gateway's prefixes ("anthropic/…") do not matter.

    >>> family_of("anthropic/claude-sonnet-4.5").name, family_of("my-model").name
    ('claude', '')
    """
    name = bare_id(model)
    return next((each for each in FAMILIES if re.match(each.pattern, name)), UNKNOWN)


@lru_cache(maxsize=1024)
def version_of(model: str) -> tuple[int, int]:
    """Return a model's version, (0, 0) if its id names none; dates are none.

    >>> version_of("claude-sonnet-4-5-20250929"), version_of("gemini-3-pro-preview")
    ((4, 5), (3, 0))
    """
    found = _VERSION.search(bare_id(model))
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def bare_id(model: str) -> str:
    """Return a model's id in lower case, without the names of providers before it."""
    return re.split(r"[/:@]", model.lower().removesuffix(":free"))[-1]


def is_same(one: str, other: str) -> bool:
    """Tell whether two models are of one family; those of none are only like themselves."""
    first, second = family_of(one), family_of(other)
    if first is UNKNOWN or second is UNKNOWN:
        return bare_id(one) == bare_id(other)
    return first.name.partition("-")[0] == second.name.partition("-")[0]


def takes_prefill(model: str) -> bool:
    """Tell whether a model certainly continues an assistant's message at the end.

    Claude does up to version 4.5; later ones refuse it.
    """
    return family_of(model).name == "claude" and (0, 0) < version_of(model) < (4, 6)
