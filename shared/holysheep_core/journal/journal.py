"""Answers that survive the process: what has arrived is kept where another process can resume it.

::

    call       an answer begins: its request is written, under a name, with a lease
      │        what arrives is written in small batches, by a thread, and renews the lease
      ├ ends   the whole completion is written
      └ dies   (kill -9, power cut) nothing is written any more, and the lease runs out
                   └ `resume`: whoever takes the lease gives the reader what had arrived, and asks
                     the model for the rest, as after any cut

A *lease* is the right to write. Every write names its owner and is refused once another has
the lease, so two processes can never write one answer: the slower one is refused and stops.
Readers need no lease: `follow` reads what is written, as often as they like.

What was shown and not yet written when a process died, `interval` seconds at most, is requested
again, and the model may word it differently; with `interval=0` text is written before it is
shown. Prompts and answers are in the journal (without them nothing could be resumed); keys are
not.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import msgspec

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import (
    AnswerExistsError,
    AnswerStoppedError,
    ConfigurationError,
    JournalError,
)
from holysheep_core.journal.backend import JournalStore, StoredAnswer
from holysheep_core.journal.encrypted import EncryptedStore
from holysheep_core.journal.following import Followers
from holysheep_core.journal.retention import Retention
from holysheep_core.journal.status import AnswerStatus
from holysheep_core.journal.writer import AnswerWriter, Claim
from holysheep_core.process import Shared, Workers, renew_after_fork
from holysheep_core.types import ChatRequest, Completion

_log = logging.getLogger("holysheep.journal")
_FAILING = 5.0  # seconds in which a store that did not answer is asked by the thread alone
_FORGET = 60.0  # seconds between two looks for old answers
_SQLITE = "sqlite:///"
_LOOK = 0.5  # seconds between two looks for answers that were stopped, at most
_IDLE = 10.0  # seconds without an answer after which the thread ends


@refuses_unknown()
class Journal:
    """Stores answers while they arrive.

    >>> from langchain_holysheep import ChatHolySheep
    >>> llm = ChatHolySheep(model="gpt-4.1", journal="sqlite:///answers.db")
    >>> for chunk in llm.stream("How do sheep live?", call_id="story-17"):
    ...     print(chunk.text, end="")
    Sheep live in flocks.

    After a crash, in a new process:

    >>> for chunk in llm.resume_stream("story-17"):
    ...     print(chunk.text, end="")
    Sheep live in flocks.

    Args:
        url: "sqlite:///relative.db", "sqlite:////absolute.db", or "redis://…" (extra "redis"),
            where another machine may resume it.
        interval: Seconds of text that may be lost when a process dies; 0 writes each piece
            before it is shown, in the thread of the call.
        lease: Seconds without a write after which another process may resume an answer.
        keep: Seconds an answer is kept after it was last written; a day by default.
        max_bytes: The answers written longest ago are deleted while all take more than this; None
            for no limit.
        contents: False deletes prompts and texts some seconds after an answer has ended: its name,
            state, model and times stay, so that its name is not used twice. It can be followed and
            resumed until then.
        key: A Fernet key, or a list of them, of which the first encrypts: prompts and answers are
            stored encrypted (extra "crypto"). Names of answers are not.
        required: Raise if the store does not answer when a call starts. False: the call runs
            without the journal, after one warning.

    Raises:
        ConfigurationError: The journal cannot be opened.
    """

    _shared: ClassVar[Shared[Journal]] = Shared()

    def __init__(
        self,
        url: str,
        *,
        interval: float = 0.25,
        lease: float = 10.0,
        keep: float = 86400.0,
        required: bool = True,
        max_bytes: int | None = None,
        contents: bool = True,
        key: str | bytes | list[str | bytes] | None = None,
    ) -> None:
        check_number("interval", interval)
        check_number("lease", lease, minimum=0.1)
        check_number("keep", keep, minimum=1.0)
        if max_bytes is not None:
            check_count("max_bytes", max_bytes, minimum=1)
        self.store = _store_at(url, keep)
        if key is not None:
            self.store = EncryptedStore(self.store, key if isinstance(key, list) else [key])
        self.interval = interval
        self.lease = lease
        self._retention = Retention(keep, max_bytes, contents)
        self._forget_every = min(_FORGET, keep / 4)
        self.required = required
        self.workers = Workers("holysheep-journal", 8)
        self.followers = Followers(self.read, self.store.held)
        self._entries: set[AnswerWriter] = set()
        self._warned = False
        self._failing_until = 0.0
        self._failure: JournalError | None = None
        self._start()
        renew_after_fork(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._began = threading.Event()
        self.thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """Forget the open answers: the parent process continues to write them."""
        for entry in self._entries:
            entry.leave_to_the_parent()
        self._entries = set()
        self._start()

    @classmethod
    def at(cls, value: Journal | str | None) -> Journal | None:
        """Return the journal for a journal, its URL, or None."""
        if value is None or isinstance(value, Journal):
            return value
        # A relative path is another file after a change of the working directory.
        file = value.removeprefix(_SQLITE) if isinstance(value, str) else value
        key = value if file == value else str(Path(file).absolute())
        return cls._shared.get(key, lambda: cls(value))

    # -- writing ----------------------------------------------------------------------------

    def begin(self, call_id: str, request: ChatRequest) -> AnswerWriter:
        """Start an answer.

        Raises:
            AnswerExistsError: The name is taken.
            JournalError: The store does not answer.
        """
        owner, asked = _owner(), as_json(request)
        if not self._ask(lambda: self.store.begin(call_id, owner, asked, self.lease)):
            raise AnswerExistsError(
                f"The journal has an answer called {call_id!r}. Resume it, follow it, or take "
                "another name; if_exists='resume' resumes it by itself."
            )
        return self._watched(AnswerWriter(self, Claim(call_id, owner, asked, request.detached)))

    def take_over(
        self, call_id: str, *, stopped: bool = True
    ) -> tuple[AnswerWriter | None, StoredAnswer] | None:
        """Take the lease of an answer; None while another process has it.

        A complete answer has no writer.

        Args:
            call_id: Its name.
            stopped: Take it also if a user stopped it.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        owner = _owner()
        if not self._ask(lambda: self.store.claim(call_id, owner, self.lease, stopped=stopped)):
            self.read(call_id, sys.maxsize)  # is there one at all?
            return None
        kept = self.read(call_id)
        _refuse_blank(call_id, kept)
        if kept.state == "done":
            return None, kept
        detached = request_of(kept).detached
        claim = Claim(call_id, owner, kept.request, detached)
        return self._watched(AnswerWriter(self, claim, len(kept.pieces))), kept

    def release(self, entry: AnswerWriter) -> None:
        """Stop writing an answer, which has ended."""
        # Without the lock: garbage collection may close a dropped stream, and so come here, in a
        # thread that holds it.
        self._entries.discard(entry)

    def complain(self, error: JournalError) -> None:
        """Warn once that the store does not answer; calls continue."""
        if not self._warned:
            _log.warning("%s Calls continue; what they receive is written when it answers.", error)
        self._warned = True
        self._note_failure(error)

    @property
    def is_failing(self) -> bool:
        """Whether the store did not answer a few seconds ago."""
        return time.monotonic() < self._failing_until

    def _ask(self, work: Callable[[], bool]) -> bool:
        # A store that hangs is not asked by every new call.
        if self.is_failing and self._failure is not None:
            raise JournalError(
                f"{self._failure} It is asked again in some seconds."
            ) from self._failure
        try:
            return work()
        except JournalError as error:
            self._note_failure(error)
            raise

    def _note_failure(self, error: JournalError) -> None:
        self._failure = error
        self._failing_until = time.monotonic() + _FAILING

    def _watched(self, entry: AnswerWriter) -> AnswerWriter:
        with self._lock:
            self._entries.add(entry)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(
                    target=self._run, name="holysheep-journal", daemon=True
                )
                self.thread.start()
        self._began.set()
        return entry

    def _run(self) -> None:
        over = False
        while not over:
            try:
                with self.store.held():
                    over = self._write()
            except Exception as error:  # noqa: BLE001, PERF203 - to end here would stop all answers
                self.complain(JournalError(f"The journal cannot be written: {error}."))
                time.sleep(self._tick)

    def _write(self) -> bool:
        """Write until no answer is open (True) or a new connection is needed (False)."""
        forget_at = look_at = 0.0
        while not self.store.is_stale():
            self._began.clear()
            entries = list(self._entries)
            if time.monotonic() >= forget_at:
                self._retention.apply(self.store)
                forget_at = time.monotonic() + self._forget_every
            if entries:
                answered = [entry.flush() for entry in entries]
                if time.monotonic() >= look_at:
                    self._stop_the_stopped(entries)
                    look_at = time.monotonic() + _LOOK
                if all(answered):
                    self._warned, self._failing_until = False, 0.0
                time.sleep(self._tick)
            elif not self._began.wait(_IDLE):
                self._retention.apply(self.store)
                with self._lock:
                    if not self._entries:
                        self.thread = None
                        return True
        return False

    def _stop_the_stopped(self, entries: list[AnswerWriter]) -> None:
        named = {entry.call_id: entry for entry in entries}
        for call_id in self.store.stopped(named):
            named[call_id].stop()

    @property
    def _tick(self) -> float:
        return min(self.interval or _LOOK, self.lease / 4, _LOOK)

    # -- reading ----------------------------------------------------------------------------

    def read(self, call_id: str, skip: int = 0) -> StoredAnswer:
        """Return an answer as far as it is stored.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        kept = self.store.read(call_id, skip)
        if kept is None:
            raise JournalError(f"The journal has no answer called {call_id!r}.")
        return kept

    def unfinished(self) -> list[str]:
        """Return the names of incomplete answers that no process is writing."""
        return self.store.unfinished()

    def status(self, call_id: str) -> AnswerStatus:
        """Return who writes an answer, or how it ended.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        return AnswerStatus.of(call_id, self.read(call_id, sys.maxsize))

    def orphans(self, *, detached: bool = True) -> list[str]:
        """Return the names of answers whose process died.

        Args:
            detached: Only of those that were begun with `start`.
        """
        found = [AnswerStatus.of(name, self.read(name, sys.maxsize)) for name in self.unfinished()]
        return [
            each.call_id
            for each in found
            if each.state == "orphaned" and (each.detached or not detached)
        ]

    def stop(self, call_id: str) -> bool:
        """Stop an answer, whichever process writes it; what has come stays.

        Returns:
            False if it was complete already.

        Raises:
            JournalError: There is no such answer, or the store does not answer.
        """
        self.read(call_id, sys.maxsize)
        return self.store.stop(call_id, msgspec.json.encode("stopped"))

    def ended(self, call_id: str) -> StoredAnswer:
        """Return an answer that is whole, without its pieces.

        Raises:
            AnswerStoppedError: It was stopped.
            JournalError: There is no such answer, it failed, or its process has died.
        """
        kept = self.read(call_id, sys.maxsize)
        if kept.state == "stopped":
            raise AnswerStoppedError(f"The answer {call_id!r} was stopped.")
        _refuse_blank(call_id, kept)
        if kept.state != "done":
            why = msgspec.json.decode(kept.ending) if kept.ending else "its process has died"
            raise JournalError(
                f"The answer {call_id!r} is not whole, and no process is writing it ({why}). "
                f"Call resume({call_id!r}) or atake_up({call_id!r}), or run `holysheep worker`."
            )
        return kept

    def __deepcopy__(self, memo: object) -> Journal:
        return self  # shared by copies of a model


