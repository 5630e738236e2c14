"""Start, resume or follow an answer with a journal."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from holysheep_core.config.checks import check_count
from holysheep_core.errors import (
    AnswerExistsError,
    AnswerInUseError,
    ConfigurationError,
    JournalError,
)
from holysheep_core.journal.backend import StoredAnswer
from holysheep_core.journal.journal import Journal, as_json, completion_of, request_of
from holysheep_core.journal.writer import AnswerWriter
from holysheep_core.types import ChatRequest, Completion, Delta

_POLL = 0.05  # seconds between looks at an answer that somebody else writes


@dataclass(frozen=True)
class Opening:
    """What a call starts with.

    Attributes:
        request: What to ask.
        given: What the reader is given at once; if it ends with a completion, nothing is asked.
        text: Text that an earlier process received.
        reasoning: Reasoning that it received.
        entry: Writes what arrives to the journal.
        whole: `given` ends with the completion: nothing is requested.
    """

    request: ChatRequest
    given: tuple[Delta | Completion, ...] = ()
    text: str = ""
    reasoning: str = ""
    entry: AnswerWriter | None = None
    whole: bool = False


@dataclass(frozen=True)
class ReaderPosition:
    """What a reader has of an answer already.

    Attributes:
        characters: How many characters of text.
        text: Which, if that is known.
    """

    characters: int = 0
    text: str | None = None

    @classmethod
    def of(cls, offset: int, seen: str | None) -> ReaderPosition:
        """Return what is seen, from what a user gave.

        Raises:
            ConfigurationError: Both were given, or no such offset can be.
        """
        check_count("offset", offset)
        if seen is None:
            return cls(offset)
        if offset:
            raise ConfigurationError("offset and seen say the same thing: give one of them.")
        return cls(len(seen), seen)

    def beyond(self, text: str) -> str:
        """Return what the reader has and the journal has not.

        Raises:
            JournalError: It has something else, or cannot say what.
        """
        if self.characters <= len(text):
            return ""
        if self.text is None:
            raise JournalError(
                f"The reader has {self.characters} characters and the journal {len(text)}: the "
                "last ones were lost with their process, and the model may word them differently "
                "when it is asked again. Give the reader's text, seen=…, or begin at offset=0."
            )
        self._check(text)
        return self.text[len(text) :]

    def offset(self, text: str) -> int:
        """Return how much of the journal's text is seen.

        Raises:
            JournalError: The reader has something else.
        """
        self._check(text)
        return self.characters

    def _check(self, text: str) -> None:
        common = min(len(text), self.characters)
        if self.text is not None and self.text[:common] != text[:common]:
            raise JournalError(
                "The reader's text is not the beginning of this answer: what its process had "
                "shown last was lost with it, and came in other words. Begin at offset=0."
            )


def required(journal: Journal | None) -> Journal:
    """Return the journal.

    Raises:
        ConfigurationError: There is none.
    """
    if journal is None:
        raise ConfigurationError("There is no journal: give journal='sqlite:///answers.db'.")
    return journal


def begin(journal: Journal, request: ChatRequest) -> Opening:
    """Start an answer in the journal, or resume the one of this name if the request says so.

    Raises:
        AnswerExistsError: The name is taken, or its answer was asked with another request.
        AnswerInUseError: The answer is to be resumed, and another process is writing it.
        JournalError: The journal does not answer.
    """
    opening = _begun(journal, request)
    return resume(journal, request.call_id, ReaderPosition()) if opening is None else opening


def _begun(journal: Journal, request: ChatRequest) -> Opening | None:
    # None: there is an answer of this name, which is to be resumed.
    try:
        return Opening(request, entry=journal.begin(request.call_id, request))
    except AnswerExistsError:
        if request.if_exists == "error":
            raise
    except JournalError as error:
        if journal.required or error.__cause__ is None:  # it answered, and refused
            raise
        journal.complain(error)
        return Opening(request)
    kept = request_of(journal.read(request.call_id))
    for what in ("model", "messages", "params"):
        if as_json(getattr(kept, what)) != as_json(getattr(request, what)):
            raise AnswerExistsError(
                f"The journal's answer {request.call_id!r} was asked with other {what}. Give this "
                "call another call_id."
            )
    return None


def resume(journal: Journal, call_id: str, seen: ReaderPosition) -> Opening:
    """Resume an answer; what is written of it, and not seen yet, is given at once.

    Raises:
        AnswerInUseError: Another process is writing it.
        JournalError: There is none, or it may not be resumed.
    """
    attempts = _attempts(journal, call_id, seen)
    while (opening := next(attempts)) is None:
        time.sleep(_POLL)
    return opening


def take_up(journal: Journal, call_id: str) -> Opening | None:
    """Resume an answer that nobody writes, from its beginning.

    None if another process writes it, if it is whole, or if a user stopped it.

    Raises:
        JournalError: There is none, or the journal does not answer.
    """
    taken = journal.take_over(call_id, stopped=False)
    if taken is None:
        return None
    opening = _taken_up(call_id, *taken, ReaderPosition())
    return None if opening.whole else opening


async def atake_up(journal: Journal, call_id: str) -> Opening | None:
    """Like `take_up`, for asyncio."""
    return await _in_thread(journal, partial(take_up, journal, call_id))


async def abegin(journal: Journal, request: ChatRequest) -> Opening:
    """Like `begin`, for asyncio."""
    opening: Opening | None = await _in_thread(journal, partial(_begun, journal, request))
    return await aresume(journal, request.call_id, ReaderPosition()) if opening is None else opening


async def aresume(journal: Journal, call_id: str, seen: ReaderPosition) -> Opening:
    """Like `resume`, for asyncio; no thread is held while it waits."""
    attempts = _attempts(journal, call_id, seen)
    while True:
        opening: Opening | None = await _in_thread(journal, partial(next, attempts))
        if opening is not None:
            return opening
        await asyncio.sleep(_POLL)


def _attempts(journal: Journal, call_id: str, seen: ReaderPosition) -> Iterator[Opening | None]:
    # None while another process has the lease. If that process is dead, the lease expires.
    until = time.monotonic() + journal.lease + 1
    while (taken := journal.take_over(call_id)) is None:
        if time.monotonic() > until:
            raise AnswerInUseError(
                f"Another process is writing the answer {call_id!r}. Follow it instead."
            )
        yield None
    entry, kept = taken
    try:
        yield _taken_up(call_id, entry, kept, seen)
    except JournalError:
        if entry is not None:
            entry.fail(None)
        raise


def _taken_up(
    call_id: str, entry: AnswerWriter | None, kept: StoredAnswer, seen: ReaderPosition
) -> Opening:
    request = replace(request_of(kept), call_id=call_id)
    if entry is None:
        completion = completion_of(kept)
        offset = seen.offset(completion.text)
        given = [*_shown(completion.text, completion.reasoning, offset)]
        return Opening(request, (*given, *_end(completion)), whole=True)
    text = "".join(text for text, _ in kept.pieces)
    reasoning = "".join(said for _, said in kept.pieces)
    more = seen.beyond(text)
    if more:
        entry.add(more)
        return Opening(request, (), text + more, reasoning, entry)
    shown = _shown(text, reasoning, seen.offset(text))
    return Opening(request, tuple(shown), text, reasoning, entry)


def follow(
    journal: Journal, call_id: str, offset: int, idle: float | None = None
) -> Generator[Delta | Completion, None, None]:
    """Yield an answer while it is written, after so many characters of text; then its completion.

    After `idle` seconds in which nothing came, a delta is yielded that has nothing in it.

    Raises:
        AnswerStoppedError: It was stopped.
        JournalError: There is no such answer, it failed, or its process has died.
    """
    for pieces in journal.followers.watch(call_id, idle):
        delta, offset = _rest(pieces, offset)
        if delta is not None:
            yield delta
    yield from _end(completion_of(journal.ended(call_id)))


async def afollow(
    journal: Journal, call_id: str, offset: int, idle: float | None = None
) -> AsyncGenerator[Delta | Completion, None]:
    """Like `follow`, for asyncio."""
    async with aclosing(journal.followers.awatch(call_id, idle)) as watching:
        async for pieces in watching:
            delta, offset = _rest(pieces, offset)
            if delta is not None:
                yield delta
    for each in _end(completion_of(await journal.workers.run(partial(journal.ended, call_id)))):
        yield each


def _end(completion: Completion) -> Iterator[Delta | Completion]:
    # As a call ends: its tool calls are a delta, since readers of deltas look for them there.
    if completion.tool_calls:
        yield Delta(tool_calls=completion.tool_calls)
    yield completion


def _rest(pieces: list[tuple[str, str]], offset: int) -> tuple[Delta | None, int]:
    if not pieces:
        return Delta(), offset
    # A reader who has seen text has seen the reasoning before it.
    text = "".join(text for text, _ in pieces)
    reasoning = "" if offset else "".join(said for _, said in pieces)
    delta = Delta(text[offset:], reasoning)
    return (delta if delta.text or delta.reasoning else None), max(0, offset - len(text))


_Result = TypeVar("_Result", bound="Opening | None")


async def _in_thread(journal: Journal, begin: Callable[[], _Result]) -> _Result:
    # A store may be slow. A task that is cancelled meanwhile leaves no answer open: both the
    # thread and the cancelled task check whether the other one has finished.
    made: list[_Result] = []
    left = threading.Event()

    def leave() -> None:
        for each in made:
            if each is not None and each.entry is not None:
                each.entry.fail(None)

    def make() -> None:
        made.append(begin())
        if left.is_set():
            leave()

    try:
        await journal.workers.run(make)
    except asyncio.CancelledError:
        left.set()
        # In a thread, without waiting for it: the store may be slow here, too.
        journal.workers.submit(leave)
        raise
    return made[0]


def _shown(text: str, reasoning: str, offset: int) -> Iterator[Delta]:
    # A reader who has seen text has seen the reasoning before it.
    delta = Delta(text[offset:], "" if offset else reasoning)
    if delta.text or delta.reasoning:
        yield delta
