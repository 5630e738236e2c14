"""Many readers of one answer: one look at the store for all of them."""

import asyncio
import threading
import time

import msgspec
import pytest

from holysheep_core import JournalError
from holysheep_core.journal import following
from holysheep_core.journal.backend import StoredAnswer
from holysheep_core.journal.following import POLL, Followers
from holysheep_core.types import ChatRequest
from support.waiting import wait_until

REQUEST = msgspec.json.encode(ChatRequest("m", []))
DETACHED = msgspec.json.encode(ChatRequest("m", [], detached=True))


class Store:
    """An answer that grows."""

    def __init__(self, request=REQUEST):
        self.request = request
        self.pieces = []
        self.state, self.lease = "open", 5.0
        self.looks = 0
        self.error = None

    def read(self, _call_id, skip):
        self.looks += 1
        if self.error is not None:
            raise self.error
        return StoredAnswer(self.state, self.request, self.pieces[skip:], self.lease)

    def write(self, *texts):
        self.pieces += [(text, "") for text in texts]

    def end(self, state="done", lease=0.0):
        self.state, self.lease = state, lease


def texts(pieces):
    return "".join(text for each in pieces for text, _ in each)


def test_a_thousand_readers_cost_one_look_at_a_time():
    store = Store()
    followers, got = Followers(store.read), []
    threads = [
        threading.Thread(target=lambda: got.append(texts(followers.watch("a"))))
        for _ in range(1000)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for number in range(20):
        store.write(f"{number} ")
        time.sleep(0.02)
    store.end()
    for thread in threads:
        thread.join(30)
    assert got == ["".join(f"{number} " for number in range(20))] * 1000
    assert store.looks <= (time.monotonic() - began) / POLL + 2


async def test_tasks_and_threads_read_the_same_answer():
    store = Store()
    followers = Followers(store.read)

    async def read():
        return texts([pieces async for pieces in followers.awatch("a")])

    tasks = [asyncio.create_task(read()) for _ in range(100)]
    in_thread = asyncio.create_task(asyncio.to_thread(lambda: texts(followers.watch("a"))))
    await asyncio.sleep(0.1)
    store.write("one ", "two")
    await asyncio.sleep(0.1)
    store.end()
    assert await asyncio.gather(*tasks, in_thread) == ["one two"] * 101


def test_a_slow_reader_delays_nobody_and_gets_all():
    store = Store()
    followers = Followers(store.read)
    slow = followers.watch("a")
    store.write("one ")
    assert next(slow) == [("one ", "")]
    store.write("two ", "three")
    store.end()
    assert texts(followers.watch("a")) == "one two three"
    assert texts(slow) == "two three"


def test_a_reader_who_comes_after_an_answer_was_resumed_does_not_get_its_old_end():
    store = Store()
    followers = Followers(store.read)
    slow = followers.watch("a")
    store.write("one ")
    assert next(slow) == [("one ", "")]
    store.end("failed")
    wait_until(lambda: followers._followed["a"].is_over)
    store.end("open", lease=5.0)  # somebody resumes it, while the slow reader still has its text
    later = followers.watch("a")
    assert next(later) == [("one ", "")]
    store.write("two")
    assert next(later) == [("two", "")]
    store.end()
    assert list(later) == []
    assert list(slow) == []


def test_an_error_of_the_store_reaches_every_reader():
    store = Store()
    store.error = JournalError("away")
    followers = Followers(store.read)
    for _ in range(2):
        with pytest.raises(JournalError, match="away"):
            list(followers.watch("a"))


def test_any_exception_reaches_the_readers_as_ours():
    store = Store()
    store.error = ZeroDivisionError("odd")
    with pytest.raises(JournalError, match="cannot be read: odd"):
        list(Followers(store.read).watch("a"))


def test_the_thread_ends_with_its_last_reader_and_begins_again():
    store = Store()
    followers = Followers(store.read)
    reader = followers.watch("a")
    store.write("one")
    next(reader)
    reader.close()
    wait_until(lambda: followers._thread is None)
    looks = store.looks
    store.end()
    assert texts(followers.watch("a")) == "one"
    assert store.looks > looks


@pytest.mark.parametrize(("request_", "waits"), [(REQUEST, False), (DETACHED, True)])
def test_readers_of_a_detached_answer_wait_for_who_takes_it_up(monkeypatch, request_, waits):
    monkeypatch.setattr(following, "GRACE", 0.5)
    store = Store(request_)
    store.write("one ")
    store.end("open", lease=-0.1)
    followers = Followers(store.read)
    if not waits:
        assert texts(followers.watch("a")) == "one "
        return
    reader = followers.watch("a")
    assert next(reader) == [("one ", "")]
    store.lease = 5.0
    store.write("two")
    assert next(reader) == [("two", "")]
    store.end("open", lease=-0.6)
    assert list(reader) == []
