"""Calls and events in an SQLite file, for `holysheep report` and `holysheep watch`.

A call only puts records into a queue. A thread writes them twice a second, in one
transaction. Many processes may write to one file (WAL mode; each waits for
the others' transactions), and many may read at the same time. Records older than `max_age` are
deleted, and the oldest ones while the file is larger than `max_bytes`. The file holds no text of
prompts or answers, and no key.

If the file cannot be written (a full disk, say), calls continue and one warning is logged. A record
that cannot be written is left out, likewise. A file that is moved away or deleted is created again.

A process that is forked writes what happens in it, and leaves to its parent what that has not
written yet.

Tables: `calls`, one row per call; `attempts`, one per request; `events`, one per happening;
`request_ids`, the server's ids of requests that failed.
Times are Unix times and seconds, prices US$; a price that is not known is NULL, never 0.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from holysheep_core.config.checks import check_count, check_folder, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import ConfigurationError
from holysheep_core.events import Event
from holysheep_core.observers.observer import Observer
from holysheep_core.observers.sqlite_writer import SCHEMA, SQLiteWriter, open_database
from holysheep_core.process import Shared, at_end_of, renew_after_fork
from holysheep_core.types import CallRecord, ChatRequest

_INSERT_CALL = f"INSERT INTO calls VALUES ({', '.join('?' * 20)})"  # noqa: S608 - no data
_INSERT_ATTEMPT = f"INSERT INTO attempts VALUES ({', '.join('?' * 16)})"  # noqa: S608
_INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
# A table of its own: a column more in `attempts` would keep older versions from writing there.
_INSERT_ID = "INSERT INTO request_ids VALUES (?, ?, ?, ?)"
_FINE = ("completed", "closed", "overtaken")


@refuses_unknown()
class EventLog(Observer):
    """Writes calls to a file.

    Args:
        path: The file; created if it does not exist.
        max_age: Days that records are kept.
        max_bytes: Approximate limit of the file's size.

    Raises:
        ConfigurationError: No such file can be made here, or this is no event log.
    """

    _shared: ClassVar[Shared[EventLog]] = Shared()

    def __init__(
        self, path: str | os.PathLike[str], *, max_age: float = 30.0, max_bytes: int = 256 * 2**20
    ) -> None:
        check_number("max_age", max_age)
        check_count("max_bytes", max_bytes, minimum=64 * 1024)
        self.path = Path(path).absolute()
        check_folder("event_log", self.path)
        self._settings = (self.path, max_age * 24 * 3600, max_bytes)
        self._began: dict[str, float] = {}
        self._writer: SQLiteWriter | None = None
        self._lock = threading.Lock()
        try:
            with closing(open_database(self.path)) as database:
                database.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise ConfigurationError(f"event_log {self.path}: {error}.") from None
        renew_after_fork(self)

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> EventLog:
        """Return the log of a file."""
        key = str(Path(path).absolute())
        return cls._shared.get(key, lambda: cls(key))

    def call_began(self, call_id: str, request: ChatRequest) -> None:  # noqa: ARG002 - no text here
        """Remember the start time: events only have seconds since then."""
        self._began[call_id] = time.time()

    def happened(self, event: Event) -> None:
        """Write an event."""
        fields = msgspec.to_builtins(event)
        call_id, after = fields.pop("call_id"), fields.pop("at")
        began = self._began.get(call_id)
        at = time.time() if began is None else began + after
        self._put(_INSERT_EVENT, (at, call_id, type(event).__name__, str(event), fields))

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - no text here
        """Write a call and its requests."""
        self._began.pop(record.call_id, None)
        usage = record.usage
        tokens = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.estimated)
        self._put(
            _INSERT_CALL,
            (
                record.call_id,
                record.began,
                record.duration,
                record.requested_model,
                record.model,
                record.provider,
                record.outcome,
                record.first_token,
                record.characters,
                record.saved_characters,
                *tokens,
                record.cost_usd,
                record.resumes,
                record.downgrades,
                record.waited,
                len(record.attempts),
                record.tags,
            ),
        )
        for attempt in record.attempts:
            usage = attempt.usage
            self._put(
                _INSERT_ATTEMPT,
                (
                    record.call_id,
                    attempt.number,
                    record.began + attempt.started,
                    attempt.duration,
                    attempt.provider,
                    attempt.model,
                    attempt.technique,
                    attempt.outcome,
                    attempt.status_code,
                    attempt.first_token,
                    attempt.characters,
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.cached_tokens,
                    usage.estimated,
                    attempt.cost_usd,
                ),
            )
            if attempt.request_id and attempt.outcome not in _FINE:
                at = record.began + attempt.started
                ids = (at, record.call_id, attempt.number, attempt.request_id)
                self._put(_INSERT_ID, ids)

    def close(self) -> None:
        """Wait until all records so far are in the file (or cannot be written)."""
        if self._writer is not None:
            self._writer.flush()

    def _put(self, sql: str, values: tuple[Any, ...]) -> None:
        writer = self._writer
        if writer is None:
            with self._lock:
                writer = self._writer
                if writer is None:
                    writer = self._writer = SQLiteWriter(*self._settings)
                    at_end_of(self, writer.rows.put, None)
        writer.rows.put((sql, values))

    def after_fork(self) -> None:
        """Drop the queue: the parent process writes it."""
        # The thread that held the lock does not exist in this process.
        self._lock = threading.Lock()
        if self._writer is not None:
            self._writer.forget()
            self._writer = None
