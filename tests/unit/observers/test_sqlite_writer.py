"""The thread that writes an event log's file: in order, in batches, any record."""

import json
import logging
import sqlite3
import time
from contextlib import closing

import pytest

from holysheep_core.observers import sqlite_writer
from holysheep_core.observers.sqlite_writer import SCHEMA, SQLiteWriter, open_database
from support.event_logs import rows

EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
DAY = 24 * 3600


@pytest.fixture
def path(tmp_path):
    return tmp_path / "calls.db"


@pytest.fixture
def writer(path):
    made = SQLiteWriter(path, DAY, 2**20)
    yield made
    made.rows.put(None)
    made._thread.join(5)
    assert not made._thread.is_alive()


def put(writer, message, at=None):
    at = time.time() if at is None else at
    writer.rows.put((EVENT, (at, "c", "Kind", message, {"a": 1})))


def messages(path):
    return [row["message"] for row in rows(path, "SELECT message FROM events ORDER BY rowid")]


def test_rows_are_in_the_file_in_order_after_a_flush(writer, path):
    for number in range(100):
        put(writer, str(number))
    writer.flush()
    assert messages(path) == [str(number) for number in range(100)]


def test_dicts_and_tuples_are_written_as_json(writer, path):
    writer.rows.put((EVENT, (0, "c", "Kind", ("a", "b"), {"x": [1]})))
    put(writer, "later")  # the first row is older than a day and is pruned with its write
    writer.rows.put((EVENT, (time.time(), "c", "Kind", ("a", "b"), {"x": [1]})))
    writer.flush()
    [row] = rows(path, "SELECT * FROM events WHERE message != 'later'")
    assert (json.loads(row["message"]), json.loads(row["fields"])) == (["a", "b"], {"x": [1]})


def test_rows_that_arrive_together_are_one_transaction(path, monkeypatch):
    batches = []
    monkeypatch.setattr(SQLiteWriter, "_write", lambda _self, batch: batches.append(len(batch)))
    monkeypatch.setattr(sqlite_writer, "_A_BATCH", 4)
    writer = SQLiteWriter(path, DAY, 2**20)
    for number in range(10):
        put(writer, str(number))
    writer.rows.put(None)
    writer._thread.join(5)
    assert sum(batches) == 10
    assert max(batches) <= 4
    assert len(batches) < 10


def test_one_bad_row_is_left_out_with_one_warning(writer, path, caplog):
    for message in ("one", "half \ud83d", object(), "two"):
        put(writer, message)
    writer.flush()
    assert messages(path) == ["one", "two"]
    assert ["left out" in message for message in caplog.messages] == [True]


def test_what_cannot_be_written_now_waits_and_there_is_one_warning(writer, path, caplog):
    path.mkdir()
    for _ in range(2):
        put(writer, "waits")
        writer.flush()
    path.rmdir()
    put(writer, "kept")
    writer.flush()
    assert messages(path) == ["waits", "waits", "kept"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cannot be written" in caplog.messages[0]


def test_rows_that_are_too_old_are_deleted(writer, path):
    put(writer, "old", time.time() - 2 * DAY)
    put(writer, "new")
    writer.flush()
    assert messages(path) == ["new"]


def test_the_oldest_rows_are_deleted_while_the_file_is_too_large(path):
    writer = SQLiteWriter(path, DAY, 64 * 1024)
    now = time.time()
    for number in range(500):
        put(writer, f"{number:03}" + "x" * 500, now + number)
    writer.flush()
    left = [int(message[:3]) for message in messages(path)]
    writer.rows.put(None)
    assert left[-1] == 499
    assert 0 < len(left) < 150


def test_the_writer_ends_after_what_was_put_before_its_end(path):
    writer = SQLiteWriter(path, DAY, 2**20)
    put(writer, "last")
    writer.rows.put(None)
    writer._thread.join(5)
    assert messages(path) == ["last"]
    began = time.monotonic()
    writer.flush()  # nobody would answer
    assert time.monotonic() - began < 1


def test_a_forgotten_writer_is_not_called_at_the_end_of_the_program(writer, monkeypatch):
    gone = []
    monkeypatch.setattr(sqlite_writer.atexit, "unregister", gone.append)
    writer.forget()
    assert gone == [writer.flush]


def test_a_file_is_opened_for_many_writers_and_readers(path):
    with closing(open_database(path)) as database:
        database.executescript(SCHEMA)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_a_file_that_is_no_database_is_closed_again(path):
    path.write_text("not a database, " * 100, encoding="utf-8")
    with pytest.raises(sqlite3.DatabaseError):
        open_database(path)
