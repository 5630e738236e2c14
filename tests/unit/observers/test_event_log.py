"""The event log: any number of processes write every call, without delaying calls."""

import gc
import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import weakref
from contextlib import closing

import pytest

from holysheep_core import ConfigurationError, EventLog, HolySheepError, StreamingRetryHandler
from holysheep_core.observers import sqlite_writer
from holysheep_core.simulator import Scenario, Simulator, cut, refuse
from support.event_logs import rows

LOG = "holysheep.event_log"
EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
ASK = [{"role": "user", "content": "A question nobody should find."}]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "calls.db"


@pytest.fixture
def client(play, path):
    def make(**scenario):
        settings = {"event_log": path, "fallback_models": []}
        return StreamingRetryHandler("sk-secret", base_url=play(**scenario).base_url, **settings)

    return make


def test_a_call_its_requests_and_its_events_are_in_the_file_when_it_is_closed(client, path, text):
    with client(faults=[cut(at=40)]) as handler:
        before = time.time()
        handler.complete("gpt-4.1", ASK, tags=["team-a"])
    [call] = rows(path, "SELECT * FROM calls")
    assert before - 1 <= call["began"] <= time.time()
    assert (call["outcome"], call["requests"], call["resumes"]) == ("completed", 2, 1)
    assert (call["characters"], call["saved_characters"]) == (len(text), 40)
    assert call["cost_usd"] > 0
    assert json.loads(call["tags"]) == ["team-a"]
    attempts = rows(path, "SELECT * FROM attempts ORDER BY number")
    assert [each["technique"] for each in attempts] == ["request", "continuation"]
    assert [each["outcome"] for each in attempts] == ["StreamCutError", "completed"]
    assert attempts[0]["estimated"] == 1
    kinds = [each["kind"] for each in rows(path, "SELECT kind FROM events ORDER BY at")]
    assert kinds[0] == "RequestSent"
    assert {"StreamCut", "RetryScheduled", "Resumed"} < set(kinds)
    assert kinds[-1] == "StreamCompleted"


def test_neither_text_nor_key_is_in_the_file(client, path, text):
    with client(faults=[cut(at=20)]) as handler:
        handler.complete("gpt-4.1", ASK)
    data = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert b"nobody should find" not in data
    assert b"sk-secret" not in data
    assert text[:12].encode() not in data


def test_a_failed_and_an_abandoned_call_are_calls_too(client, path):
    with client(faults=[refuse(401)]) as handler, pytest.raises(HolySheepError):
        handler.complete("gpt-4.1", ASK)
    with client() as handler:
        stream = handler.stream_with_retry("gpt-4.1", ASK)
        next(stream)
        stream.close()
    outcomes = [call["outcome"] for call in rows(path, "SELECT outcome FROM calls")]
    assert outcomes == ["AuthenticationError", "closed"]


def test_an_unknown_price_is_null(client, path):
    with client() as handler:
        handler.complete("unheard-of", ASK)
    assert rows(path, "SELECT cost_usd FROM calls") == [{"cost_usd": None}]


async def test_async_calls_are_logged_alike(client, path):
    async with client(faults=[cut(at=9)]) as handler:
        await handler.acomplete("gpt-4.1", ASK)
    assert rows(path, "SELECT outcome, requests FROM calls") == [
        {"outcome": "completed", "requests": 2}
    ]


def test_a_log_nobody_holds_any_more_has_written_all(play, path):
    handler = StreamingRetryHandler("k", base_url=play().base_url, event_log=path)
    handler.complete("gpt-4.1", ASK)
    thread = EventLog.at(path)._writer._thread
    del handler
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()
    assert len(rows(path, "SELECT * FROM calls")) == 1


PROGRAM = """
import sys
from holysheep_core import StreamingRetryHandler
handler = StreamingRetryHandler("k", base_url=sys.argv[1], event_log=sys.argv[2])
for _ in range(int(sys.argv[3])):
    handler.complete("gpt-4.1", [{"role": "user", "content": "go"}])
"""


