"""No store is asked on an event loop, however slow it is and however a call ends."""

import asyncio
import threading
import time

import pytest

from holysheep_core import HolySheepError, Journal, StreamingRetryHandler
from holysheep_core.journal.sqlite import SQLiteStore
from holysheep_core.simulator import refuse, stall

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
ASKED = ("begin", "claim", "append", "end", "read", "forget", "unfinished")


def on_a_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """A journal whose store notes who asks it on an event loop, and takes its time."""
    made = Journal(f"sqlite:///{tmp_path / 'answers.db'}", interval=0.05)
    made.asked_on_a_loop, made.slow = [], 0.0
    for name in ASKED:
        whole = getattr(SQLiteStore, name)

        def noting(self, *args, name=name, whole=whole, **settings):
            if on_a_loop():
                made.asked_on_a_loop.append(name)
            elif threading.current_thread() is not made.thread:
                time.sleep(made.slow)
            return whole(self, *args, **settings)

        monkeypatch.setattr(SQLiteStore, name, noting)
    return made


async def whole(handler, name):
    return [token async for token in handler.astream_with_retry(*ASK, call_id=name)]


async def left(handler, name):
    stream = handler.astream_with_retry(*ASK, call_id=name)
    await anext(stream)
    await stream.aclose()


async def cancelled(handler, name):
    task = asyncio.create_task(whole(handler, name))
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def failed(handler, name):
    with pytest.raises(HolySheepError):
        await whole(handler, name)


async def resumed(handler, name):
    await left(handler, name)
    return [token async for token in handler.aresume(name)]


async def followed(handler, name):
    await whole(handler, name)
    return [token async for token in handler.afollow(name)]


ENDS = {
    whole: (),
    left: (stall(5, 0.5),),
    cancelled: (stall(5, 5),),
    failed: (refuse(400),),
    resumed: (stall(5, 0.2),),
    followed: (),
}


@pytest.mark.parametrize("slow", [0.0, 0.3])
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_no_store_is_asked_on_the_loop_and_the_loop_never_stops(play, journal, end, slow):
    journal.slow, lag, over = slow, [], asyncio.Event()

    async def watch():
        while not over.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            lag.append(time.monotonic() - before)

    watching = asyncio.create_task(watch())
    script = play(faults=list(ENDS[end]))
    async with StreamingRetryHandler("k", base_url=script.base_url, journal=journal) as handler:
        await end(handler, "answer")
    over.set()
    await watching
    assert journal.asked_on_a_loop == []
    assert slow == 0.0 or max(lag) < slow
