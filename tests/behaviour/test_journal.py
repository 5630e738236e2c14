"""An answer that survives its process: kept, resumed whole and once, followed, never shared."""

import asyncio
import multiprocessing
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
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
from support.journals import ASK, LONG, handler, journal


def test_an_answer_left_in_the_middle_is_given_from_its_beginning_and_then_goes_on(play, url, name):
    script = play(text=LONG, delay=0.0005)
    first = handler(script, journal(url))
    stream = first.stream_with_retry("gpt-4.1", ASK, call_id=name)
    seen = "".join(next(stream) for _ in range(40))
    stream.close()
    again = handler(script, journal(url))
    assert again.unfinished() == [name] or name in again.unfinished()
    kept = "".join(text for text, _ in journal(url).read(name).pieces)
    assert kept.startswith(seen)  # and what the same read of the socket brought besides
    assert "".join(again.resume(name)) == LONG
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
    with pytest.raises(JournalError, match=r"Call resume\(.*`holysheep worker`"):
        for text in handler(script, journal(url)).follow(name):
            heard.append(text)
    # One read of the socket may bring more than the reader took.
    assert LONG.startswith("".join(heard))
    assert "".join(heard).startswith(seen)


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


def test_without_a_journal_the_error_says_what_to_give(play):
    client = StreamingRetryHandler("k", base_url=play().base_url)
    for call in (client.resume, client.follow):
        with pytest.raises(ConfigurationError, match="journal='sqlite"):
            call("x")
    with pytest.raises(ConfigurationError, match="journal"):
        client.unfinished()


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


def test_a_request_that_is_no_json_is_refused_before_anything_is_sent(play, url, name):
    script = play(text=LONG)
    with pytest.raises(ConfigurationError):
        request = ChatRequest("m", ASK, {"extra": object()}, (), name)
        list(handler(script, journal(url)).stream(request))
    assert not script.requests
