"""Calls and events in an SQLite file, for `holysheep report` and `holysheep watch`.

Nothing of it happens where a call runs: records go into a queue, and a thread writes what has come
twice a second, in one transaction. Many processes may write to one file (WAL mode; each waits for
the others' transactions), and many may read while they do. What is older than `max_age`, and
the oldest while the file is larger than `max_bytes`, is deleted. There is no text of prompts or
answers in it, and no key.

If the file cannot be written (a full disk, say), calls go on and one warning is logged. A record
that cannot be written is left out, likewise. A file that is moved away or deleted is made anew.

A process that is forked writes what happens in it, and leaves to its parent what that has not
written yet.

Tables: `calls`, one row per call; `attempts`, one per request; `events`, one per happening.
Times are Unix times and seconds, prices US$; a price that is not known is NULL, never 0.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import sqlite3
import sys
import threading
import time
import weakref
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.errors import ConfigurationError
from holysheep_core.events import Event
from holysheep_core.observers.observer import Observer
from holysheep_core.types import CallRecord, ChatRequest

_log = logging.getLogger("holysheep.event_log")

WRITE_SECONDS = 0.5
"""How old what is not in the file yet may be."""

BUSY_SECONDS = 5.0
"""How long to wait for other processes that write."""

_PRUNE_EVERY = 120  # writes
_A_BATCH = 20_000  # rows at the most in one transaction
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    call_id TEXT, began REAL, duration REAL, requested_model TEXT, model TEXT, provider TEXT,
    outcome TEXT, first_token REAL, characters INTEGER, saved_characters INTEGER,
    input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER, estimated INTEGER,
    cost_usd REAL, resumes INTEGER, downgrades TEXT, waited REAL, requests INTEGER, tags TEXT);
CREATE TABLE IF NOT EXISTS attempts (
    call_id TEXT, number INTEGER, began REAL, duration REAL, provider TEXT, model TEXT,
    technique TEXT, outcome TEXT, status_code INTEGER, first_token REAL, characters INTEGER,
    input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER, estimated INTEGER,
    cost_usd REAL);
CREATE TABLE IF NOT EXISTS events (at REAL, call_id TEXT, kind TEXT, message TEXT, fields TEXT);
CREATE INDEX IF NOT EXISTS calls_began ON calls (began);
CREATE INDEX IF NOT EXISTS attempts_began ON attempts (began);
CREATE INDEX IF NOT EXISTS events_at ON events (at);
"""
_INSERT_CALL = f"INSERT INTO calls VALUES ({', '.join('?' * 20)})"  # noqa: S608 - no data
_INSERT_ATTEMPT = f"INSERT INTO attempts VALUES ({', '.join('?' * 16)})"  # noqa: S608
_INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
_A_ROWS_FAULT = (
    *(sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError),
    *(ValueError, TypeError, OverflowError, msgspec.MsgspecError),  # half a pair of UTF-16, say
)
_TIMES = {"calls": "began", "attempts": "began", "events": "at"}
Row = tuple[str, tuple[Any, ...]]
Rows = queue.SimpleQueue[Row | threading.Event | None]
"""Rows to write, events to set when all before them is written, and None for the end."""


class EventLog(Observer):
    """Writes calls to a file.

    Args:
        path: The file; it is made if it does not exist.
        max_age: Days that are kept.
        max_bytes: Size the file is kept to, roughly.

    Raises:
        ConfigurationError: No such file can be made here, or this is no event log.
    """

    _all: ClassVar[weakref.WeakValueDictionary[str, EventLog]] = weakref.WeakValueDictionary()
    _every: ClassVar[weakref.WeakSet[EventLog]] = weakref.WeakSet()
    _guard = threading.Lock()

    def __init__(
        self, path: str | os.PathLike[str], *, max_age: float = 30.0, max_bytes: int = 256 * 2**20
    ) -> None:
        check_number("max_age", max_age)
        check_count("max_bytes", max_bytes, minimum=64 * 1024)
        self.path = Path(path).absolute()
        self._settings = (self.path, max_age * 24 * 3600, max_bytes)
        self._began: dict[str, float] = {}
        self._writer: _Writer | None = None
        self._lock = threading.Lock()
        try:
            with closing(_open(self.path)) as database:
                database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise ConfigurationError(f"event_log {self.path}: {error}.") from None
        self._every.add(self)

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> EventLog:
        """Return the log of a file."""
        key = str(Path(path).absolute())
        with cls._guard:
            log = cls._all.get(key)
            if log is None:
                log = cls._all[key] = cls(key)
            return log

    def call_began(self, call_id: str, request: ChatRequest) -> None:  # noqa: ARG002 - no text here
        """Remember when, since events only know how long after."""
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

    def close(self) -> None:
        """Return when all that was told so far is in the file (or cannot be written)."""
        if self._writer is not None:
            self._writer.flush()

    def _put(self, sql: str, values: tuple[Any, ...]) -> None:
        writer = self._writer
        if writer is None:
            with self._lock:
                writer = self._writer
                if writer is None:
                    writer = self._writer = _Writer(*self._settings)
                    weakref.finalize(self, writer.rows.put, None).atexit = False
        writer.rows.put((sql, values))

    def _forked(self) -> None:
        # Whatever thread held the lock is not here; what is in the queue, the parent writes.
        self._lock = threading.Lock()
        if self._writer is not None:
            self._writer.forget()
            self._writer = None


