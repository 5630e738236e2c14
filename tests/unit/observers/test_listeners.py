"""Listeners get every event in order, and their errors do not end the call."""

import asyncio
import logging

import pytest

from holysheep_core.events import FirstToken
from holysheep_core.observers import listeners
from holysheep_core.observers.listeners import AsyncListeners, Guard, Listeners

EVENT = FirstToken("c", 0.0, 1, 0.5)


def broken(*_):
    raise ValueError("no")


def test_a_guard_returns_what_its_function_returns():
    assert Guard(max)(3, 5) == 5


def test_a_guards_first_failure_is_logged_with_its_traceback_and_later_ones_are_not(caplog):
    guard = Guard(broken)
    assert [guard(1), guard(2)] == [None, None]
    [record] = caplog.records
    assert (record.name, record.levelno) == ("holysheep", logging.ERROR)
    assert record.getMessage() == "The listener broken failed; the call continues."
    assert isinstance(record.exc_info[1], ValueError)


def test_a_guard_does_not_stop_the_end_of_a_program():
    def leave():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guard(leave)()


async def test_a_failed_coroutine_is_logged_too(caplog):
    async def fail():
        raise ValueError("no")

    guard = Guard(fail)
    for _ in range(2):
        task = asyncio.ensure_future(guard())
        await asyncio.wait([task])
        guard.finished(task)
    assert len(caplog.records) == 1


def test_an_event_reaches_all_listeners_in_order_also_after_a_failure():
    seen = []
    send = Listeners([Guard(lambda e: seen.append((1, e))), Guard(broken), Guard(seen.append)])
    send(EVENT)
    assert seen == [(1, EVENT), EVENT]


# -- asyncio --------------------------------------------------------------------------------


class Slow:
    """A coroutine function that waits, and notes how it ended."""

    def __init__(self, seconds=0.05):
        self.seconds = seconds
        self.outcomes = []

    async def __call__(self, event):
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.outcomes.append("cancelled")
            raise
        self.outcomes.append(event)


async def test_plain_and_coroutine_functions_get_the_same_events():
    slow, seen = Slow(), []
    async with AsyncListeners([Guard(slow), Guard(seen.append)]) as send:
        send(EVENT)
        assert (slow.outcomes, seen) == ([], [EVENT])  # the call does not wait
        await send.done()
        assert slow.outcomes == [EVENT]


async def test_the_end_of_a_call_waits_for_listeners():
    slow = Slow()
    async with AsyncListeners([Guard(slow)]) as send:
        send(EVENT)
    assert slow.outcomes == [EVENT]


async def test_an_error_of_the_call_waits_for_listeners_too():
    slow = Slow()
    with pytest.raises(ValueError, match="no"):
        async with AsyncListeners([Guard(slow)]) as send:
            send(EVENT)
            broken()
    assert slow.outcomes == [EVENT]


async def test_a_reader_who_leaves_waits_for_a_limited_time(monkeypatch):
    monkeypatch.setattr(listeners, "_LEAVING", 0.1)
    quick, slow = Slow(0.01), Slow(60)
    with pytest.raises(GeneratorExit):
        async with AsyncListeners([Guard(quick), Guard(slow)]) as send:
            send(EVENT)
            raise GeneratorExit
    await asyncio.sleep(0)
    assert (quick.outcomes, slow.outcomes) == ([EVENT], ["cancelled"])


async def test_a_cancelled_call_cancels_its_listeners():
    slow = Slow(60)

    async def call():
        async with AsyncListeners([Guard(slow)]) as send:
            send(EVENT)
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert slow.outcomes == ["cancelled"]
