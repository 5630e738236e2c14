"""Converts deltas and completions to LlamaIndex's responses.

Every response of a stream has the new text in `delta` and the whole answer so far in its own
`message.blocks`: thinking, then *one* text block (LlamaIndex joins two with a newline), then tool
calls. The last response has `raw["usage"]`, which LlamaIndex's token counters read, and the
answer's other parts: images, audio and citations as blocks, all of them in `raw["parts"]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from msgspec.structs import replace

from holysheep_core import Completion, Delta, Part, ToolCall
from holysheep_core.integrations.fast_models import without_validation
from holysheep_core.integrations.parts import by_field
from llamaindex_holysheep.blocks import media_blocks, thinking_blocks
from llamaindex_holysheep.raw import Raw

_SAME: Mapping[str, str] = {}


class GrowingAnswer:
    """The answer so far; returns LlamaIndex's response for each delta.

    Args:
        names: Name of a tool on the wire -> its own.
    """

    def __init__(self, names: Mapping[str, str] = _SAME) -> None:
        self._names = names
        self._text = ""
        self._reasoning = ""
        self._calls: tuple[ToolCall, ...] = ()

    def add(self, delta: Delta) -> ChatResponse:
        """Add a delta and return its response."""
        self._text += delta.text
        if not (delta.reasoning or delta.tool_calls or self._reasoning or self._calls):
            return _text_response(self._text, delta.text)
        self._reasoning += delta.reasoning
        self._calls += own_names(delta.tool_calls, self._names)
        extra = {"thinking_delta": delta.reasoning} if delta.reasoning else {}
        return ChatResponse(
            message=self._message(), delta=delta.text, raw={}, additional_kwargs=extra
        )

    def finish(self, completion: Completion) -> ChatResponse:
        """Return the last response: metadata, no new text."""
        message = _message(self._text, self._reasoning, self._calls, completion.parts)
        _note_model(message, completion)
        raw, tokens = _raw(completion), _tokens(completion)
        return ChatResponse(message=message, delta="", raw=raw, additional_kwargs=tokens)

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


def whole(completion: Completion, names: Mapping[str, str] = _SAME) -> ChatResponse:
    """Return a completion as a chat response.

    Args:
        completion: The completion.
        names: Name of a tool on the wire -> its own.
    """
    calls, parts = own_names(completion.tool_calls, names), completion.parts
    message = _message(completion.text, completion.reasoning, calls, parts)
    _note_model(message, completion)
    raw, tokens = _raw(completion), _tokens(completion)
    return ChatResponse(message=message, raw=raw, additional_kwargs=tokens)


def own_names(calls: tuple[ToolCall, ...], names: Mapping[str, str]) -> tuple[ToolCall, ...]:
    """Return calls with the tools' own names in place of those on the wire."""
    if not names:
        return calls
    return tuple(replace(call, name=names.get(call.name, call.name)) for call in calls)


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


def _tokens(completion: Completion) -> dict[str, Any]:
    """Return the counts that tools look for in `additional_kwargs`."""
    usage = completion.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def _raw(completion: Completion) -> Raw:
    """Return the answer in the shape of OpenAI's, with what is our own beside it."""
    usage, parts = completion.usage, by_field(completion.parts)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": completion.text,
        "refusal": completion.refusal or None,
        "annotations": parts.get("annotations", []),
        "tool_calls": [_wire_call(call) for call in completion.tool_calls] or None,
    }
    choice = {"index": 0, "finish_reason": completion.finish_reason, "message": message}
    return Raw(
        **({"parts": parts} if parts else {}),
        id=completion.id,
        object="chat.completion",
        model=completion.model,
        system_fingerprint=completion.system_fingerprint,
        choices=[choice],
        finish_reason=completion.finish_reason,
        usage={
            **_tokens(completion),
            "prompt_tokens_details": {
                "cached_tokens": usage.cached_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        },
        resilience=completion.resilience(),
    )
