"""The engine's deltas as LangChain's chunks, and its errors as LangChain's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from typing import Any

from langchain_core.outputs import ChatGenerationChunk

from holysheep_core import Completion, Delta, HolySheepError
from holysheep_core.integrations import Owned
from langchain_holysheep.chunks import delta_chunk, last_chunk
from langchain_holysheep.failures import end_of_failure


def chunks_of(
    deltas: Generator[Delta | Completion, None, None],
    given: Mapping[str, Any],
    *,
    with_usage: bool,
) -> Generator[ChatGenerationChunk, None, None]:
    """Yield the chunks of an answer.

    Args:
        deltas: The answer; it is closed with the chunks.
        given: The keywords of the call.
        with_usage: Whether the last chunk has `usage_metadata`.

    Raises:
        HolySheepError: The failure has no place in a message.
    """
    try:
        with closing(deltas):
            for delta in deltas:
                if isinstance(delta, Completion):
                    yield last_chunk(delta, with_usage=with_usage)
                else:
                    yield delta_chunk(delta)
    except HolySheepError as error:
        for chunk in end_of_failure(  # noqa: UP028 - as in its twin
            error, given, with_usage=with_usage
        ):
            yield chunk


async def achunks_of(
    deltas: AsyncGenerator[Delta | Completion, None],
    given: Mapping[str, Any],
    *,
    with_usage: bool,
) -> AsyncGenerator[ChatGenerationChunk, None]:
    """Like `chunks_of`, for asyncio."""
    try:
        async with aclosing(Owned(deltas)) as owned:
            async for delta in owned:
                if isinstance(delta, Completion):
                    yield last_chunk(delta, with_usage=with_usage)
                else:
                    yield delta_chunk(delta)
    except HolySheepError as error:
        for chunk in end_of_failure(error, given, with_usage=with_usage):
            yield chunk
