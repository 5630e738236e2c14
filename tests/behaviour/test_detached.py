"""Answers without a reader: started, followed, stopped and resumed, in and across processes."""

import asyncio
import multiprocessing
import os
import threading
import time

import pytest

from holysheep_core import (
    AnswerExistsError,
    AnswerStoppedError,
    ConfigurationError,
    JournalError,
    StreamingRetryHandler,
)
from holysheep_core.simulator import cut, refuse, stall
from support.calls import ASK, MODEL
from support.detached import die_in_the_middle
from support.journals import LONG, handler, journal
from support.waiting import wait_until


def started(client, name, **params):
    assert client.start(MODEL, ASK, call_id=name, **params) == name


def text_of(client, name):
    return "".join(client.follow(name))


def follow(client, name):
    """What a reader gets, and the error at its end."""
    got = ""
    try:
        for text in client.follow(name):
            got += text
    except JournalError as error:
        return got, error
    return got, None


def test_an_answer_is_generated_without_a_reader_and_followed_by_many(play, url, name):
    script = play(text=LONG, delay=0.0005, faults=[cut(30), cut(80)])
    client = handler(script, journal(url))
    started(client, name)
    assert client.status(name).state == "running"
    others = [handler(script, journal(url)) for _ in range(3)]
    texts = []
    threads = [
        threading.Thread(target=lambda each=each: texts.append(text_of(each, name)))
        for each in (client, *others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert texts == [LONG] * 4
    assert client.status(name).state == "done"


def test_an_answer_is_generated_in_a_task(play, url, name):
    script = play(text=LONG, delay=0.0005, faults=[cut(30)])

    async def run():
        async with handler(script, journal(url)) as client:
            assert await client.astart(MODEL, ASK, call_id=name) == name
            texts = [text async for text in client.afollow(name)]
            state = (await client.astatus(name)).state
            return "".join(texts), state

    assert asyncio.run(run()) == (LONG, "done")


def test_a_reader_may_come_late_and_begin_anywhere(play, url, name):
    client = handler(play(text=LONG), journal(url))
    started(client, name)
    assert text_of(client, name) == LONG
    assert "".join(client.follow(name, offset=100)) == LONG[100:]


def test_the_last_thing_a_follower_gets_is_the_completion_with_its_tool_calls(play, url, name):
    script = play(text="Let me see. ", tool_calls=[("look", '{"at": "양"}')])
    client = handler(script, journal(url))
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    started(client, name, tools=tools)
    *_, delta, completion = client.follow_deltas(name)
    assert completion.text == "Let me see. "
    assert delta.tool_calls == completion.tool_calls  # as in a stream of one's own
    assert [call.name for call in completion.tool_calls] == ["look"]


@pytest.mark.parametrize("where", ["the same client", "another client"])
@pytest.mark.parametrize("when", ["while text comes", "while the server is silent", "in a backoff"])
def test_a_stop_closes_the_connection_within_a_second_and_what_came_stays(
    play, url, name, where, when
):
    faults = {
        "while text comes": [],
        "while the server is silent": [stall(200, times=None)],
        "in a backoff": [cut(200), refuse(429, retry_after=4, times=None)],
    }[when]
    script = play(text=LONG, delay=0.005, faults=faults)
    client = handler(script, journal(url))
    started(client, name)
    wait_until(lambda: len("".join(t for t, _ in journal(url).read(name).pieces)) >= 100)
    if when == "in a backoff":
        wait_until(lambda: len(script.requests) >= 2)
    at = time.monotonic()
    assert (client if where == "the same client" else handler(script, journal(url))).stop(name)
    wait_until(lambda: not threads_at_work(), seconds=1.5)
    if when != "in a backoff":
        wait_until(lambda: script.requests[0].client_gone, seconds=1.5)
        assert script.requests[0].gone_at - at < 1.0
    got, error = follow(client, name)
    assert isinstance(error, AnswerStoppedError)
    assert LONG.startswith(got)
    assert len(got) >= 100
    assert client.status(name).state == "stopped"
    assert name not in client.unfinished()


def threads_at_work():
    """Threads of detached answers that still have something to do."""
    return [
        each
        for each in threading.enumerate()
        if each.name.startswith("holysheep-answers") and each.is_alive() and _is_busy(each)
    ]


def _is_busy(thread):
    import sys
    import traceback

    frame = sys._current_frames().get(thread.ident)
    return frame is not None and any("_exhaust" in line for line in traceback.format_stack(frame))


def test_a_stop_in_mid_call_raises_in_the_reader_of_an_ordinary_stream_too(play, url, name):
    script = play(text=LONG, delay=0.005)
    client = handler(script, journal(url))
    stream, got = client.stream_with_retry(MODEL, ASK, call_id=name), ""
    with pytest.raises(AnswerStoppedError) as stopped:
        for text in stream:
            got += text
            if len(got) > 100 and client.status(name).state == "running":
                client.stop(name)
    assert stopped.value.partial == got
    assert LONG.startswith(got)


def test_a_complete_answer_cannot_be_stopped_and_an_unknown_one_is_an_error(play, url, name):
    client = handler(play(text=LONG), journal(url))
    client.complete(MODEL, ASK, call_id=name)
    assert client.stop(name) is False
    assert client.status(name).state == "done"
    with pytest.raises(JournalError, match="no answer called"):
        client.stop("nobody")
    with pytest.raises(JournalError, match="no answer called"):
        client.status("nobody")


def test_a_stopped_answer_is_completed_only_for_who_asks(play, url, name):
    script = play(text=LONG, delay=0.002)
    client = handler(script, journal(url))
    started(client, name)
    wait_until(lambda: len(journal(url).read(name).pieces) > 3)
    client.stop(name)
    wait_until(lambda: not threads_at_work())
    assert client.take_up(name) is False
    assert "".join(client.resume(name)) == LONG


def test_a_failed_answer_says_why(play, url, name):
    client = handler(play(faults=[refuse(400, message="no such thing", times=None)]), journal(url))
    started(client, name)
    wait_until(lambda: client.status(name).state == "failed")
    assert "no such thing" in client.status(name).error
    assert client.status(name).detached


def test_a_name_is_taken_once_unless_the_same_answer_is_meant(play, url, name):
    script = play(text=LONG, delay=0.001)
    client = handler(script, journal(url))
    started(client, name)
    with pytest.raises(AnswerExistsError):
        client.start(MODEL, ASK, call_id=name)
    assert text_of(client, name) == LONG
    started(client, name, if_exists="resume")
    assert len(script.requests) == 1


def test_without_a_journal_nothing_is_started():
    client = StreamingRetryHandler("k")
    with pytest.raises(ConfigurationError, match="no journal"):
        client.start(MODEL, ASK)


# -- across processes -----------------------------------------------------------------------


@pytest.fixture
def orphan(play, url, name):
    """An answer whose process died in the middle of it."""
    script = play(text=LONG, delay=0.002)
    spawn = multiprocessing.get_context("spawn")
    worker = spawn.Process(target=die_in_the_middle, args=(script.base_url, url, name))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 9
    return script


def test_an_orphan_is_known_and_taken_up_once(orphan, url, name):
    kept = journal(url)
    wait_until(lambda: kept.status(name).state == "orphaned")
    assert kept.orphans() == [name] or name in kept.orphans()
    _, pid = kept.status(name).owner.split(":")
    assert int(pid) != os.getpid()
    clients = [handler(orphan, journal(url)) for _ in range(2)]
    taken = [client.take_up(name) for client in clients]
    assert taken.count(True) == 1
    assert text_of(clients[0], name) == LONG
    assert len(orphan.requests) == 2


def test_a_follower_of_an_orphan_waits_for_who_takes_it_up(orphan, url, name):
    reader, texts = handler(orphan, journal(url)), []
    thread = threading.Thread(target=lambda: texts.append(text_of(reader, name)))
    thread.start()
    wait_until(lambda: journal(url).status(name).state == "orphaned")
    time.sleep(0.3)
    assert handler(orphan, journal(url)).take_up(name)
    thread.join(30)
    assert texts == [LONG]


def test_a_client_that_is_closed_leaves_its_threads_answers_to_the_next(play, url, name):
    script = play(text=LONG, delay=0.004)
    client = handler(script, journal(url))
    started(client, name)
    wait_until(lambda: len(journal(url).read(name).pieces) >= 3)
    client.close()
    assert journal(url).status(name).state == "orphaned"
    wait_until(lambda: not threads_at_work())
    assert journal(url).status(name).state == "orphaned"
    following = handler(script, journal(url))
    assert following.take_up(name)
    assert text_of(following, name) == LONG


def test_a_task_that_is_cancelled_leaves_its_answer_to_the_next(play, url, name):
    script = play(text=LONG, delay=0.002)

    async def run():
        client = handler(script, journal(url))
        await client.astart(MODEL, ASK, call_id=name)
        while len(journal(url).read(name).pieces) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    asyncio.run(run())  # which cancels what is left
    kept = journal(url)
    wait_until(lambda: kept.status(name).state == "orphaned")
    client = handler(script, kept)
    assert client.take_up(name)
    assert text_of(client, name) == LONG


async def test_an_orphan_is_taken_up_in_a_task(orphan, url, name):
    kept = journal(url)
    await asyncio.to_thread(wait_until, lambda: kept.status(name).state == "orphaned")
    async with handler(orphan, journal(url)) as client, handler(orphan, journal(url)) as other:
        assert await client.atake_up(name)
        assert not await other.atake_up(name)
        assert "".join([text async for text in other.afollow(name)]) == LONG


async def test_a_client_that_is_closed_leaves_its_tasks_answers_to_the_next(play, url, name):
    script, kept = play(text=LONG, delay=0.002), journal(url)
    async with handler(script, journal(url)) as client:
        await client.astart(MODEL, ASK, call_id=name)
        await asyncio.to_thread(wait_until, lambda: len(kept.read(name).pieces) > 2)
    assert kept.status(name).state == "orphaned"
    async with handler(script, journal(url)) as client:
        assert await client.atake_up(name)
        assert "".join([text async for text in client.afollow(name)]) == LONG
