"""A journal in trouble: forks, kills, cancelled tasks, and a store that is slow, away or empty."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
import redis

from holysheep_core import (
    Journal,
)
from holysheep_core.process import Workers
from support.journals import ASK, LONG, handler, journal
from support.waiting import wait_until


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_writes_no_answer_of_its_parent(play, url, name):
    script, kept = play(text=LONG, delay=0.002), journal(url)
    client = handler(script, kept)
    stream = client.stream_with_retry("gpt-4.1", ASK, call_id=name)
    got = "".join(next(stream) for _ in range(40))
    fork = multiprocessing.get_context("fork")
    own = f"{name}-of-the-child"
    worker = fork.Process(target=client.complete, args=("gpt-4.1", ASK), kwargs={"call_id": own})
    worker.start()
    got += "".join(stream)
    worker.join(30)
    assert worker.exitcode == 0
    assert got == LONG
    for each in (name, own):
        assert "".join(client.follow(each)) == LONG
        assert "".join(text for text, _ in kept.read(each).pieces) == LONG


def test_a_stream_collected_in_the_journals_own_thread_blocks_nobody(play, url, name, monkeypatch):
    script, kept = play(text=LONG, delay=0.002), journal(url)
    client, append, collected = handler(script, kept), kept.store.append, []

    def collecting(*args):
        if threading.current_thread() is kept.thread and not collected:
            collected.append(gc.collect())
        return append(*args)

    gc.disable()
    try:
        stream = client.stream_with_retry("gpt-4.1", ASK, call_id=name)
        next(stream)
        cycle = [stream]
        cycle.append(cycle)
        del stream, cycle
        monkeypatch.setattr(kept.store, "append", collecting)
        until = time.monotonic() + 20
        while name not in kept.unfinished():
            assert time.monotonic() < until, "it holds its lease"
            time.sleep(0.01)
    finally:
        gc.enable()
    assert client.complete("gpt-4.1", ASK).text == LONG


def test_an_answer_that_redis_lost_is_written_anew(play, redis_url, name, caplog):
    script, kept = play(text=LONG, delay=0.002), journal(redis_url)
    stream = handler(script, kept).stream_with_retry("gpt-4.1", ASK, call_id=name)
    got = "".join(next(stream) for _ in range(40))
    time.sleep(0.1)
    redis.Redis.from_url(redis_url).flushall()
    got += "".join(stream)
    assert got == LONG == "".join(handler(script, kept).follow(name))
    assert "written again from the start" in caplog.text
    assert len(script.requests) == 1


def test_with_no_interval_a_store_that_does_not_answer_holds_the_answer_up_once(
    play, tmp_path, name, caplog
):
    script, url = play(text=LONG), f"sqlite:///{tmp_path}/answers.db"
    kept = journal(url, interval=0, lease=8)
    stream = handler(script, kept).stream_with_retry("gpt-4.1", ASK, call_id=name)
    got = "".join(next(stream) for _ in range(40))
    with closing(sqlite3.connect(tmp_path / "answers.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        got += "".join(stream)  # of hundreds of pieces; each could wait for two seconds
        assert kept.read(name).state == "open"
        database.execute("ROLLBACK")
    assert got == LONG == "".join(handler(script, kept).follow(name))
    assert caplog.text.count("does not answer") == 1


def test_a_cancelled_task_leaves_an_answer_that_can_be_taken_up(play, url, name):
    script = play(text=LONG, delay=0.002)

    async def read():
        async with handler(script, journal(url)) as client:
            async for _ in client.astream_with_retry("gpt-4.1", ASK, call_id=name):
                pass

    async def main():
        task = asyncio.create_task(read())
        await asyncio.sleep(0.3)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert "".join(handler(script, journal(url)).resume(name)) == LONG


def test_a_task_cancelled_while_the_store_is_slow_leaves_no_answer_open(play, tmp_path, name):
    script, kept = play(text=LONG), journal(f"sqlite:///{tmp_path}/answers.db", lease=60)

    async def main():
        async with handler(script, kept) as client:
            stream = client.astream_with_retry("gpt-4.1", ASK, call_id=name)
            task = asyncio.create_task(anext(stream))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        database.execute("ROLLBACK")

    with closing(sqlite3.connect(tmp_path / "answers.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        asyncio.run(main())
    wait_until(lambda: kept.unfinished() == [name])
    assert not script.requests
    assert "".join(handler(script, kept).resume(name)) == LONG


def test_a_task_cancelled_while_the_end_is_written_leaves_an_answer_that_is_done(play, url, name):
    script, kept = play(text=LONG[:100]), journal(url, lease=60)
    heard, whole, released = [], asyncio.Event(), threading.Event()

    def on_token(text):
        heard.append(text)
        if "".join(heard) == LONG[:100]:
            whole.set()
            kept.workers.submit(lambda: released.wait(20))

    async def main():
        kept.workers = Workers("one that is busy", 1)
        async with handler(script, kept) as client:
            answer = client.acomplete("gpt-4.1", ASK, call_id=name, on_token=on_token)
            task = asyncio.create_task(answer)
            await whole.wait()
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            released.set()

    asyncio.run(main())
    assert "".join(handler(script, kept).resume(name)) == LONG[:100]
    assert len(script.requests) == 1


def test_an_end_that_the_store_cannot_take_is_written_when_it_can(play, tmp_path, name):
    script, kept = play(text=LONG[:100]), journal(f"sqlite:///{tmp_path}/answers.db", lease=60)
    heard = []

    def on_token(text):
        heard.append(text)
        if "".join(heard) == LONG[:100]:
            database.execute("BEGIN IMMEDIATE")

    with closing(sqlite3.connect(tmp_path / "answers.db", isolation_level=None)) as database:
        handler(script, kept).complete("gpt-4.1", ASK, call_id=name, on_token=on_token)
        assert kept.read(name).state == "open"
        database.execute("ROLLBACK")
    assert "".join(handler(script, kept).follow(name)) == LONG[:100]
    assert "".join(handler(script, kept).resume(name)) == LONG[:100]
    assert len(script.requests) == 1


@pytest.mark.slow
def test_a_process_that_slept_too_long_stops_writing_and_says_so(play, url, name):
    script = play(text=LONG, delay=0.005)
    process = _begin(script, url, name, "")
    seen = process.stdout.read(40).decode(errors="ignore")
    _stop_between_writes(process, url)
    other = handler(script, journal(url)).resume(name)
    taken = next(other)
    process.send_signal(signal.SIGCONT)
    _, said = process.communicate(timeout=30)
    assert b"AnswerInUseError: Another process has taken this answer over" in said
    assert taken + "".join(other) == LONG
    assert LONG.startswith(seen)
    assert "".join(text for text, _ in journal(url).read(name).pieces) == LONG


def _stop_between_writes(process, url):
    process.send_signal(signal.SIGSTOP)
    while url.startswith("sqlite"):
        database = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
        with closing(database):
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:  # just in a write: let it go on a little
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)
                process.send_signal(signal.SIGSTOP)
            else:
                return


def test_many_that_wait_to_take_up_answers_hold_no_thread(play, url, name):
    script, kept = play(text=LONG, delay=0.002), journal(url, lease=20)
    first = handler(script, kept).stream_with_retry("gpt-4.1", ASK, call_id=name)
    next(first)

    async def main():
        kept.workers = Workers("one", 1)
        async with handler(script, kept) as client:
            waiting = [asyncio.create_task(anext(client.aresume(name))) for _ in range(20)]
            await asyncio.sleep(0.2)
            text = (await client.acomplete("gpt-4.1", ASK)).text
            assert not any(task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
            return text

    assert asyncio.run(main()) == LONG
    first.close()


def test_a_store_that_does_not_answer_for_a_while_loses_nothing(play, tmp_path, name, caplog):
    path = tmp_path / "answers.db"
    script = play(text=LONG, delay=0.005)
    kept = Journal(f"sqlite:///{path}", interval=0.02, lease=20)
    stream = handler(script, kept).stream_with_retry("gpt-4.1", ASK, call_id=name)
    said = next(stream)
    blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN EXCLUSIVE")
    threading.Timer(2.5, lambda: (blocker.execute("COMMIT"), blocker.close())).start()
    with caplog.at_level(logging.WARNING, "holysheep.journal"):
        assert said + "".join(stream) == LONG
    assert len([each for each in caplog.records if "does not answer" in each.message]) == 1
    assert "".join(text for text, _ in kept.read(name).pieces) == LONG


PROGRAM = """
import sys, time
from holysheep_core import Journal, StreamingRetryHandler
url, journal, name, resume = sys.argv[1:5]
kept = Journal(journal, interval=0.02, lease=0.4)
handler = StreamingRetryHandler("k", base_url=url, journal=kept, fallback_models=[])
ask = [{"role": "user", "content": "Tell me of sheep."}]
texts = handler.resume(name) if resume else handler.stream_with_retry("m", ask, call_id=name)
for text in texts:
    print(text, end="", flush=True)
"""


KILLS = int(os.environ.get("HOLYSHEEP_KILLS", "8"))
"""How many processes are killed: a few here, hundreds with `make kills`."""


@pytest.mark.slow
def test_processes_killed_at_random_moments_leave_answers_that_end_whole(play, url):
    rng = random.Random(9)
    text = LONG[:1500]
    script = play(text=text, delay=0.002)
    reader = handler(script, journal(url, lease=0.4))
    cut_short = 0
    for number in range(KILLS // 2):
        name = f"killed-{os.getpid()}-{number}-{rng.random()}"
        for resume in ("", "resume"):  # the one that takes it up is killed as well
            process = _begin(script, url, name, resume)
            process.stdout.read(1)
            time.sleep(rng.random() * 0.8)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        cut_short += reader._journal.read(name).state == "open"
        assert "".join(reader.resume(name)) == text
        assert reader._journal.read(name).state == "done"
    assert cut_short > KILLS // 4, "too few were killed in the middle to mean anything"


def _begin(script, url, name, resume):
    command = [sys.executable, "-c", PROGRAM, script.base_url, url, name, resume]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
