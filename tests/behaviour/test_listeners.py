"""A listener's failure never ends a call, is logged once, and leaves nothing running."""

import asyncio
import logging
import time

import httpx
import pytest

from holysheep_core import (
    APIGateway,
    FirstToken,
    Observer,
    Provider,
    RequestSent,
    StillWaiting,
    StreamCompleted,
    StreamingRetryHandler,
)
from holysheep_core.simulator import cut, stall

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])


def complete(handler, use_async):
    if not use_async:
        with handler:
            return handler.complete(*ASK)

    async def run():
        async with handler:
            return await handler.acomplete(*ASK)

    return asyncio.run(run())


def failures(caplog):
    return [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("use_async", [False, True])
@pytest.mark.parametrize("kind", [RequestSent, FirstToken, StreamCompleted, StillWaiting])
def test_an_event_listener_that_raises_is_logged_once_and_the_answer_is_whole(
    play, text, caplog, monkeypatch, kind, use_async
):
    monkeypatch.setattr("holysheep_core.engine.clocks.HEARTBEAT", 0.05)

    def fail(event):
        if isinstance(event, kind):
            raise httpx.ConnectError("webhook down")

    script = play(faults=[cut(at=20), stall(5, 1.0)])
    handler = StreamingRetryHandler("k", base_url=script.base_url, on_event=fail)
    assert complete(handler, use_async).text == text
    [record] = failures(caplog)
    assert record.name == "holysheep"
    assert "test_an_event_listener" in record.getMessage()
    assert isinstance(record.exc_info[1], httpx.ConnectError)


class Broken(Observer):
    def call_began(self, call_id, request):
        raise KeyError("began")

    def happened(self, event):
        raise KeyError("happened")

    def call_ended(self, record, answer):
        raise KeyError("ended")


@pytest.mark.parametrize("use_async", [False, True])
def test_an_observer_that_raises_everywhere_changes_no_answer(play, text, caplog, use_async):
    script = play(faults=[cut(at=20)])
    handler = StreamingRetryHandler("k", base_url=script.base_url, observers=[Broken()])
    assert complete(handler, use_async).text == text
    said = sorted(str(record.exc_info[1]) for record in failures(caplog))
    assert said == ["'began'", "'ended'", "'happened'"]


def test_a_listener_of_a_gateway_that_raises_does_not_undo_a_switch(caplog):
    def fail(event):
        raise KeyError("mine")

    providers = [Provider("k", "https://one.test/v1", name=name) for name in ("a", "b")]
    gateway = APIGateway(providers, health_check=None, on_event=fail)
    gateway.switch_to("b")
    assert gateway.active == "b"
    assert len(failures(caplog)) == 1


async def test_what_a_coroutine_listener_raises_is_logged_and_the_answer_is_whole(
    play, text, caplog
):
    async def fail(event):
        await asyncio.sleep(0)
        raise KeyError("mine")

    script = play(faults=[cut(at=20)])
    async with StreamingRetryHandler("k", base_url=script.base_url, on_event=fail) as handler:
        assert (await handler.acomplete(*ASK)).text == text
    assert len(failures(caplog)) == 1


@pytest.mark.parametrize("leave", ["close", "cancel"])
async def test_a_reader_who_leaves_leaves_no_listener_running(play, caplog, leave):
    running, started = [], asyncio.Event()

    async def listen(event):
        running.append(event)
        started.set()
        try:
            if len(running) == 1:
                raise KeyError("mine")
            await asyncio.sleep(30)
        finally:
            running.remove(event)

    caplog.set_level(logging.ERROR, "holysheep")
    before = asyncio.all_tasks()
    script = play(faults=[stall(10)])
    handler = StreamingRetryHandler("k", base_url=script.base_url, on_event=listen)
    stream = handler.astream_with_retry(*ASK)

    async def read():
        async for _ in stream:
            pass

    begun = time.monotonic()
    if leave == "close":
        await anext(stream)
        await stream.aclose()
    else:
        task = asyncio.create_task(read())
        await started.wait()
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.05)
    assert time.monotonic() - begun < 3
    assert not running
    assert asyncio.all_tasks() <= before
    assert len(failures(caplog)) == 1  # what the first one raised is not lost
    await handler.aclose()


def test_what_on_token_raises_is_raised_since_it_is_the_readers(play):
    def fail(token):
        raise KeyError("mine")

    handler = StreamingRetryHandler("k", base_url=play().base_url)
    with handler, pytest.raises(KeyError, match="mine"):
        handler.complete(*ASK, on_token=fail)


@pytest.mark.parametrize("use_async", [False, True])
def test_a_parameter_that_is_no_json_is_refused_at_once(use_async):
    from holysheep_core import ConfigurationError

    handler = StreamingRetryHandler("k", base_url="http://127.0.0.1:9/v1")
    ask = handler.astream_with_retry if use_async else handler.stream_with_retry
    with pytest.raises(ConfigurationError, match="JSON"):
        ask(*ASK, user=object())
