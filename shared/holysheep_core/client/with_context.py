"""Resumes an answer of which only the text is left: no journal, no call that is still running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.types import ChatRequest


def resume_streaming_with_context(
    handler: StreamingRetryHandler,
    original_prompt: str | Sequence[Mapping[str, Any]],
    partial_response: str,
    model: str,
    **params: Any,
) -> Iterator[str]:
    """Yield the rest of an answer, from where `partial_response` ends, joined without a gap.

    >>> from holysheep_core import StreamingRetryHandler
    >>> from holysheep_core.simulator import Scenario, Simulator
    >>> with Simulator() as simulator:
    ...     script = simulator.add(Scenario(text="one, two, three, four, five"))
    ...     handler = StreamingRetryHandler(api_key="any-key", base_url=script.base_url)
    ...     rest = resume_streaming_with_context(handler, "Count!", "one, two, three", "gpt-4.1")
    ...     "".join(rest)
    ', four, five'

    The handler does the same by itself after a cut; use this function for a text that you have
    stored, such as an error's `partial`.

    Args:
        handler: Makes the request.
        original_prompt: What was asked: a text, or OpenAI-format messages.
        partial_response: What came of the answer.
        model: The model to ask.
        **params: Any other field of the request.

    Raises:
        ConfigurationError: At once, if the request is invalid.
        HolySheepError: While iterating, if the answer cannot be completed.
    """
    messages = (
        [{"role": "user", "content": original_prompt}]
        if isinstance(original_prompt, str)
        else original_prompt
    )
    return handler.stream_rest(ChatRequest(model, messages, params), partial_response)
