"""The values that the folders share: requests, pieces of answers, answers, records.

All of them are frozen. `Delta` is the only one made per token, hence a `msgspec.Struct`
without garbage-collector tracking: it holds nothing that could close a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec


class ToolCall(msgspec.Struct, frozen=True):
    """One complete tool call.

    Attributes:
        id: The server's id, or one made up where the server sent none.
        name: Name of the tool.
        arguments: JSON text of the arguments; always an object.
        index: Position among the calls of this answer, from 0.
        fields: What the server attached to the call and wants back with it, such as
            `extra_content`, under its own names.
    """

    id: str
    name: str
    arguments: str
    index: int = 0
    fields: dict[str, Any] = {}


class Part(msgspec.Struct, frozen=True):
    """Something in an answer that is neither its text nor a tool call.

    Attributes:
        kind: "image", "audio", "citation", "reasoning", "refusal" or "other".
        field: Where the server put it: a field of the message ("images", "reasoning_details", …),
            or "content" for a part of a content list.
        value: As the server wrote it, its pieces joined.
    """

    kind: str
    field: str
    value: dict[str, Any]


class Delta(msgspec.Struct, frozen=True, gc=False):
    """What is new since the last delta. At least one field is not empty.

    Attributes:
        text: New answer text.
        reasoning: New reasoning text, where the model shows any.
        tool_calls: Tool calls, complete and parsed; they come once, after all text.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class Usage(msgspec.Struct, frozen=True):
    """Tokens as billed; `estimated` where the server could not report (a cut attempt).

    Attributes:
        input_tokens: Prompt tokens, cached ones included.
        output_tokens: Answer tokens, reasoning included.
        cached_tokens: Part of the input that was read from the provider's cache.
        reasoning_tokens: Part of the output that was reasoning.
        estimated: True if any figure in here is our estimate.
        cache_write_tokens: Part of the input that was written to the provider's cache.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.estimated or other.estimated,
            self.cache_write_tokens + other.cache_write_tokens,
        )

    def merged(self, other: Usage) -> Usage:
        """Return the largest value of each field: two reports of one response.

        Some servers report after every piece, and some in parts (Anthropic the input at the
        beginning, the output at the end).

        >>> Usage(10, 1).merged(Usage(0, 50)).total_tokens
        60
        """
        return Usage(
            max(self.input_tokens, other.input_tokens),
            max(self.output_tokens, other.output_tokens),
            max(self.cached_tokens, other.cached_tokens),
            max(self.reasoning_tokens, other.reasoning_tokens),
            self.estimated or other.estimated,
            max(self.cache_write_tokens, other.cache_write_tokens),
        )


class Attempt(msgspec.Struct, frozen=True):
    """One HTTP request of a call.

    Attributes:
        number: 1 for the first request of the call.
        provider: Name of the provider asked.
        model: Model asked for in this request.
        technique: How it was asked: "request", "replay", "prefill", "continuation", or "hedge"
            for a second request beside one whose first token was late.
        started: Seconds after the call began.
        duration: Seconds until the answer, or the failure, was complete.
        first_token: Seconds until the first content, or None if there was none.
        status_code: HTTP status, or None without a response.
        request_id: The server's id of the request.
        outcome: "completed", "overtaken" (of two requests, the other had content first), or the
            name of the error class that ended it.
        characters: Characters of text that reached the reader from this request.
        usage: Tokens billed for it.
        cost_usd: Price of its tokens in US$, or None where a price is not known.
    """

    number: int
    provider: str
    model: str
    technique: str
    started: float
    duration: float = 0.0
    first_token: float | None = None
    status_code: int | None = None
    request_id: str | None = None
    outcome: str = ""
    characters: int = 0
    usage: Usage = Usage()
    cost_usd: float | None = None


def total_cost(attempts: Iterable[Attempt]) -> float | None:
    """Return the price of some requests together; None if that of one is not known."""
    costs = [attempt.cost_usd for attempt in attempts]
    known = [cost for cost in costs if cost is not None]
    # No price of a token has so many digits: what is behind them is of binary fractions.
    return round(sum(known), 12) if len(known) == len(costs) else None


@dataclass(frozen=True)
class CallRecord:
    """One call, when it is over: what it asked for, how it went, what it cost. No text.

    Attributes:
        call_id: Its events have the same.
        began: Unix time.
        duration: Seconds, waits and the reader's own time included.
        requested_model: The model asked for.
        model: The model that answered last, as the server named it.
        provider: The provider that was asked last.
        outcome: "completed", "closed" (the reader went away), or the name of the error class.
        first_token: Seconds until the first content; None if there was none.
        characters: Characters of text the reader was given.
        saved_characters: Those of them that a cut attempt had delivered, and that a client which
            starts over would have asked, and paid, for again.
        usage: Tokens of all requests together.
        cost_usd: Their price in US$; None where a price is not known.
        resumes: How often a cut answer was continued.
        downgrades: Fallback models that the call moved to, in order.
        waited: Seconds between requests.
        attempts: One record per request.
        tags: The request's labels.
        finish_reason: The model's reason to stop, if it gave one.
    """

    call_id: str
    began: float
    duration: float
    requested_model: str
    model: str
    provider: str
    outcome: str
    first_token: float | None
    characters: int
    saved_characters: int
    usage: Usage
    cost_usd: float | None
    resumes: int
    downgrades: tuple[str, ...]
    waited: float
    attempts: tuple[Attempt, ...]
    tags: tuple[str, ...] = ()
    finish_reason: str | None = None


IfExists = Literal["error", "resume"]


@dataclass(frozen=True)
class ChatRequest:
    """One chat/completions call, as the user meant it.

    Attributes:
        model: Model id, e.g. "gpt-4.1".
        messages: OpenAI-format messages (dicts with "role" and "content").
        params: Every other field of the request body ("temperature", "tools", …).
        tags: Labels to total costs by; they are not sent.
        call_id: A name for the call, under which a journal keeps it; "" to have one made. Not
            sent.
        fallback_models: Fallback models of this call, in order; None for the client's. Not sent.
        if_exists: What to do if the journal has an answer of this name: "error", or "resume" to
            give it from its beginning, and ask for what is missing. Not sent.
        detached: No reader waits for it: it was begun with `start`. Not sent.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    call_id: str = ""
    fallback_models: tuple[str, ...] | None = None
    if_exists: IfExists = "error"
    detached: bool = False


