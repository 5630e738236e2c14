"""Converts deltas and completions to LlamaIndex's responses.

Every response of a stream has the new text in `delta` and the whole answer so far in its own
`message.blocks`: thinking, then *one* text block (LlamaIndex joins two with a newline), then tool
calls. The last response has `raw["usage"]`, which LlamaIndex's token counters read, and the
answer's other parts: images, audio and citations as blocks, all of them in `raw["parts"]`.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)

from holysheep_core import Completion, Delta, Part, ToolCall
from holysheep_core.integrations.fast_models import without_validation
from holysheep_core.integrations.parts import by_field
from llamaindex_holysheep.blocks import media_blocks, thinking_blocks


class GrowingAnswer:
    """The answer so far; returns LlamaIndex's response for each delta."""

    def __init__(self) -> None:
        self._text = ""
        self._reasoning = ""
        self._calls: tuple[ToolCall, ...] = ()

    def add(self, delta: Delta) -> ChatResponse:
        """Add a delta and return its response."""
        self._text += delta.text
        if not (delta.reasoning or delta.tool_calls or self._reasoning or self._calls):
            return _text_response(self._text, delta.text)
        self._reasoning += delta.reasoning
        self._calls += delta.tool_calls
        extra = {"thinking_delta": delta.reasoning} if delta.reasoning else {}
        return ChatResponse(
            message=self._message(), delta=delta.text, raw={}, additional_kwargs=extra
        )

    def finish(self, completion: Completion) -> ChatResponse:
        """Return the last response: metadata, no new text."""
        message = _message(self._text, self._reasoning, self._calls, completion.parts)
        _note_model(message, completion)
        return ChatResponse(message=message, delta="", raw=_raw(completion))

    def _message(self) -> ChatMessage:
        return _message(self._text, self._reasoning, self._calls)


def _text_response(text: str, delta: str) -> ChatResponse:
    """Return the response of an answer that has only text so far.

    It is built without validation: its fields are always valid.
    """
    block = without_validation(_BLOCK, {**_BLOCK_FIELDS, "text": text})
    blocks = {"blocks": [block], "additional_kwargs": {}}
    message = without_validation(_MESSAGE, {**_MESSAGE_FIELDS, **blocks})
    fields = {"message": message, "delta": delta, "raw": {}, "additional_kwargs": {}}
    return without_validation(_RESPONSE, {**_RESPONSE_FIELDS, **fields})


def whole(completion: Completion) -> ChatResponse:
    """Return a completion as a chat response."""
    calls, parts = completion.tool_calls, completion.parts
    message = _message(completion.text, completion.reasoning, calls, parts)
    _note_model(message, completion)
    return ChatResponse(message=message, raw=_raw(completion))


def as_completion(response: ChatResponse) -> CompletionResponse:
    """Return a chat response as a completion response."""
    return CompletionResponse(
        text=response.message.content or "",
        delta=response.delta,
        raw=response.raw,
        additional_kwargs=response.additional_kwargs,
    )


def _message(
    text: str, reasoning: str, calls: tuple[ToolCall, ...], parts: tuple[Part, ...] = ()
) -> ChatMessage:
    blocks: list[Any] = thinking_blocks(reasoning, parts)
    blocks.append(TextBlock(text=text))
    blocks += media_blocks(parts)
    blocks += [
        ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
        for call in calls
    ]
    extra = {"tool_calls": [_wire_call(call) for call in calls]} if calls else {}
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=extra)


def _wire_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function, **call.fields}


def _note_model(message: ChatMessage, completion: Completion) -> None:
    """Note which model wrote a message: what it attached is sent back to its family only."""
    message.additional_kwargs["holysheep_model"] = completion.attempts[-1].model


_BLOCK = TextBlock(text="")
_MESSAGE = _message("", "", ())
_RESPONSE = ChatResponse(message=_MESSAGE, delta="", raw={}, additional_kwargs={})
_BLOCK_FIELDS, _MESSAGE_FIELDS = _BLOCK.__dict__, _MESSAGE.__dict__
_RESPONSE_FIELDS = _RESPONSE.__dict__


def _raw(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    parts = by_field(completion.parts)
    return {
        **({"parts": parts} if parts else {}),
        "id": completion.id,
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
        },
        "resilience": completion.resilience(),
    }