def _refuse_blank(call_id: str, kept: StoredAnswer) -> None:
    if not request_of(kept).messages:
        raise JournalError(f"The text of {call_id!r} was deleted: the journal has contents=False.")


def request_of(kept: StoredAnswer) -> ChatRequest:
    """Return the request of an answer."""
    return msgspec.json.decode(kept.request, type=ChatRequest)


def completion_of(kept: StoredAnswer) -> Completion:
    """Return the completion of an answer that is done."""
    return msgspec.json.decode(kept.ending, type=Completion)


def as_json(value: object) -> bytes:
    """Return a request, or a part of one, as it is stored.

    Raises:
        ConfigurationError: It is no JSON.
    """
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"The request cannot be written as JSON: {error}.") from None


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"


def _store_at(url: str, keep: float) -> JournalStore:
    scheme = url.partition("://")[0] if isinstance(url, str) else ""
    if scheme == "sqlite":
        if not url.startswith(_SQLITE):
            path = url.removeprefix("sqlite:").lstrip("/")
            raise ConfigurationError(f"journal {url!r}: needs three slashes: {_SQLITE}{path}.")
        from holysheep_core.journal.sqlite import SQLiteStore  # noqa: PLC0415 - one of two

        return SQLiteStore(url.removeprefix(_SQLITE))
    if scheme in ("redis", "rediss", "unix"):
        from holysheep_core.journal.redis import RedisStore  # noqa: PLC0415 - needs an extra

        return RedisStore(url, keep)
    raise ConfigurationError("journal: needs a URL such as 'sqlite:///answers.db' or 'redis://…'.")