def test_many_processes_write_one_file_and_lose_nothing_at_their_exit(play, path):
    arguments = [play(text="short").base_url, str(path), "25"]
    command = [sys.executable, "-c", PROGRAM, *arguments]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    for each in running:
        _, said = each.communicate(timeout=50)
        assert each.returncode == 0, said
    assert rows(path, "SELECT count(*) AS n FROM calls") == [{"n": 100}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_writes_what_it_does_itself(path):
    with Simulator() as simulator:
        url = simulator.add(Scenario(text="short")).base_url
        handler = StreamingRetryHandler("k", base_url=url, event_log=path)
        handler.complete("gpt-4.1", ASK)
        child = os.fork()
        if not child:
            fresh = StreamingRetryHandler("k", base_url=url, event_log=path)
            fresh.complete("gpt-4.1", ASK)
            fresh.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        handler.close()
    assert len(rows(path, "SELECT * FROM calls")) == 2


def ask_and_leave(handler):
    handler.complete("gpt-4.1", ASK)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_multiprocessing_loses_nothing_at_its_end_and_writes_nothing_twice(path):
    forking = multiprocessing.get_context("fork")
    with Simulator() as simulator:
        url = simulator.add(Scenario(text="short")).base_url
        handler = StreamingRetryHandler("k", base_url=url, event_log=path)
        for _ in range(3):
            handler.complete("gpt-4.1", ASK)  # the parent has not written this when it forks
            fresh = StreamingRetryHandler("k", base_url=url, event_log=path)
            child = forking.Process(target=ask_and_leave, args=(fresh,))
            child.start()
            child.join(30)
            assert child.exitcode == 0
        handler.close()
    calls = rows(path, "SELECT call_id FROM calls")
    assert len({call["call_id"] for call in calls}) == len(calls) == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_a_lock_is_held_has_locks_and_a_thread_of_its_own(path):
    log = EventLog(path)
    log._put(EVENT, (time.time(), "parent", "", "", {}))
    writer = log._writer
    with log._lock, EventLog._shared._lock:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)  # a lock that is held for ever is no hanging test
            EventLog.at(path)
            log._put(EVENT, (time.time(), "child", "", "", {}))
            log.close()
            os._exit(log._writer is writer)
    assert os.waitpid(child, 0)[1] == 0
    log.close()
    assert sorted(row["call_id"] for row in rows(path, "SELECT call_id FROM events")) == [
        "child",
        "parent",
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_write_waits_for_its_end(path, monkeypatch):
    log, opened, go_on = EventLog(path), threading.Event(), threading.Event()

    def prune(*_):
        opened.set()
        go_on.wait(10)

    monkeypatch.setattr(sqlite_writer, "_prune", prune)
    log._put(EVENT, (time.time(), "parent", "", "", {}))
    assert opened.wait(10)
    threading.Timer(0.5, go_on.set).start()
    began = time.monotonic()
    child = os.fork()
    if not child:
        os._exit(not go_on.is_set())
    assert os.waitpid(child, 0)[1] == 0
    assert time.monotonic() - began < 5
    log.close()
    assert len(rows(path, "SELECT * FROM events")) == 1


def test_a_writer_that_has_ended_is_held_by_nobody(path):
    log = EventLog(path)
    log._put(EVENT, (time.time(), "x", "", "", {}))
    thread, writer = log._writer._thread, weakref.ref(log._writer)
    del log
    gc.collect()
    thread.join(5)
    del thread
    gc.collect()
    assert writer() is None


@pytest.mark.parametrize("gone", ["deleted", "rotated", "emptied"])
def test_a_missing_file_is_created_again(client, path, caplog, gone):
    handler = client()
    handler.complete("gpt-4.1", ASK)
    handler.close()
    if gone == "deleted":
        path.unlink()
    elif gone == "rotated":
        path.rename(path.with_suffix(".1"))
    else:
        path.write_bytes(b"")
    for _ in range(2):
        handler.complete("gpt-4.1", ASK)
        handler.close()
    assert len(rows(path, "SELECT * FROM calls")) == 2
    assert rows(path, "SELECT * FROM attempts")
    assert [record.message for record in caplog.records if record.name == LOG] == []


@pytest.mark.parametrize("name", ["call_id", "tags", "both"])
def test_a_record_that_cannot_be_written_is_left_out_with_one_warning(client, path, caplog, name):
    handler = client()
    bad = "half \ud83d"
    given = {
        **({"call_id": bad} if name != "tags" else {}),
        **({"tags": [bad]} if name != "call_id" else {}),
    }
    for tags in ("before", None, "after"):
        settings = given if tags is None else {"tags": [tags]}
        assert handler.complete("gpt-4.1", ASK, **settings).text
    handler.close()
    assert handler.complete("gpt-4.1", ASK, tags=["later"]).text
    handler.close()
    told = [json.loads(call["tags"]) for call in rows(path, "SELECT tags FROM calls")]
    assert told == [["before"], ["after"], ["later"]]
    warned = [record for record in caplog.records if record.name == LOG]
    assert len(warned) == 1
    assert "left out" in warned[0].message


@pytest.mark.parametrize("value", [2**70, object(), "\udcff", {"x": "\udcff"}, {"x": object()}])
def test_no_value_ends_the_thread_that_writes(path, value):
    log = EventLog(path)
    for each in (value, "good"):
        log._put(EVENT, (time.time(), "x", "", each, ""))
    log.close()
    assert rows(path, "SELECT message FROM events") == [{"message": "good"}]
    assert log._writer._thread.is_alive()


def test_a_file_that_cannot_be_written_costs_one_warning_and_no_call(client, path, caplog):
    handler = client()
    path.unlink()
    path.mkdir()
    with caplog.at_level(logging.WARNING, LOG):
        for _ in range(3):
            assert handler.complete("gpt-4.1", ASK).text
            handler.close()
    path.rmdir()
    assert len([each for each in caplog.records if "cannot be written" in each.message]) == 1
    handler.complete("gpt-4.1", ASK, tags=["there again"])
    handler.close()
    assert len(rows(path, "SELECT * FROM calls")) == 4  # those from before were kept


def test_of_a_long_time_without_the_file_the_last_rows_are_kept_and_the_lost_ones_counted(
    path, caplog, monkeypatch
):
    monkeypatch.setattr(sqlite_writer, "_BACKLOG", 10)
    log = EventLog(path)
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as blocker,
        monkeypatch.context() as m,
    ):
        m.setattr(sqlite_writer, "BUSY_SECONDS", 0.01)
        blocker.execute("BEGIN EXCLUSIVE")
        for number in range(35):
            log._put(EVENT, (time.time(), str(number), "", "", {}))
        log.close()
        blocker.execute("COMMIT")
    with caplog.at_level(logging.WARNING, LOG):
        log.close()
    kept = [row["call_id"] for row in rows(path, "SELECT call_id FROM events ORDER BY rowid")]
    assert kept == [str(number) for number in range(25, 35)]
    assert "25 rows are lost" in caplog.text


