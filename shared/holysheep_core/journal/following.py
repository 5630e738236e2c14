"""Many readers of answers that are being written, with one look at the store for all of them.

A thread looks at each followed answer every `POLL` seconds and keeps what it has read, as long as
anybody follows the answer. Readers wait until there is more than they have; a slow one delays
neither the writer nor the others.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import msgspec

from holysheep_core.errors import HolySheepError, JournalError
from holysheep_core.journal.backend import StoredAnswer
from holysheep_core.process import renew_after_fork
from holysheep_core.types import ChatRequest

POLL = 0.05
"""Seconds between two looks at the store."""

GRACE = 30.0
"""Seconds for which a reader waits for a worker, after the process of a detached answer died."""

Read = Callable[[str, int], StoredAnswer]
Piece = tuple[str, str]


class Followed:
    """One answer, as far as it was read.

    Attributes:
        pieces: Text and reasoning, in order.
        head: The answer without its pieces, as it was at the last look; None before the first.
        error: Why the last look failed; None if it did not.
        readers: How many follow it.
        is_detached: It was begun with `start`.
    """

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.head: StoredAnswer | None = None
        self.error: HolySheepError | None = None
        self.readers = 0
        self.is_detached = False
        self.changed = threading.Condition()
        self.waiting: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        if self.error is not None or self.head is None:
            return self.error is not None
        # One without a reader is resumed by a worker, if there is one.
        orphaned = self.head.state == "open" and self.is_detached
        return self.head.lease <= (-GRACE if orphaned else 0)

    def look(self, kept: StoredAnswer) -> None:
        """Take what a look at the store found."""
        if self.head is None:
            self.is_detached = msgspec.json.decode(kept.request, type=ChatRequest).detached
        self.pieces += kept.pieces
        self.head = kept
        if kept.pieces or self.is_over:
            self.wake()

    def fail(self, error: HolySheepError) -> None:
        """The store cannot be read."""
        self.error = error
        self.wake()

    def wake(self) -> None:
        """Wake all who wait."""
        with self.changed:
            self.changed.notify_all()
            events, self.waiting = self.waiting, {}
        for loop, event in events.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)


class Followers:
    """The answers that this process follows.

    Args:
        read: Reads an answer from the store, after so many pieces.
        held: Keeps the store's connection open while many answers are read.
    """

    def __init__(
        self, read: Read, held: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self._read = read
        self._held = held
        self._start()
        renew_after_fork(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._followed: dict[str, Followed] = {}
        self._thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """Begin again: the thread did not come along."""
        self._start()

    def watch(self, call_id: str, idle: float | None = None) -> Iterator[list[Piece]]:
        """Yield the new pieces of an answer, until nothing more will come.

        Args:
            call_id: Its name.
            idle: Seconds without a piece after which an empty list is yielded.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        followed = self._enter(call_id)
        try:
            seen = 0
            while True:
                with followed.changed:
                    while len(followed.pieces) == seen and not followed.is_over:
                        if not followed.changed.wait(idle):
                            break
                pieces, over = followed.pieces[seen:], followed.is_over
                seen += len(pieces)
                if pieces or not over:
                    yield pieces
                else:
                    _check(followed)
                    return
        finally:
            self._leave(call_id, followed)

    async def awatch(
        self, call_id: str, idle: float | None = None
    ) -> AsyncGenerator[list[Piece], None]:
        """Like `watch`, for asyncio."""
        loop = asyncio.get_running_loop()
        followed = self._enter(call_id)
        try:
            seen = 0
            while True:
                with followed.changed:
                    event = None
                    if len(followed.pieces) == seen and not followed.is_over:
                        event = followed.waiting.setdefault(loop, asyncio.Event())
                if event is not None:
                    try:
                        await asyncio.wait_for(event.wait(), idle)
                    except asyncio.TimeoutError:
                        yield []
                    continue
                pieces, over = followed.pieces[seen:], followed.is_over
                seen += len(pieces)
                if pieces:
                    yield pieces
                elif over:
                    _check(followed)
                    return
        finally:
            self._leave(call_id, followed)

    def _enter(self, call_id: str) -> Followed:
        with self._lock:
            followed = self._followed.get(call_id)
            if followed is None or followed.is_over:  # it may have been resumed since
                followed = self._followed[call_id] = Followed()
            followed.readers += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look, name="holysheep-followers", daemon=True
                )
                self._thread.start()
        return followed

    def _leave(self, call_id: str, followed: Followed) -> None:
        with self._lock:
            followed.readers -= 1
            if not followed.readers and self._followed.get(call_id) is followed:
                del self._followed[call_id]

    def _look(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                followed = dict(self._followed)
                if not followed:
                    self._thread = None
                    return
            try:
                with self._held():
                    for call_id, each in followed.items():
                        self._look_at(call_id, each)
            except Exception as error:  # noqa: BLE001 - the store could not be opened
                for each in followed.values():
                    each.fail(JournalError(f"The journal cannot be read: {error}."))
            pause.wait(POLL)

    def _look_at(self, call_id: str, followed: Followed) -> None:
        if followed.is_over:
            return
        try:
            followed.look(self._read(call_id, len(followed.pieces)))
        except HolySheepError as error:
            followed.fail(error)
        except Exception as error:  # noqa: BLE001 - else its readers would wait for ever
            followed.fail(JournalError(f"The journal cannot be read: {error}."))


def _check(followed: Followed) -> None:
    if followed.error is not None:
        raise followed.error
