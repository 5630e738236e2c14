"""The journal in an SQLite file, for the processes of one machine.

A killed process leaves no lock. A process that is stopped (SIGSTOP, a debugger) in the middle of a
write locks the file until it runs again; Redis has no such problem.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from holysheep_core.config.checks import check_folder
from holysheep_core.errors import ConfigurationError, JournalError
from holysheep_core.journal.backend import StoredAnswer, StoredPiece

_BUSY_SECONDS = 2.0
_ANSWERS = """
CREATE TABLE IF NOT EXISTS answers (
    call_id TEXT PRIMARY KEY, owner TEXT, lease REAL, written REAL, state TEXT, request BLOB,
    ending BLOB)
"""
_PIECES = """
CREATE TABLE IF NOT EXISTS pieces (
    call_id TEXT, number INTEGER, text TEXT, reasoning TEXT, PRIMARY KEY (call_id, number))
    WITHOUT ROWID
"""
_BY_AGE = "CREATE INDEX IF NOT EXISTS answers_written ON answers (written)"


class SQLiteStore:
    """One file. Connections are opened for each use: it may be any thread's, in any process."""

    def __init__(self, path: str) -> None:
        if not path:
            raise ConfigurationError("journal: 'sqlite:///' needs a file after it.")
        self._path = Path(path).absolute()
        check_folder("journal", self._path)
        self._mine = threading.local()
        try:
            with self._open("BEGIN"):
                pass
        except JournalError as error:
            raise ConfigurationError(f"journal {self._path}: {error.__cause__}.") from None

    def begin(self, call_id: str, owner: str, request: bytes, lease: float) -> bool:
        """Start an answer; False if the name is taken by one that has text, or is open."""
        now = time.time()
        empty = (
            "DELETE FROM answers WHERE call_id = ? AND state = 'failed' "
            "AND NOT EXISTS (SELECT 1 FROM pieces WHERE pieces.call_id = answers.call_id)"
        )
        sql = "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, 'open', ?, x'')"
        with self._open() as database:
            database.execute(empty, (call_id,))
            return database.execute(sql, (call_id, owner, now + lease, now, request)).rowcount == 1

    def claim(self, call_id: str, owner: str, lease: float, *, stopped: bool = True) -> bool:
        """Take the lease; False if another process has it, or it is stopped and `stopped` unset."""
        now = time.time()
        sql = (
            "UPDATE answers SET owner = ?, lease = ?, written = ?, ending = x'', "
            "state = 'open' "
            "WHERE call_id = ? AND (lease <= ? OR owner = ?) AND (state != 'stopped' OR ?)"
        )
        values = (owner, now + lease, now, call_id, now, owner, stopped)
        with self._open() as database:
            done = "SELECT 1 FROM answers WHERE call_id = ? AND state = 'done'"
            if database.execute(done, (call_id,)).fetchone():
                return True  # nothing will be written any more
            return database.execute(sql, values).rowcount == 1

    def append(self, call_id: str, owner: str, piece: StoredPiece | None, lease: float) -> bool:
        """Store a piece, unless it is stored already, and renew the lease.

        Returns:
            False if another process has the lease.
        """
        now = time.time()
        sql = "UPDATE answers SET lease = ?, written = ? WHERE call_id = ? AND owner = ?"
        with self._open() as database:
            mine = database.execute(sql, (now + lease, now, call_id, owner)).rowcount == 1
            if mine and piece is not None:
                insert = "INSERT OR IGNORE INTO pieces VALUES (?, ?, ?, ?)"
                database.execute(insert, (call_id, *piece))
            return mine

    def end(self, call_id: str, owner: str, state: str, ending: bytes) -> bool:
        """Store how the answer ended and release the lease; False if another process has it."""
        sql = (
            "UPDATE answers SET state = ?, ending = ?, lease = ?, owner = '', written = ? "
            "WHERE call_id = ? AND owner = ?"
        )
        with self._open() as database:
            now = time.time()
            lease = now if state == "open" else 0.0  # until now somebody wrote it
            values = (state, ending, lease, now, call_id, owner)
            return database.execute(sql, values).rowcount == 1

    def stop(self, call_id: str, ending: bytes) -> bool:
        """Take an answer from whoever writes it, for good; False if it is done or not there."""
        sql = (
            "UPDATE answers SET state = 'stopped', ending = ?, lease = 0, owner = '', written = ? "
            "WHERE call_id = ? AND state != 'done'"
        )
        with self._open() as database:
            return database.execute(sql, (ending, time.time(), call_id)).rowcount == 1

    def stopped(self, call_ids: Collection[str]) -> set[str]:
        """Return those of these answers that are stopped."""
        sql = "SELECT call_id FROM answers WHERE state = 'stopped' AND call_id = ?"
        with self._open("BEGIN") as database:
            found = (database.execute(sql, (call_id,)).fetchone() for call_id in call_ids)
            return {each[0] for each in found if each}

    def names(self) -> list[str]:
        """Return the names of all answers, the one written last at the end."""
        with self._open("BEGIN") as database:
            sql = "SELECT call_id FROM answers ORDER BY written"
            return [name for (name,) in database.execute(sql)]

    def delete(self, call_id: str) -> None:
        """Delete an answer."""
        with self._open() as database:
            database.execute("DELETE FROM pieces WHERE call_id = ?", (call_id,))
            database.execute("DELETE FROM answers WHERE call_id = ?", (call_id,))

    def blank(self, call_id: str, request: bytes) -> None:
        """Delete the texts of an answer that nobody writes, and replace its request."""
        sql = "UPDATE answers SET request = ?, ending = x'' WHERE call_id = ? AND lease <= ?"
        with self._open() as database:
            if database.execute(sql, (request, call_id, time.time())).rowcount == 1:
                database.execute("DELETE FROM pieces WHERE call_id = ?", (call_id,))

    def size(self, call_id: str) -> int:
        """Return about how many bytes an answer takes; 0 if there is none."""
        head = "SELECT length(request) + length(ending) FROM answers WHERE call_id = ?"
        body = (
            "SELECT coalesce(sum(length(CAST(text AS BLOB)) + length(CAST(reasoning AS BLOB))), 0) "
            "FROM pieces WHERE call_id = ?"
        )
        with self._open("BEGIN") as database:
            found = (database.execute(sql, (call_id,)).fetchone() for sql in (head, body))
            return sum(each[0] for each in found if each)

    def read(self, call_id: str, skip: int) -> StoredAnswer | None:
        """Return an answer, its pieces after the first `skip`; None if there is none."""
        head = "SELECT state, request, lease, ending, owner, written FROM answers WHERE call_id = ?"
        new = "FROM pieces WHERE call_id = ? AND number >= ? ORDER BY number"
        body = f"SELECT text, reasoning {new}"
        with self._open("BEGIN") as database:
            found = database.execute(head, (call_id,)).fetchone()
            if found is None:
                return None
            state, request, lease, ending, owner, written = found
            pieces = database.execute(body, (call_id, skip)).fetchall()
        left = lease - time.time()
        return StoredAnswer(state, request, pieces, left, ending, owner, written)

    def unfinished(self) -> list[str]:
        """Return the names of incomplete answers that no process is writing."""
        sql = (
            "SELECT call_id FROM answers WHERE state IN ('open', 'failed') AND lease <= ? "
            "ORDER BY written"
        )
        with self._open("BEGIN") as database:
            return [name for (name,) in database.execute(sql, (time.time(),))]

    def forget(self, age: float) -> None:
        """Delete answers that were last written more than `age` seconds ago."""
        oldest = time.time() - age
        with self._open() as database:
            gone = "SELECT call_id FROM answers WHERE written < ?"
            if database.execute(gone, (oldest,)).fetchone():
                database.execute(f"DELETE FROM pieces WHERE call_id IN ({gone})", (oldest,))  # noqa: S608 - own text
                database.execute("DELETE FROM answers WHERE written < ?", (oldest,))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep this thread's connection open inside the context."""
        with self._connected() as database:
            self._mine.database, self._mine.file = database, self._file()
            try:
                yield
            finally:
                del self._mine.database

    def is_stale(self) -> bool:
        """Tell whether the file was deleted or replaced since `held` opened it."""
        return bool(self._mine.file != self._file())

    def _file(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    @contextmanager
    def _open(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        # One transaction. One that writes has the file from its beginning on.
        held = getattr(self._mine, "database", None)
        try:
            with nullcontext(held) if held is not None else self._connected() as database:
                database.execute(begin)
                try:
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            raise JournalError(f"The journal {self._path} does not answer: {error}.") from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        with closing(connection) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            for statement in (_ANSWERS, _PIECES, _BY_AGE):  # the file may be a new one
                database.execute(statement)
            yield database
