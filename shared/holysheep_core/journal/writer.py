"""Writes one answer to a journal while its call runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from holysheep_core.errors import (
    AnswerInUseError,
    AnswerStoppedError,
    HolySheepError,
    JournalError,
)
from holysheep_core.journal.backend import JournalStore, StoredPiece
from holysheep_core.process import Workers
from holysheep_core.types import Completion

_log = logging.getLogger("holysheep.journal")
_PATIENCE = 60.0  # seconds in which the end of an answer is tried to be written


class Source(Protocol):
    """A call, whose answer grows, and which can be stopped."""

    def pieces_since(self, texts: int, reasonings: int) -> tuple[list[str], list[str]]:
        """Return pieces of text and of reasoning after so many of each."""

    def stop(self, error: HolySheepError) -> None:
        """End with this error, at the next byte that comes."""


class Keeper(Protocol):
    """The journal, as an entry sees it."""

    @property
    def store(self) -> JournalStore:
        """Where it writes."""

    @property
    def interval(self) -> float:
        """Seconds between writes; 0 for each piece at once."""

    @property
    def lease(self) -> float:
        """Seconds for which a write gives the right to the next."""

    @property
    def thread(self) -> threading.Thread | None:
        """What writes in the background."""

    @property
    def is_failing(self) -> bool:
        """Whether the store did not answer a few seconds ago."""

    @property
    def workers(self) -> Workers:
        """Threads that may wait for the store."""

    def complain(self, error: JournalError) -> None:
        """Warn once that the store does not answer."""

    def release(self, entry: AnswerWriter) -> None:
        """Stop writing an answer, which has ended."""


class Claim(NamedTuple):
    """An answer that this process may write.

    Attributes:
        call_id: Its name.
        owner: Names this process and this answer to the store.
        request: What was asked, as JSON.
        detached: It needs no reader; left by its process, it is another one's to take up.
    """

    call_id: str
    owner: str
    request: bytes
    detached: bool = False


class Ending(NamedTuple):
    """How an answer ended.

    Attributes:
        state: "done" or "failed".
        value: Its completion, or why it failed, as JSON.
        until: When to give up writing it.
    """

    state: str
    value: bytes
    until: float


class AnswerWriter:
    """One answer, while this process writes it.

    What is to be written is looked up in the call itself, from time to time, so that a token costs
    nothing on its way.
    """

    def __init__(self, journal: Keeper, answer: Claim, written: int = 0) -> None:
        self._journal = journal
        self._answer = answer
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._taken = (0, 0)  # pieces of text and of reasoning taken from the source
        self._written = written
        self._unsure: StoredPiece | None = None  # written or not: the store did not say
        self._renewed = time.monotonic()
        self._ending: Ending | None = None
        self._ended = self._over = False

    @property
    def call_id(self) -> str:
        """The answer's name."""
        return self._answer.call_id

    def stop(self) -> None:
        """A user stopped the answer: end the call."""
        if self._source is not None and not self._over:
            self._source.stop(AnswerStoppedError(f"The answer {self.call_id!r} was stopped."))

    def __enter__(self) -> AnswerWriter:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._ended:  # its reader's leaving is no error
            self.fail(error if isinstance(error, HolySheepError) else None)

    async def __aenter__(self) -> AnswerWriter:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._ended:
            await self.afail(error if isinstance(error, HolySheepError) else None)

    @property
    def write_at_once(self) -> Callable[[], object] | None:
        """What writes each piece before it is shown, if that is to be."""
        return None if self._journal.interval else self._flush_soon

    async def awrite(self, write: Callable[[], object]) -> None:
        """Write what has arrived, in a thread, before it is shown."""
        await self._journal.workers.run(write)

    def add(self, text: str) -> None:
        """Write text that a reader has and the store has not."""
        with self._lock:
            try:
                self._append(StoredPiece(self._written, text, ""))
            except JournalError as error:
                self._journal.complain(error)

    def leave_to_the_parent(self) -> None:
        """In a process that was forked: another one writes this."""
        self._lock = threading.Lock()  # the old one may be held for ever
        self._ended = self._over = True

    def watch(self, source: Source) -> None:
        """Take what comes from this call; what it has now is written already."""
        texts, reasonings = source.pieces_since(0, 0)
        self._taken = (len(texts), len(reasonings))
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
                piece = self._take()
                if piece is not None or time.monotonic() - self._renewed > self._journal.lease / 3:
                    self._append(piece)
                if ending is not None:
                    self._journal.store.end(
                        self._answer.call_id, self._answer.owner, ending.state, ending.value
                    )
            except JournalError as error:
                self._journal.complain(error)
                if ending is not None and time.monotonic() > ending.until:
                    self._leave()
                return False
            if ending is not None:
                self._leave()
            return True

    def _flush_soon(self) -> None:
        # A store that does not answer is left to the thread for a while: to wait for it at every
        # piece would stop the answer.
        if not self._journal.is_failing:
            self.flush()

    def _leave(self) -> None:
        self._over = True
        self._journal.release(self)

    def _take(self) -> StoredPiece | None:
        if self._source is None:
            return None
        texts, reasonings = self._source.pieces_since(*self._taken)
        if not texts and not reasonings:
            return None
        self._taken = (self._taken[0] + len(texts), self._taken[1] + len(reasonings))
        return StoredPiece(self._written, "".join(texts), "".join(reasonings))

    def _append(self, piece: StoredPiece | None) -> None:
        # Should the store not answer, the very same piece is written again, under its number.
        self._unsure = piece
        journal = self._journal
        mine = journal.store.append(self._answer.call_id, self._answer.owner, piece, journal.lease)
        self._unsure = None
        self._written += piece is not None
        self._renewed = time.monotonic()
        if not mine:
            self._lose()

    def _lose(self) -> None:
        if self._source is None or self._over:
            return
        journal, answer = self._journal, self._answer
        if self.call_id in journal.store.stopped([self.call_id]):
            self.stop()
        elif journal.store.begin(answer.call_id, answer.owner, answer.request, journal.lease):
            _log.warning(
                "The journal has lost the answer %r; it is written again from the start.",
                self._answer.call_id,
            )
            self._written, self._taken = 0, (0, 0)
            self._append(self._take())
        else:
            error = "Another process has taken this answer over. Follow it."
            self._source.stop(AnswerInUseError(error))

    def finish(self, completion: Completion) -> None:
        """The answer is whole; returns when that is written, or the store did not answer."""
        self._end("done", msgspec.json.encode(completion))

    async def afinish(self, completion: Completion) -> None:
        """Like `finish`, for asyncio; it is written even if the task is cancelled meanwhile."""
        await self._in_thread(self.finish, completion)

    def fail(self, error: HolySheepError | None) -> None:
        """The answer ends without being whole; it can be resumed."""
        if error is None and self._answer.detached:
            self._end("open", b"")  # whoever finds it resumes it
            return
        said = "" if error is None else f"{type(error).__name__}: {error}"
        self._end("failed", msgspec.json.encode(said))

    def leave_to_others(self) -> None:
        """This process writes no more of a detached answer; what it still receives is dropped."""
        if not self._ended:
            self.fail(None)

    async def afail(self, error: HolySheepError | None) -> None:
        """Like `fail`, for asyncio; it is written even if the task is cancelled meanwhile."""
        await self._in_thread(self.fail, error)

    async def _in_thread(self, end: Callable[..., None], *args: object) -> None:
        self._ended = True
        await self._journal.workers.run(partial(end, *args))

    def _end(self, state: str, ending: bytes) -> None:
        self._ended = True
        self._ending = Ending(state, ending, time.monotonic() + _PATIENCE)
        # Else the thread does it, which tries again. In the thread itself, the collector may
        # have closed a stream in the middle of anything.
        if threading.current_thread() is not self._journal.thread:
            self._flush_soon()
