"""Converts deltas and completions to LangChain's chunks and messages.

LangChain merges chunks: strings in `response_metadata` are concatenated (except for a few keys),
integers and usage are summed. So every chunk has `model_provider`, and only the last chunk has the
rest of the metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import (
    ToolCallChunk,
    tool_call,
    tool_call_chunk,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from holysheep_core import Completion, Delta, ToolCall, Usage
from holysheep_core.integrations.fast_models import without_validation
from holysheep_core.integrations.parts import by_field
from langchain_holysheep.blocks import PROVIDER, register

register()


def delta_chunk(delta: Delta) -> ChatGenerationChunk:
    """Return the chunk of one delta.

    Text chunks are built without validation: their fields are always valid.
    """
    if delta.tool_calls:
        return chunk_of(delta, [call_chunk(call) for call in delta.tool_calls])
    text = delta.text
    extra = {"reasoning_content": delta.reasoning} if delta.reasoning else {}
    fields = _MESSAGE_FIELDS.copy()
    for name in _LISTS:
        fields[name] = []
    fields["content"], fields["additional_kwargs"] = text, extra
    fields["response_metadata"] = {"model_provider": PROVIDER}
    message = without_validation(_TEXT_MESSAGE, fields)
    return without_validation(_TEXT_CHUNK, {**_CHUNK_FIELDS, "message": message, "text": text})


def call_fields(calls: Iterable[ToolCall]) -> dict[str, Any]:
    """Return what the server attached to tool calls, by the calls' ids; it is sent back."""
    fields = {call.id: call.fields for call in calls if call.fields}
    return {"tool_call_fields": fields} if fields else {}


def chunk_of(delta: Delta, calls: list[ToolCallChunk]) -> ChatGenerationChunk:
    """Return the chunk of a delta with these tool calls."""
    extra: dict[str, Any] = {"reasoning_content": delta.reasoning} if delta.reasoning else {}
    extra |= call_fields(delta.tool_calls)
    message = AIMessageChunk(
        content=delta.text,
        additional_kwargs=extra,
        response_metadata={"model_provider": PROVIDER},
        tool_call_chunks=calls,
    )
    return ChatGenerationChunk(message=message, text=delta.text)


_TEXT_CHUNK = chunk_of(Delta(), [])
_TEXT_MESSAGE = cast("AIMessageChunk", _TEXT_CHUNK.message)
_CHUNK_FIELDS, _MESSAGE_FIELDS = _TEXT_CHUNK.__dict__, _TEXT_MESSAGE.__dict__
_LISTS = [name for name, value in _MESSAGE_FIELDS.items() if isinstance(value, list)]
"""List fields: each message needs its own list."""


def last_chunk(completion: Completion, *, with_usage: bool = True) -> ChatGenerationChunk:
    """Return the last chunk of a stream: metadata and usage, no text."""
    message = AIMessageChunk(
        content="",
        additional_kwargs=_extra(completion),
        response_metadata=_metadata(completion),
        usage_metadata=_usage(completion) if with_usage else None,
        chunk_position="last",
    )
    info = {"finish_reason": completion.finish_reason, "model_name": completion.model}
    return ChatGenerationChunk(message=message, generation_info=info)


def result(completion: Completion) -> ChatResult:
    """Return a completion as LangChain's result of `invoke`."""
    extra = {**_extra(completion), **call_fields(completion.tool_calls)}
    if completion.reasoning:
        extra["reasoning_content"] = completion.reasoning
    message = AIMessage(
        content=completion.text,
        additional_kwargs=extra,
        response_metadata=_metadata(completion),
        usage_metadata=_usage(completion),
        tool_calls=[
            tool_call(name=call.name, args=msgspec.json.decode(call.arguments), id=call.id)
            for call in completion.tool_calls
        ],
    )
    info = {"finish_reason": completion.finish_reason}
    return ChatResult(
        generations=[ChatGeneration(message=message, generation_info=info)],
        llm_output={"model_name": completion.model, "model_provider": PROVIDER},
    )


def _metadata(completion: Completion) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "model_provider": PROVIDER,
        "model_name": completion.model,
        "finish_reason": completion.finish_reason,
        "resilience": completion.resilience(),
    }
    if completion.id:
        metadata["id"] = completion.id
    if completion.attempts[-1].request_id:
        metadata["request_id"] = completion.attempts[-1].request_id
    if completion.system_fingerprint:
        metadata["system_fingerprint"] = completion.system_fingerprint
    return metadata


def _usage(completion: Completion) -> UsageMetadata:
    usage = completion.usage
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_token_details=_input_details(usage),
        output_token_details=OutputTokenDetails(reasoning=usage.reasoning_tokens),
    )


def _input_details(usage: Usage) -> InputTokenDetails:
    details = InputTokenDetails(cache_read=usage.cached_tokens)
    if usage.cache_write_tokens:
        details["cache_creation"] = usage.cache_write_tokens
    return details


def _extra(completion: Completion) -> dict[str, Any]:
    refusal = {"refusal": completion.refusal} if completion.refusal else {}
    return {**refusal, **by_field(completion.parts)}


def call_chunk(call: ToolCall) -> ToolCallChunk:
    """Return a tool call as a chunk."""
    return tool_call_chunk(name=call.name, args=call.arguments, id=call.id, index=call.index)
