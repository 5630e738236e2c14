"""An answer that survives its process: kept, taken up again whole and once, followed, never shared."""

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
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import redis
from langchain_core.messages import AIMessageChunk
from llama_index.core.llms import ChatMessage

from holysheep_core import (
    AnswerInUseError,
    ChatRequest,
    ConfigurationError,
    HolySheepError,
    Journal,
    JournalError,
    StreamingRetryHandler,
)
from holysheep_core.simulator import cut, refuse
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

ASK = [{"role": "user", "content": "Tell me of sheep."}]
LONG = "".join(
    f"{number}. 양 한 마리가 울타리를 넘었다; sheep number {number}.\n" for number in range(60)
)


@pytest.fixture(params=["sqlite", "redis"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/answers.db"
    return request.getfixturevalue("redis_url")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    path = tmp_path_factory.mktemp("redis") / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not path.exists():
            time.sleep(0.01)
        yield f"unix://{path}"
        process.kill()


def journal(url, **settings):
    return Journal(url, **{"interval": 0.02, "lease": 0.5, **settings})


def handler(script, kept, **settings):
    return StreamingRetryHandler(
        "k", base_url=script.base_url, journal=kept, fallback_models=[], **settings
    )


NAMES = iter(range(10**6))


@pytest.fixture
def name():
    return f"answer-{os.getpid()}-{next(NAMES)}-{random.random()}"


def test_an_answer_left_in_the_middle_is_given_from_its_beginning_and_then_goes_on(play, url, name):
    script = play(text=LONG, delay=0.0005)
    first = handler(script, journal(url))
    stream = first.stream_with_retry("gpt-4.1", ASK, call_id=name)
    seen = "".join(next(stream) for _ in range(40))
    stream.close()
    again = handler(script, journal(url))
    assert again.unfinished() == [name] or name in again.unfinished()
    pieces = list(again.resume(name))
    assert pieces[0] == seen
    assert "".join(pieces) == LONG
    assert len(script.requests) == 2
    assert name not in again.unfinished()


def test_the_reader_says_how_much_it_has(play, url, name):
    script = play(text=LONG, delay=0.0005)
    stream = handler(script, journal(url)).stream_with_retry("gpt-4.1", ASK, call_id=name)
    seen = "".join(next(stream) for _ in range(60))
    stream.close()
    has = len(seen) - 25
    assert seen[:has] + "".join(handler(script, journal(url)).resume(name, offset=has)) == LONG


def shown_beyond_the_journal(play, url, name):
    """A process dies when its reader has more than the journal; returns script and reader's text."""
    script = play(text=LONG, delay=0.002)
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()

    def die():
        kept, got = journal(url), ""
        for text in handler(script, kept).stream_with_retry("gpt-4.1", ASK, call_id=name):
            got += text
            if len(got) >= 200:  # its next write comes too late
                kept.store.append = lambda *_: time.sleep(60)
            if len(got) >= 400:
                there.send(got)
                os._exit(9)

    worker = fork.Process(target=die)
    worker.start()
    got = here.recv()
    worker.join()
    assert len("".join(text for text, _ in journal(url).read(name).pieces)) < len(got)
    return script, got


# Where Python warns that a process with threads forks.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("use_async", [False, True])
def test_a_reader_who_has_more_than_the_journal_gives_it_and_has_the_answer_once(
    play, url, name, use_async
):
    script, got = shown_beyond_the_journal(play, url, name)
    client = handler(script, journal(url))
    with pytest.raises(JournalError, match=r"seen=…, or begin at offset=0"):
        list(client.resume(name, offset=len(got)))
    with pytest.raises(JournalError, match="not the beginning of this answer"):
        list(client.resume(name, seen="Another text" + got))

    async def rest():
        async with handler(script, journal(url)) as again:
            return "".join([text async for text in again.aresume(name, seen=got)])

    after = asyncio.run(rest()) if use_async else "".join(client.resume(name, seen=got))
    assert got + after == LONG
    assert "".join(client.follow(name)) == LONG
    assert "".join(client.resume(name, seen=got)) == after


def test_no_such_offset_and_no_such_name_are_refused(play, url, name):
    client = handler(play(), journal(url))
    with pytest.raises(ConfigurationError, match="offset=-5"):
        client.resume(name, offset=-5)
    with pytest.raises(ConfigurationError, match="offset and seen say the same thing"):
        client.resume(name, offset=5, seen="01234")
    with pytest.raises(ConfigurationError, match="call_id=17: needs a str"):
        client.stream_with_retry("gpt-4.1", ASK, call_id=17)


def test_a_callback_hears_of_an_answer_taken_up(play, url, name):
    script, heard = play(text=LONG, delay=0.0005), []
    settings = {"model": "gpt-4.1", "api_key": "k", "fallback_models": []}
    llm = ChatHolySheep(
        base_url=script.base_url, journal=journal(url), on_token=heard.append, **settings
    )
    stream = llm.stream("go", call_id=name)
    next(stream)
    stream.close()
    heard.clear()
    assert "".join(chunk.text for chunk in llm.resume_stream(name)) == LONG == "".join(heard)


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
    assert "written anew" in caplog.text
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


def test_a_name_whose_answer_failed_with_nothing_written_may_be_given_again(play, url, name):
    script, kept = play(text=LONG, faults=[refuse(400)]), journal(url)
    settings = {"model": "gpt-4.1", "api_key": "k", "fallback_models": []}
    first, second = (
        ChatHolySheep(base_url=script.base_url, journal=kept, **settings) for _ in range(2)
    )
    both = first.with_fallbacks([second])
    assert both.invoke("go", call_id=name).text == LONG
    with pytest.raises(JournalError, match="has an answer called"):
        both.invoke("go", call_id=name)


def test_an_answer_that_is_done_is_given_without_asking_anyone(play, url, name):
    script = play(text=LONG)
    first = handler(script, journal(url))
    whole = first.complete("gpt-4.1", ASK, call_id=name)
    again = handler(script, journal(url))
    assert "".join(again.resume(name)) == LONG
    assert "".join(again.resume(name, offset=100)) == LONG[100:]
    assert list(again.stream_again(name))[-1] == whole
    assert len(script.requests) == 1


def test_a_call_that_failed_can_be_taken_up_again(play, url, name):
    script = play(text=LONG, faults=[cut(700, "fin"), refuse(500, times=2)])
    with pytest.raises(HolySheepError) as caught:
        handler(script, journal(url), max_retries=1).complete("gpt-4.1", ASK, call_id=name)
    assert caught.value.partial == LONG[:700]
    assert "".join(handler(script, journal(url)).resume(name)) == LONG


async def test_async_calls_are_kept_and_taken_up_alike(play, url, name):
    script = play(text=LONG, delay=0.0005)
    async with handler(script, journal(url)) as first:
        stream = first.astream_with_retry("gpt-4.1", ASK, call_id=name)
        seen = "".join([await anext(stream) for _ in range(40)])
        await stream.aclose()
    async with handler(script, journal(url)) as again:
        assert "".join([text async for text in again.aresume(name)]) == LONG
        assert "".join([text async for text in again.afollow(name)]) == LONG
        assert [text async for text in again.aresume(name, offset=len(seen))] == [LONG[len(seen) :]]


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


@pytest.mark.parametrize("moment", ["at what was there", "later"])
@pytest.mark.parametrize("use_async", [False, True])
def test_who_leaves_an_answer_taken_up_gives_it_back(play, url, name, moment, use_async):
    script = play(text=LONG, delay=0.0005)
    settings = {"lease": 60}  # longer than this test may take
    stream = handler(script, journal(url)).stream_with_retry("gpt-4.1", ASK, call_id=name)
    next(stream)
    stream.close()
    pieces = 1 if moment == "at what was there" else 20

    async def aleave():
        async with handler(script, journal(url, **settings)) as second:
            stream = second.aresume(name)
            for _ in range(pieces):
                await anext(stream)
            await stream.aclose()

    if use_async:
        asyncio.run(aleave())
    else:
        stream = handler(script, journal(url, **settings)).resume(name)
        for _ in range(pieces):
            next(stream)
        stream.close()
    third = handler(script, journal(url))
    assert name in third.unfinished()
    assert "".join(third.resume(name)) == LONG


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
    assert kept.unfinished() == [name]
    assert not script.requests
    assert "".join(handler(script, kept).resume(name)) == LONG


def test_a_task_cancelled_while_the_end_is_written_leaves_an_answer_that_is_done(play, url, name):
    script, kept = play(text=LONG[:100]), journal(url, lease=60)
    heard, whole, released = [], asyncio.Event(), threading.Event()

    def on_token(text):
        heard.append(text)
        if "".join(heard) == LONG[:100]:
            whole.set()
            asyncio.get_running_loop().run_in_executor(None, released.wait)

    async def main():
        # One thread, which has something else to do.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
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


def test_an_answer_that_is_done_while_one_waits_to_take_it_up_is_given_as_it_is(play, url, name):
    script = play(text=LONG, delay=0.002)
    first = handler(script, journal(url)).stream_with_retry("gpt-4.1", ASK, call_id=name)
    next(first)
    rest = threading.Thread(target=list, args=(first,))
    rest.start()
    assert "".join(handler(script, journal(url, lease=30)).resume(name)) == LONG
    rest.join()
    assert len(script.requests) == 1


def test_many_readers_follow_one_answer_from_wherever_they_are(play, url, name):
    script = play(text=LONG, delay=0.002)
    writer = handler(script, journal(url))
    begun, heard = threading.Event(), {}

    def write():
        for _ in writer.stream_with_retry("gpt-4.1", ASK, call_id=name):
            begun.set()

    def read(offset):
        heard[offset] = "".join(handler(script, journal(url)).follow(name, offset=offset))

    threads = [threading.Thread(target=write)]
    threads[0].start()
    assert begun.wait(10)
    threads += [threading.Thread(target=read, args=(offset,)) for offset in (0, 7, 500)]
    for each in threads[1:]:
        each.start()
    for each in threads:
        each.join(30)
    assert heard == {offset: LONG[offset:] for offset in (0, 7, 500)}
    assert len(script.requests) == 1


def test_an_answer_that_somebody_writes_is_not_taken(play, url, name):
    script = play(text=LONG, delay=0.005)
    stream = handler(script, journal(url)).stream_with_retry("gpt-4.1", ASK, call_id=name)
    seen = next(stream)
    with pytest.raises(AnswerInUseError, match="Follow it"):
        next(handler(script, journal(url)).resume(name))
    assert seen + "".join(stream) == LONG


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


def test_a_name_is_given_once(play, url, name):
    script = play(text=LONG)
    client = handler(script, journal(url))
    client.complete("gpt-4.1", ASK, call_id=name)
    with pytest.raises(JournalError, match="take another name"):
        client.complete("gpt-4.1", ASK, call_id=name)
    with pytest.raises(JournalError, match="no answer called"):
        list(client.resume("never-begun"))
    with pytest.raises(JournalError, match="no answer called"):
        list(client.follow("never-begun"))


def test_an_answer_nobody_goes_on_with_is_said_to_be_so(play, url, name):
    script = play(text=LONG, delay=0.0005)
    stream = handler(script, journal(url)).stream_with_retry("gpt-4.1", ASK, call_id=name)
    seen = "".join(next(stream) for _ in range(30))
    stream.close()
    heard = []
    with pytest.raises(JournalError, match="Resume it"):
        for text in handler(script, journal(url)).follow(name):
            heard.append(text)
    assert "".join(heard) == seen


def test_with_no_interval_text_is_written_before_it_is_shown(play, url, name):
    script = play(text=LONG, delay=0.0005)
    kept = journal(url, interval=0)
    for number, _ in enumerate(handler(script, kept).stream_with_retry("m", ASK, call_id=name)):
        if number % 50 == 0:
            written = "".join(text for text, _ in kept.read(name).pieces)
            assert len(written) > number


@pytest.mark.parametrize("use_async", [False, True])
def test_with_no_interval_a_callback_hears_of_text_that_is_written(play, url, name, use_async):
    script, kept = play(text=LONG[:300]), journal(url, interval=0)
    heard = []

    def on_token(text):
        heard.append(text)
        written = "".join(text for text, _ in kept.read(name).pieces)
        assert written.startswith("".join(heard))

    client = handler(script, kept)
    if use_async:
        asyncio.run(client.acomplete("m", ASK, call_id=name, on_token=on_token))
    else:
        client.complete("m", ASK, call_id=name, on_token=on_token)
    assert "".join(heard) == LONG[:300]


def test_both_frameworks_take_up_where_they_were_left(play, url, name):
    script = play(text=LONG, delay=0.0005)
    settings = {"model": "gpt-4.1", "api_key": "k", "fallback_models": []}
    chat = ChatHolySheep(base_url=script.base_url, journal=journal(url), **settings)
    stream = chat.stream("go", call_id=name)
    seen = "".join(next(stream).text for _ in range(40))
    stream.close()
    merged = AIMessageChunk(content="")
    for chunk in chat.resume_stream(name):
        merged += chunk
    assert merged.text == LONG
    assert merged.response_metadata["finish_reason"] == "stop"
    assert LONG.startswith(seen)

    index = HolySheep(api_base=script.base_url, journal=journal(url), **settings)
    stream = index.stream_chat([ChatMessage(role="user", content="go")], call_id=f"{name}-2")
    for _ in range(40):
        next(stream)
    stream.close()
    responses = list(index.resume_stream_chat(f"{name}-2"))
    assert "".join(response.delta for response in responses) == LONG
    assert responses[-1].message.content == LONG
    assert responses[-1].raw["finish_reason"] == "stop"


async def test_both_frameworks_do_so_in_async_code(play, url, name):
    script = play(text=LONG)
    settings = {"model": "gpt-4.1", "api_key": "k", "fallback_models": []}
    chat = ChatHolySheep(base_url=script.base_url, journal=journal(url), **settings)
    await chat.ainvoke("go", call_id=name)
    assert "".join([chunk.text async for chunk in chat.aresume_stream(name)]) == LONG
    index = HolySheep(api_base=script.base_url, journal=journal(url), **settings)
    stream = await index.aresume_stream_chat(name)
    assert "".join([response.delta async for response in stream]) == LONG


def test_an_answer_nobody_began_cannot_be_taken_up_and_is_not_made_by_trying(play, url, name):
    client = handler(play(), journal(url))
    for take_up in (client.resume, client.follow):
        with pytest.raises(JournalError, match="no answer called"):
            list(take_up(name))
    assert name not in client.unfinished()
    assert client.complete("gpt-4.1", ASK, call_id=name).text


def test_many_that_wait_to_take_up_answers_hold_no_thread(play, url, name):
    script, kept = play(text=LONG, delay=0.002), journal(url, lease=20)
    first = handler(script, kept).stream_with_retry("gpt-4.1", ASK, call_id=name)
    next(first)

    async def main():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
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


def test_without_a_journal_the_error_says_what_to_give(play):
    client = StreamingRetryHandler("k", base_url=play().base_url)
    for call in (client.resume, client.follow):
        with pytest.raises(ConfigurationError, match="journal='sqlite"):
            call("x")
    with pytest.raises(ConfigurationError, match="journal"):
        client.unfinished()


@pytest.mark.parametrize("bad", ["", "answers.db", "sqlite:///", "postgres://x", 7])
def test_a_url_without_a_meaning_is_refused(bad):
    with pytest.raises(ConfigurationError, match="journal"):
        Journal(bad)


def test_the_key_is_not_in_the_journal_and_old_answers_go(play, tmp_path, name):
    path = tmp_path / "answers.db"
    script = play(text=LONG)
    client = StreamingRetryHandler(
        "sk-secret",
        base_url=script.base_url,
        default_headers={"x-team": "sk-secret-too"},
        journal=Journal(f"sqlite:///{path}", keep=1.0),
    )
    client.complete("gpt-4.1", ASK, call_id=name)
    data = b"".join(each.read_bytes() for each in Path(tmp_path).iterdir())
    assert b"sk-secret" not in data
    time.sleep(1.1)
    client.complete("gpt-4.1", ASK, call_id=f"{name}-2")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT call_id FROM answers").fetchall() == [(f"{name}-2",)]


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


def test_a_request_that_is_no_json_is_refused_before_anything_is_sent(play, url, name):
    script = play(text=LONG)
    with pytest.raises(ConfigurationError):
        request = ChatRequest("m", ASK, {"extra": object()}, (), name)
        list(handler(script, journal(url)).stream(request))
    assert not script.requests
