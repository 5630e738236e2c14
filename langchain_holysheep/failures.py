"""Answers that failed, and what a caller gets in place of an error for them.

Invalid tool calls have a place in LangChain's messages, `invalid_tool_calls`, from which an agent
can tell the model. Invalid JSON has none, but the reader of `include_raw=True` wants the message.
Everything else is raised, as an error of both families.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import msgspec
from langchain_core.messages import AIMessage
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils.json import parse_partial_json

from holysheep_core import (
    Completion,
    Delta,
    HolySheepError,
    InvalidJSONOutputError,
    InvalidToolCallError,
    ToolCall,
)
from langchain_holysheep.blocks import NO_OBJECT
from langchain_holysheep.chunks import call_chunk, call_fields, chunk_of, last_chunk, result
from langchain_holysheep.errors import for_langchain

KEEPS_INVALID_JSON = "holysheep_keeps_invalid_json"
"""Keyword of a call that answers with invalid JSON instead of raising."""


def end_of_failure(
    error: HolySheepError, given: Mapping[str, Any], *, with_usage: bool
) -> Iterator[ChatGenerationChunk]:
    """Return the end of a stream that failed.

    Args:
        error: Why it failed.
        given: The keywords of the call.
        with_usage: Whether the last chunk has the usage.

    Raises:
        HolySheepError: The failure has no place in a message.
    """
    if isinstance(error, InvalidToolCallError):
        yield from _invalid_calls(error, with_usage=with_usage)
        return
    yield last_chunk(_kept(error, given), with_usage=with_usage)


def result_of_failure(error: HolySheepError, given: Mapping[str, Any]) -> ChatResult:
    """Return the result of `invoke` for a failure, like `end_of_failure`."""
    if isinstance(error, InvalidToolCallError):
        return _invalid_result(error)
    return result(_kept(error, given))


@contextmanager
def as_langchains() -> Iterator[None]:
    """Raise the engine's errors of the block as LangChain's too."""
    try:
        yield
    except HolySheepError as error:
        twin = for_langchain(error)
        raise twin from twin.__cause__


def _kept(error: HolySheepError, given: Mapping[str, Any]) -> Completion:
    """Return the completion of a failure that the caller wants to see; raise all others."""
    if isinstance(error, InvalidJSONOutputError) and given.get(KEEPS_INVALID_JSON):
        return cast("Completion", error.completion)  # the engine sets it
    twin = for_langchain(error)
    raise twin from twin.__cause__


def _invalid_calls(
    error: InvalidToolCallError, *, with_usage: bool
) -> Iterator[ChatGenerationChunk]:
    completion = cast("Completion", error.completion)  # the engine sets it
    calls = [call_chunk(call) for call in completion.tool_calls]
    calls += [_invalid_chunk(call) for call in error.invalid_tool_calls]
    chunk = chunk_of(Delta(), calls)
    chunk.message.additional_kwargs |= call_fields(
        (*completion.tool_calls, *error.invalid_tool_calls)
    )
    yield chunk
    yield last_chunk(completion, with_usage=with_usage)


def _invalid_result(error: InvalidToolCallError) -> ChatResult:
    found = result(cast("Completion", error.completion))
    message = cast("AIMessage", found.generations[0].message)
    message.invalid_tool_calls = [
        invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=NO_OBJECT)
        for call in error.invalid_tool_calls
    ]
    return found


def _invalid_chunk(call: ToolCall) -> ToolCallChunk:
    """Return a call with invalid arguments as a chunk that stays invalid.

    LangChain completes half JSON in chunks. Arguments that it would complete to an object are
    sent as a JSON string of them, which it does not take for arguments.
    """
    args = call.arguments
    if not args or _is_completed(args):
        args = msgspec.json.encode(args).decode()
    return tool_call_chunk(name=call.name, args=args, id=call.id, index=call.index)


def _is_completed(arguments: str) -> bool:
    try:
        return isinstance(parse_partial_json(arguments), dict)
    except (ValueError, TypeError, RecursionError):
        return False