@pytest.mark.parametrize("bad", ["folder", "text"])
def test_a_path_that_cannot_be_a_log_is_refused_at_once(tmp_path, bad):
    path = tmp_path if bad == "folder" else tmp_path / "no.db"
    if bad == "text":
        path.write_text("not a database, " * 100, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="event_log"):
        StreamingRetryHandler("k", event_log=path)


def test_what_is_too_old_or_too_much_goes(tmp_path, play):
    path = tmp_path / "small.db"
    log = EventLog(path, max_age=1.0, max_bytes=64 * 1024)
    with closing(sqlite3.connect(path)) as database, database:
        old = time.time() - 2 * 24 * 3600
        database.execute("INSERT INTO events VALUES (?, 'x', 'Old', '', '')", (old,))
        for number in range(3000):
            filler = (time.time() + number, "y", "New", "m" * 100, "")
            database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", filler)
    url = play().base_url
    with StreamingRetryHandler("k", base_url=url, observers=[log]) as handler:
        handler.complete("gpt-4.1", ASK)
    assert not rows(path, "SELECT * FROM events WHERE kind = 'Old'")
    left = rows(path, "SELECT min(at) AS first, max(at) AS last, count(*) AS n FROM events")[0]
    assert 0 < left["n"] < 1000
    assert left["last"] > time.time() + 2900, "the newest stay"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < 160 * 1024


def test_a_write_never_holds_up_a_call(client, path):
    handler = client(text="short")
    handler.complete("gpt-4.1", ASK)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    for _ in range(5):
        handler.complete("gpt-4.1", ASK)
    assert time.monotonic() - started < 2
    blocker.execute("COMMIT")
    blocker.close()
    handler.close()
    assert len(rows(path, "SELECT * FROM calls")) == 6