class _Writer:
    """Writes in a thread of its own, until it is told to end, or the program ends."""

    def __init__(self, path: Path, max_age: float, max_bytes: int) -> None:
        self._path = path
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._warned = self._left_out = False
        self._writes = 0
        self.rows: Rows = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="holysheep-log", daemon=True)
        atexit.register(self.flush)
        # A child of multiprocessing ends without `atexit`. Late, as others' ends may make calls.
        util: Any = sys.modules.get("multiprocessing.util")
        self._finalizer = util and util.Finalize(None, self.flush, exitpriority=-100)
        self._thread.start()

    def flush(self) -> None:
        """Return when all is written, or after some seconds."""
        if self._thread.is_alive():
            written = threading.Event()
            self.rows.put(written)
            written.wait(BUSY_SECONDS * 2)

    def forget(self) -> None:
        """Do nothing at the end of the program."""
        atexit.unregister(self.flush)
        if self._finalizer is not None:
            self._finalizer.cancel()

    def _run(self) -> None:
        taken: list[Row | threading.Event | None] = []
        while None not in taken:
            taken = [self.rows.get()]
            until = time.monotonic() + WRITE_SECONDS
            while isinstance(taken[-1], tuple) and len(taken) < _A_BATCH:
                try:
                    taken.append(self.rows.get(timeout=max(0.0, until - time.monotonic())))
                except queue.Empty:  # noqa: PERF203 - it ends the loop
                    break
            self._write([row for row in taken if isinstance(row, tuple)])
            for each in taken:
                if isinstance(each, threading.Event):
                    each.set()
        self.forget()

    def _write(self, rows: list[Row]) -> None:
        # What cannot be written is dropped, with one warning.
        if not rows:
            return
        try:
            with _Fork.writing, closing(_open(self._path)) as database:
                database.executescript(_SCHEMA)  # the file may be gone, and this be a new one
                with database:
                    for sql, values in rows:
                        self._insert(database, sql, values)
                self._writes += 1
                if self._writes % _PRUNE_EVERY == 1:
                    _prune(database, time.time() - self._max_age, self._max_bytes)
        except Exception as error:  # noqa: BLE001 - what ends this thread loses all that comes
            if not self._warned:
                _log.warning("%s cannot be written: %s. Calls go on without.", self._path, error)
            self._warned = True
        else:
            self._warned = False

    def _insert(self, database: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> None:
        try:
            database.execute(sql, [_plain(value) for value in values])
        except _A_ROWS_FAULT as error:
            if not self._left_out:
                _log.warning(
                    "%s: a record that cannot be written is left out: %s", self._path, error
                )
            self._left_out = True


class _Fork:
    """Holds a fork until no file is open: the child's SQLite would believe its locks are held."""

    writing = threading.Lock()
    _held = False

    @classmethod
    def before(cls) -> None:
        # Nobody waits for ever to fork.
        cls._held = cls.writing.acquire(timeout=BUSY_SECONDS)

    @classmethod
    def parent(cls) -> None:
        if cls._held:
            cls.writing.release()

    @classmethod
    def child(cls) -> None:
        cls.writing = threading.Lock()
        EventLog._guard = threading.Lock()  # noqa: SLF001 - of this room, as are the next
        for log in tuple(EventLog._every):  # noqa: SLF001
            log._forked()  # noqa: SLF001


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_Fork.before, after_in_parent=_Fork.parent, after_in_child=_Fork.child
    )


def _prune(database: sqlite3.Connection, oldest: float, max_bytes: int) -> None:
    with database:
        for table, when in _TIMES.items():
            database.execute(f"DELETE FROM {table} WHERE {when} < ?", (oldest,))  # noqa: S608 - own names
    while _used(database) > max_bytes:
        deleted = 0
        with database:
            for table, when in _TIMES.items():
                quarter = f"SELECT 1 + count(*) / 4 FROM {table}"  # noqa: S608
                some = f"SELECT rowid FROM {table} ORDER BY {when} LIMIT ({quarter})"  # noqa: S608
                found = database.execute(f"DELETE FROM {table} WHERE rowid IN ({some})")  # noqa: S608
                deleted += found.rowcount
        if not deleted:
            break
    database.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")  # for a new file; before its first table
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _used(database: sqlite3.Connection) -> int:
    def pragma(name: str) -> int:
        return int(database.execute(f"PRAGMA {name}").fetchone()[0])

    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")


def _plain(value: Any) -> Any:
    # Here and not where it is told: an error there would be on a call's way.
    return msgspec.json.encode(value).decode() if isinstance(value, (tuple, dict)) else value
