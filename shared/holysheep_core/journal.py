"""Answers that survive the process: what has arrived, kept where another process can go on.

::

    call       an answer begins: its request is written, under a name, with a lease
      │        what arrives is written in small batches, by a thread, and renews the lease
      ├ ends   the whole completion is written
      └ dies   (kill -9, power cut) nothing is written any more, and the lease runs out
                   └ `resume`: whoever takes the lease gives the reader what had arrived, and asks
                     the model for the rest, as after any cut

A *lease* is the right to write. Every write names its owner and is refused once another has
the lease, so two processes can never write one answer: the slower one hears `lost` and stops.
Readers need no lease: `follow` reads what is written, as often as they like.

What was shown and not yet written when a process died, `interval` seconds at most, is asked for
again, and the model may word it differently; with `interval=0` text is written before it is
shown. Prompts and answers are in the journal (it could not go on without them); keys are not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol

import msgspec

from holysheep_core.config import check_number
from holysheep_core.errors import (
    AnswerInUseError,
    ConfigurationError,
    HolySheepError,
    JournalError,
)
from holysheep_core.journal_store import JournalStore, Kept, Piece
from holysheep_core.types import ChatRequest, Completion

_log = logging.getLogger("holysheep.journal")
_PATIENCE = 60.0  # seconds in which the end of an answer is tried to be written
_IDLE = 10.0  # seconds without an answer after which the thread ends


class Source(Protocol):
    """A call, whose answer grows, and which can be stopped."""

    def brought(self, texts: int, reasonings: int) -> tuple[list[str], list[str]]:
        """Return pieces of text and of reasoning after so many of each."""

    def stop(self, error: HolySheepError) -> None:
        """End with this error, at the next byte that comes."""


class Entry:
    """One answer, while this process writes it.

    What is to be written is looked up in the call itself, from time to time, so that a token costs
    nothing on its way.
    """

    def __init__(self, journal: Journal, call_id: str, owner: str, written: int = 0) -> None:
        self._journal = journal
        self._call_id = call_id
        self._owner = owner
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._texts = self._reasonings = 0  # pieces that were taken from the source
        self._written = written
        self._unsure: Piece | None = None  # written or not: the store did not say
        self._renewed = time.monotonic()
        self._ending: tuple[str, bytes] | None = None
        self._until = 0.0  # when to give up writing how it ended
        self._ended = self._over = False

    def __enter__(self) -> Entry:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._ended:  # its reader's leaving is no error
            self.fail(error if isinstance(error, HolySheepError) else None)

    @property
    def write_at_once(self) -> Callable[[], object] | None:
        """What writes each piece before it is shown, if that is to be."""
        return None if self._journal.interval else self.flush

    def watch(self, source: Source) -> None:
        """Take what comes from this call; what it has now is written already."""
        texts, reasonings = source.brought(0, 0)
        self._texts, self._reasonings = len(texts), len(reasonings)
        self._source = source

    def flush(self) -> bool:
        """Write what has come, and renew the lease if it is time; False if that failed."""
        with self._lock:
            if self._over:
                return True
            ending = self._ending
            try:
                if self._unsure is not None:
                    self._append(self._unsure)
                piece = self._taken()
                if piece is not None or time.monotonic() - self._renewed > self._journal.lease / 3:
                    self._append(piece)
                if ending is not None:
                    self._journal.store.end(self._call_id, self._owner, *ending)
            except JournalError as error:
                self._journal.complain(error)
                if ending is not None and time.monotonic() > self._until:
                    self._leave()
                return False
            if ending is not None:
                self._leave()
            return True

    def _leave(self) -> None:
        self._over = True
        self._journal.release(self)

    def _taken(self) -> Piece | None:
        if self._source is None:
            return None
        texts, reasonings = self._source.brought(self._texts, self._reasonings)
        if not texts and not reasonings:
            return None
        self._texts += len(texts)
        self._reasonings += len(reasonings)
        return Piece(self._written, "".join(texts), "".join(reasonings))

    def _append(self, piece: Piece | None) -> None:
        # Should the store not answer, the very same piece is written again, under its number.
        self._unsure = piece
        journal = self._journal
        mine = journal.store.append(self._call_id, self._owner, piece, journal.lease)
        self._unsure = None
        self._written += piece is not None
        self._renewed = time.monotonic()
        if not mine and self._source is not None:
            error = "Another process has taken this answer over. Follow it."
            self._source.stop(AnswerInUseError(error))

    def finish(self, completion: Completion) -> None:
        """The answer is whole; returns when that is written, or the store did not answer."""
        self._end("done", msgspec.json.encode(completion))

    async def afinish(self, completion: Completion) -> None:
        """Like `finish`, for asyncio; it is written even if the task is cancelled meanwhile."""
        self._ended = True
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(None, self.finish, completion))

    def fail(self, error: HolySheepError | None) -> None:
        """The answer ends without being whole; it can be resumed."""
        said = "" if error is None else f"{type(error).__name__}: {error}"
        self._end("failed", msgspec.json.encode(said))

    def _end(self, state: str, ending: bytes) -> None:
        self._ended = True
        self._until = time.monotonic() + _PATIENCE
        self._ending = (state, ending)
        self.flush()  # else the thread goes on trying


class Journal:
    """Keeps answers as they come.

    >>> llm = ChatHolySheep(model="gpt-4.1", journal="sqlite:///answers.db")
    >>> for chunk in llm.stream("A long story, please.", call_id="story-17"): ...
    >>> # after a crash, in a new process:
    >>> for chunk in llm.resume_stream("story-17"): ...

    Args:
        url: "sqlite:///relative.db", "sqlite:////absolute.db", or "redis://…" (extra "redis"),
            where another machine may go on.
        interval: Seconds of text that may be lost when a process dies; 0 to write each piece
            before it is shown, where the call runs.
        lease: Seconds after which an answer whose process is silent may be taken over.
        keep: Seconds an answer is kept after it was last written; a day by default.

    Raises:
        ConfigurationError: No such journal can be opened.
    """

    _all: ClassVar[weakref.WeakValueDictionary[str, Journal]] = weakref.WeakValueDictionary()
    _guard = threading.Lock()

    def __init__(
        self, url: str, *, interval: float = 0.25, lease: float = 10.0, keep: float = 86400.0
    ) -> None:
        check_number("interval", interval)
        check_number("lease", lease, minimum=0.1)
        check_number("keep", keep, minimum=1.0)
        self.store = _store_at(url, keep)
        self.interval = interval
        self.lease = lease
        self.keep = keep
        self._lock = threading.Lock()
        self._entries: set[Entry] = set()
        self._began = threading.Event()
        self._thread: threading.Thread | None = None
        self._warned = False

    @classmethod
    def at(cls, value: Journal | str | None) -> Journal | None:
        """Return a journal from what a user gave: one, its URL, or None."""
        if value is None or isinstance(value, Journal):
            return value
        with cls._guard:
            journal = cls._all.get(value)
            if journal is None:
                journal = cls._all[value] = cls(value)
            return journal

    # -- writing ----------------------------------------------------------------------------

    def begin(self, call_id: str, request: ChatRequest) -> Entry:
        """Begin an answer.

        Raises:
            JournalError: There is one of that name, or the store does not answer.
        """
        owner = _owner()
        self.store.forget(self.keep)
        if not self.store.begin(call_id, owner, _as_json(request), self.lease):
            raise JournalError(
                f"The journal has an answer called {call_id!r}. Resume it, follow it, or take "
                "another name."
            )
        return self._watched(Entry(self, call_id, owner))

    def take_over(self, call_id: str) -> tuple[Entry | None, Kept] | None:
        """Take an answer; None while somebody writes it. One that is done needs no entry.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        owner = _owner()
        if not self.store.claim(call_id, owner, self.lease):
            self.read(call_id, sys.maxsize)  # is there one at all?
            return None
        kept = self.read(call_id)
        if kept.state == "done":
            return None, kept
        return self._watched(Entry(self, call_id, owner, len(kept.pieces))), kept

    def release(self, entry: Entry) -> None:
        """An answer is over."""
        with self._lock:
            self._entries.discard(entry)

    def complain(self, error: JournalError) -> None:
        """Warn once that the store does not answer; calls go on."""
        if not self._warned:
            _log.warning("%s Calls go on; what they bring is written when it answers.", error)
        self._warned = True

    def _watched(self, entry: Entry) -> Entry:
        with self._lock:
            self._entries.add(entry)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="holysheep-journal", daemon=True
                )
                self._thread.start()
        self._began.set()
        return entry

    def _run(self) -> None:
        tick = min(self.interval or self.lease / 4, self.lease / 4)
        with self.store.held():
            while True:
                self._began.clear()
                with self._lock:
                    entries = list(self._entries)
                if entries:
                    answered = [entry.flush() for entry in entries]
                    self._warned = self._warned and not all(answered)
                    time.sleep(tick)
                elif not self._began.wait(_IDLE):
                    with self._lock:
                        if not self._entries:
                            self._thread = None
                            return

    # -- reading ----------------------------------------------------------------------------

    def read(self, call_id: str, skip: int = 0) -> Kept:
        """Return what is written of an answer.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        kept = self.store.read(call_id, skip)
        if kept is None:
            raise JournalError(f"The journal has no answer called {call_id!r}.")
        return kept

    def unfinished(self) -> list[str]:
        """Return the names of answers that are not done and that nobody is writing."""
        return self.store.unfinished()

    def watch(self, call_id: str) -> Iterator[list[tuple[str, str]]]:
        """Yield what is new of an answer, an empty list where nothing is, until it is done.

        Raises:
            JournalError: There is no such answer, it failed, or its process has died.
        """
        skip = 0
        while True:
            kept = self.read(call_id, skip)
            skip += len(kept.pieces)
            yield kept.pieces
            if kept.state == "done":
                return
            if kept.lease <= 0:
                why = msgspec.json.decode(kept.ending) if kept.ending else "its process has died"
                raise JournalError(
                    f"The answer {call_id!r} is not whole, and nobody goes on with it ({why}). "
                    "Resume it."
                )

    def __deepcopy__(self, memo: object) -> Journal:
        return self  # made to be shared


def request_of(kept: Kept) -> ChatRequest:
    """Return the request of an answer."""
    return msgspec.json.decode(kept.request, type=ChatRequest)


def completion_of(kept: Kept) -> Completion:
    """Return the completion of an answer that is done."""
    return msgspec.json.decode(kept.ending, type=Completion)


def _as_json(request: ChatRequest) -> bytes:
    try:
        return msgspec.json.encode(request)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"The request cannot be written as JSON: {error}.") from None


def _owner() -> str:
    return f"{os.getpid()}-{uuid.uuid4().hex}"


def _store_at(url: str, keep: float) -> JournalStore:
    scheme = url.partition("://")[0] if isinstance(url, str) else ""
    if scheme == "sqlite":
        from holysheep_core.journal_sqlite import SQLiteStore  # noqa: PLC0415 - one of two

        return SQLiteStore(url.removeprefix("sqlite:///"))
    if scheme in ("redis", "rediss", "unix"):
        from holysheep_core.journal_redis import RedisStore  # noqa: PLC0415 - needs an extra

        return RedisStore(url, keep)
    raise ConfigurationError("journal: needs a URL such as 'sqlite:///answers.db' or 'redis://…'.")
