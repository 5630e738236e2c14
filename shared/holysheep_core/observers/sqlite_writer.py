"""The thread that writes an event log's file."""

from __future__ import annotations

import atexit
import logging
import queue
import sqlite3
import sys
import threading
import time
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from holysheep_core.process import no_fork

_log = logging.getLogger("holysheep.event_log")

WRITE_SECONDS = 0.5
"""Seconds between two writes."""

BUSY_SECONDS = 5.0
"""Seconds to wait for other processes that write."""

_PRUNE_EVERY = 120  # writes
_BACKLOG = 20_000  # rows that wait at the most while the file cannot be written
_A_BATCH = 20_000  # rows at the most in one transaction
SCHEMA = """
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
CREATE TABLE IF NOT EXISTS request_ids (at REAL, call_id TEXT, number INTEGER, request_id TEXT);
CREATE INDEX IF NOT EXISTS calls_began ON calls (began);
CREATE INDEX IF NOT EXISTS attempts_began ON attempts (began);
CREATE INDEX IF NOT EXISTS events_at ON events (at);
"""
_A_ROWS_FAULT = (
    *(sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError),
    *(ValueError, TypeError, OverflowError, msgspec.MsgspecError),  # half a pair of UTF-16, say
)
_TIMES = {"calls": "began", "attempts": "began", "events": "at", "request_ids": "at"}
Row = tuple[str, tuple[Any, ...]]
Rows = queue.SimpleQueue[Row | threading.Event | None]
"""Rows to write, events to set once all rows before them are written, and None for the end."""


class SQLiteWriter:
    """Writes rows in its own thread, until it gets None or the program ends.

    Args:
        path: The file.
        max_age: Seconds that rows are kept.
        max_bytes: Approximate limit of the file's size.
    """

    def __init__(self, path: Path, max_age: float, max_bytes: int) -> None:
        self._path = path
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._warned = self._left_out = False
        self._backlog: deque[Row] = deque(maxlen=_BACKLOG)
        self._lost = 0  # rows that the backlog had no room for
        self._writes = 0
        self.rows: Rows = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="holysheep-log", daemon=True)
        atexit.register(self.flush)
        # A child of multiprocessing ends without `atexit`. Late, as others' ends may make calls.
        util: Any = sys.modules.get("multiprocessing.util")
        self._finalizer = util and util.Finalize(None, self.flush, exitpriority=-100)
        self._thread.start()

    def flush(self) -> None:
        """Wait until all rows are written, some seconds at most."""
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
            try:
                taken = [self.rows.get(timeout=WRITE_SECONDS if self._backlog else None)]
            except queue.Empty:
                self._write([])
                continue
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
        # What cannot be written waits for the next time, with one warning.
        self._lost += max(0, len(self._backlog) + len(rows) - _BACKLOG)
        self._backlog.extend(rows)
        if not self._backlog:
            return
        try:
            with no_fork, closing(open_database(self._path)) as database:
                database.executescript(SCHEMA)  # the file may be gone, and this be a new one
                with database:
                    for sql, values in self._backlog:
                        self._insert(database, sql, values)
                self._writes += 1
                if self._writes % _PRUNE_EVERY == 1:
                    _prune(database, time.time() - self._max_age, self._max_bytes)
        except Exception as error:  # noqa: BLE001 - what ends this thread loses all that comes
            if not self._warned:
                _log.warning(
                    "%s cannot be written now: %s. Calls continue without it.", self._path, error
                )
            self._warned = True
        else:
            if self._lost:
                _log.warning("%s: %d rows are lost.", self._path, self._lost)
            self._backlog.clear()
            self._lost, self._warned = 0, False

    def _insert(self, database: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> None:
        try:
            database.execute(sql, [_plain(value) for value in values])
        except _A_ROWS_FAULT as error:
            if not self._left_out:
                _log.warning(
                    "%s: a record that cannot be written is left out: %s", self._path, error
                )
            self._left_out = True


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


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file of an event log."""
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
