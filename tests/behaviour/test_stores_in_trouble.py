"""The journal, the event log and the store outlive what goes wrong under them, and catch up."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from holysheep_core import Journal, JournalError
from holysheep_core.journal.sqlite import SQLiteStore
from holysheep_core.store.store import Store
from support.journals import ASK, LONG, handler
from support.waiting import wait_until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.db"


@pytest.fixture
def kept(path):
    return Journal(f"sqlite:///{path}", interval=0.02, lease=30)


def written(kept, name):
    return "".join(text for text, _ in kept.read(name).pieces)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_journal_whose_file_is_gone_in_mid_answer_writes_it_whole_to_a_new_one(
    play, path, kept, how, caplog
):
    stream = handler(play(text=LONG, delay=0.003), kept).stream_with_retry(
        "gpt-4.1", ASK, call_id="a"
    )
    said = "".join(next(stream) for _ in range(30))
    wait_until(lambda: written(kept, "a"))
    for each in path.parent.glob("answers.db*"):
        each.unlink() if how == "deleted" else each.rename(f"{each}.old")
    said += "".join(stream)
    assert said == LONG
    wait_until(lambda: path.exists() and kept.read("a").state == "done")
    assert "".join(handler(play(), kept).follow("a")) == LONG
    assert "written again" in caplog.text


@pytest.mark.parametrize(
    "trouble", [OSError(24, "Too many open files"), MemoryError(), ValueError("strange")]
)
def test_the_journals_thread_outlives_any_exception(play, kept, monkeypatch, trouble, caplog):
    held, failed = SQLiteStore.held, []

    def failing(self):
        if len(failed) < 3:
            failed.append(1)
            raise trouble
        return held(self)

    monkeypatch.setattr(SQLiteStore, "held", failing)
    answer = handler(play(text=LONG), kept).stream_with_retry("gpt-4.1", ASK, call_id="a")
    assert "".join(answer) == LONG
    assert "".join(handler(play(), kept).follow("a")) == LONG
    assert len(failed) == 3
    assert caplog.text.count("cannot be written") == 1


def test_the_stores_thread_outlives_any_exception(redis_url, monkeypatch, caplog):
    store, asked = Store(redis_url, namespace="trouble"), []

    def exchange(self):
        if self is not store:  # one that an earlier test left to the garbage collector
            return True
        asked.append(1)
        if len(asked) in (2, 3):
            raise OSError(24, "Too many open files")
        return True

    monkeypatch.setattr(Store, "exchange", exchange)
    monkeypatch.setattr("holysheep_core.store.store.SYNC_SECONDS", 0.02)
    store.open()
    wait_until(lambda: len(asked) > 5)
    store.close()
    assert len([each for each in caplog.records if each.name == "holysheep.store"]) == 1


@pytest.mark.parametrize("use_async", [False, True])
def test_a_call_with_a_journal_that_is_not_required_runs_without_it(play, path, caplog, use_async):
    kept = Journal(f"sqlite:///{path}", required=False)
    client = handler(play(text=LONG), kept)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        for number in range(3):
            begun = time.monotonic()
            if use_async:
                answer = asyncio.run(client.acomplete("gpt-4.1", ASK, call_id=str(number)))
            else:
                answer = client.complete("gpt-4.1", ASK, call_id=str(number))
            assert answer.text == LONG
            assert time.monotonic() - begun < (4 if number == 0 else 1)  # later ones do not wait
    assert caplog.text.count("does not answer") == 1


def test_a_call_with_a_required_journal_is_refused_and_later_ones_at_once(play, path, kept):
    client = handler(play(text=LONG), kept)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="does not answer"):
            client.complete("gpt-4.1", ASK)
        begun = time.monotonic()
        with pytest.raises(JournalError, match="asked again"):
            client.complete("gpt-4.1", ASK)
        assert time.monotonic() - begun < 0.5


async def test_a_locked_journal_leaves_the_applications_own_executor_free(play, path, kept):
    client = handler(play(text=LONG), kept)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        calls = [asyncio.create_task(client.acomplete("gpt-4.1", ASK)) for _ in range(50)]
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        await asyncio.to_thread(time.sleep, 0)
        assert time.monotonic() - begun < 0.5
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {JournalError}


def test_to_start_an_answer_no_other_answer_is_looked_at(kept, path):
    with closing(sqlite3.connect(path)) as database:
        plan = database.execute(
            "EXPLAIN QUERY PLAN SELECT call_id FROM answers WHERE written < ?", (0.0,)
        ).fetchall()
    assert "USING INDEX" in str(plan) or "USING COVERING INDEX" in str(plan)


CLUSTER = """
import sys
from holysheep_core import Journal, StreamingRetryHandler
from holysheep_core.simulator import Scenario, Simulator
with Simulator() as server:
    url = server.add(Scenario(text="whole")).base_url
    handler = StreamingRetryHandler("k", base_url=url, journal=sys.argv[1], store=sys.argv[1])
    ask = ("gpt-4.1", [{"role": "user", "content": "go"}])
    assert handler.complete(*ask, call_id="a").text == "whole"
    assert "".join(handler.follow("a")) == "whole"
    assert handler.unfinished() == []
    handler.gateway.store.exchange()
    handler.close()
"""


def test_a_redis_cluster_takes_the_keys_of_journal_and_store(own_server, tmp_path):
    own_server.stop()
    own_server.start("--cluster-enabled", "yes", "--cluster-config-file", str(tmp_path / "nodes"))
    ask = own_server.client.execute_command
    ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    wait_until(lambda: "cluster_state:ok" in str(ask("CLUSTER", "INFO")))
    subprocess.run([sys.executable, "-c", CLUSTER, own_server.url], check=True, timeout=60)