@dataclass(frozen=True)
class Completion:
    """The whole answer, and the history of its call.

    Attributes:
        text: The whole text: exactly the deltas' texts, joined.
        reasoning: The whole reasoning, likewise.
        tool_calls: Complete tool calls.
        finish_reason: The model's reason, as the server wrote it: "stop", "length", "tool_calls",
            …; None if it gave none.
        refusal: The model's refusal text, where the API reports one apart.
        requested_model: The model asked for.
        model: The model that answered last, as the server named it.
        provider: The provider that answered last.
        usage: Tokens billed in all, cut attempts included.
        attempts: One record per HTTP request.
        resumes: How often a cut answer was continued.
        downgrades: Fallback models that the call moved to, in order.
        waited: Seconds spent waiting between requests.
        id: The server's id of the last response.
        system_fingerprint: As the server sent it.
        parts: Images, audio, citations, blocks of reasoning and a refusal, in order.
        call_id: The name of the call; its events have the same, and so has its journal.
    """

    text: str
    finish_reason: str | None
    requested_model: str
    model: str
    provider: str
    usage: Usage
    attempts: tuple[Attempt, ...]
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    resumes: int = 0
    downgrades: tuple[str, ...] = ()
    waited: float = 0.0
    id: str = ""
    system_fingerprint: str | None = None
    parts: tuple[Part, ...] = ()
    call_id: str = ""

    @property
    def cost_usd(self) -> float | None:
        """Price of the whole call, cut attempts included; None where a price is not known."""
        return total_cost(self.attempts)

    def resilience(self) -> dict[str, Any]:
        """The call's history as plain JSON-able values, for a framework's metadata."""
        return {
            "call_id": self.call_id,
            "requested_model": self.requested_model,
            "model": self.model,
            "provider": self.provider,
            "resumes": self.resumes,
            "downgrades": list(self.downgrades),
            "waited_seconds": round(self.waited, 3),
            "cost_usd": self.cost_usd,
            "attempts": [msgspec.to_builtins(attempt) for attempt in self.attempts],
        }
