"""Streams that are written to a journal as they come, taken up again from it, or followed in it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, closing
from dataclasses import replace

from holysheep_core.errors import ConfigurationError, HolySheepError
from holysheep_core.journal import Entry, Journal, completion_of, request_of
from holysheep_core.journal_store import Kept
from holysheep_core.types import ChatRequest, Completion, Delta

Begun = tuple[str, str]
"""Text and reasoning that an earlier process brought."""

Stream = Generator[Delta | Completion, None, None]
AsyncStream = AsyncGenerator[Delta | Completion, None]
Run = Callable[[ChatRequest, Begun, Entry | None], Stream]
AsyncRun = Callable[[ChatRequest, Begun, Entry | None], AsyncStream]

_POLL = 0.05  # seconds between looks at an answer that somebody else writes


def required(journal: Journal | None) -> Journal:
    """Return the journal.

    Raises:
        ConfigurationError: There is none.
    """
    if journal is None:
        raise ConfigurationError("There is no journal: give journal='sqlite:///answers.db'.")
    return journal


def keep(journal: Journal, request: ChatRequest, run: Run) -> Stream:
    """Run a request, and write what comes."""
    named = _named(request)
    entry = journal.begin(named.call_id, named)
    yield from _written(entry, run(named, ("", ""), entry), at_once=not journal.interval)


async def akeep(journal: Journal, request: ChatRequest, run: AsyncRun) -> AsyncStream:
    """Like `keep`, for asyncio."""
    named = _named(request)
    entry = await asyncio.to_thread(journal.begin, named.call_id, named)
    written = _awritten(entry, run(named, ("", ""), entry), at_once=not journal.interval)
    async with aclosing(written) as deltas:
        async for delta in deltas:
            yield delta


def resume(journal: Journal, call_id: str, offset: int, run: Run) -> Stream:
    """Give what is written of an answer, and then the rest of it."""
    kept = journal.read(call_id)
    if kept.state == "done":
        yield from _whole(kept, offset)
        return
    entry, kept = journal.take_over(call_id)
    begun = _begun(kept)
    shown = _shown(begun, offset)
    if shown is not None:
        yield shown
    rest = run(_request(kept, call_id), begun, entry)
    yield from _written(entry, rest, at_once=not journal.interval)


async def aresume(journal: Journal, call_id: str, offset: int, run: AsyncRun) -> AsyncStream:
    """Like `resume`, for asyncio."""
    kept = await asyncio.to_thread(journal.read, call_id)
    if kept.state == "done":
        for each in _whole(kept, offset):
            yield each
        return
    entry, kept = await asyncio.to_thread(journal.take_over, call_id)
    begun = _begun(kept)
    shown = _shown(begun, offset)
    if shown is not None:
        yield shown
    rest = run(_request(kept, call_id), begun, entry)
    async with aclosing(_awritten(entry, rest, at_once=not journal.interval)) as deltas:
        async for delta in deltas:
            yield delta


def follow(journal: Journal, call_id: str, offset: int) -> Iterator[str]:
    """Give the text of an answer as it is written."""
    for pieces in journal.watch(call_id):
        for text, _ in pieces:
            if text[offset:]:
                yield text[offset:]
            offset = max(0, offset - len(text))
        if not pieces:
            time.sleep(_POLL)


async def afollow(journal: Journal, call_id: str, offset: int) -> AsyncIterator[str]:
    """Like `follow`, for asyncio."""
    watching = journal.watch(call_id)
    while (pieces := await asyncio.to_thread(next, watching, None)) is not None:
        for text, _ in pieces:
            if text[offset:]:
                yield text[offset:]
            offset = max(0, offset - len(text))
        if not pieces:
            await asyncio.sleep(_POLL)


def _written(entry: Entry, deltas: Stream, *, at_once: bool) -> Stream:
    done = False
    try:
        with closing(deltas):
            for delta in deltas:
                if isinstance(delta, Completion):
                    done = True
                    entry.finish(delta)
                elif at_once:
                    entry.flush()
                yield delta
    except BaseException as error:  # the reader's leaving, too
        if not done:
            entry.fail(error if isinstance(error, HolySheepError) else None)
        raise


async def _awritten(entry: Entry, deltas: AsyncStream, *, at_once: bool) -> AsyncStream:
    done = False
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                if isinstance(delta, Completion):
                    done = True
                    await asyncio.to_thread(entry.finish, delta)
                elif at_once:
                    await asyncio.to_thread(entry.flush)
                yield delta
    except BaseException as error:
        if not done:  # at once: a cancelled task cannot wait for a thread
            entry.fail(error if isinstance(error, HolySheepError) else None)
        raise


def _named(request: ChatRequest) -> ChatRequest:
    return request if request.call_id else replace(request, call_id=secrets.token_hex(8))


def _request(kept: Kept, call_id: str) -> ChatRequest:
    return replace(request_of(kept), call_id=call_id)


def _begun(kept: Kept) -> Begun:
    return "".join(text for text, _ in kept.pieces), "".join(said for _, said in kept.pieces)


def _shown(begun: Begun, offset: int) -> Delta | None:
    text, reasoning = begun
    # A reader who has seen text has seen the reasoning before it.
    delta = Delta(text[offset:], "" if offset else reasoning)
    return delta if delta.text or delta.reasoning else None


def _whole(kept: Kept, offset: int) -> Iterator[Delta | Completion]:
    completion = completion_of(kept)
    shown = _shown((completion.text, completion.reasoning), offset)
    if shown is not None:
        yield shown
    if completion.tool_calls:
        yield Delta(tool_calls=completion.tool_calls)
    yield completion
