"""The clocks of a read, on our own client and on a user's, and what httpx's errors mean."""

import asyncio
import socket
import time

import httpx
import pytest

from holysheep_core import (
    HolySheepError,
    RetryConfig,
    StillWaiting,
    StreamingRetryHandler,
    Timeouts,
)
from holysheep_core.simulator import slow, stall
from holysheep_core.transport.httpx_client import make_async_client, make_client
from support.calls import ASK


@pytest.mark.parametrize("keepalive", [False, True])
async def test_a_silent_server_is_reported_while_it_is_silent(play, text, keepalive, monkeypatch):
    monkeypatch.setattr("holysheep_core.engine.clocks.HEARTBEAT", 0.1)
    told = []
    timeouts = Timeouts(first_token=30, stall=5)
    for fault in (slow(0.5), stall(20, 0.5, keepalive=keepalive)):
        script = play(faults=[fault])
        handler = StreamingRetryHandler(
            "k", base_url=script.base_url, timeouts=timeouts, on_event=told.append
        )
        with handler:
            assert handler.complete("gpt-4.1", ASK).text == text
        assert 2 <= sum(isinstance(event, StillWaiting) for event in told) <= 5
        assert any("still waiting for content" in str(event) for event in told)
        told.clear()
        async with StreamingRetryHandler(
            "k", base_url=script.base_url, timeouts=timeouts, on_event=told.append
        ) as handler:
            assert (await handler.acomplete("gpt-4.1", ASK)).text == text
        assert not any(isinstance(event, StillWaiting) for event in told)  # the fault is used up
        told.clear()
        script = play(faults=[fault])
        async with StreamingRetryHandler(
            "k", base_url=script.base_url, timeouts=timeouts, on_event=told.append
        ) as handler:
            assert (await handler.acomplete("gpt-4.1", ASK)).text == text
        assert 2 <= sum(isinstance(event, StillWaiting) for event in told) <= 5
        assert len(script.requests) == 1
        told.clear()


@pytest.mark.parametrize("keepalive", [False, True])
def test_our_clients_notice_a_stall_when_it_is_due_and_not_a_read_later(play, keepalive):
    script = play(faults=[stall(20, keepalive=keepalive, times=None)])
    timeouts = Timeouts(first_token=30, stall=0.3)
    started = time.monotonic()
    with StreamingRetryHandler("k", base_url=script.base_url, timeouts=timeouts, resume=False) as h:
        with pytest.raises(HolySheepError, match=r"0\.3 s"):
            h.complete("gpt-4.1", ASK)
    assert time.monotonic() - started < 2
    started = time.monotonic()

    async def run():
        async with StreamingRetryHandler(
            "k", base_url=script.base_url, timeouts=timeouts, resume=False
        ) as handler:
            await handler.acomplete("gpt-4.1", ASK)

    with pytest.raises(HolySheepError, match=r"0\.3 s"):
        asyncio.run(run())
    assert time.monotonic() - started < 2


def test_a_users_own_client_is_used_and_left_open(play, text):
    script = play(faults=[stall(20, keepalive=True)])
    with httpx.Client(headers={"x-mine": "1"}) as mine:
        handler = StreamingRetryHandler(
            "k", base_url=script.base_url, http_client=mine, timeouts=Timeouts(read=0.3)
        )
        assert handler.complete("gpt-4.1", ASK).text == text
        handler.close()
        assert not mine.is_closed
    assert script.requests[0].headers["x-mine"] == "1"


def test_a_host_that_never_accepts_ends_at_the_connect_clock():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        handler = StreamingRetryHandler(
            "k",
            base_url=f"http://127.0.0.1:{port}/v1",
            timeouts=Timeouts(connect=0.3, read=0.3),
            config=RetryConfig(max_retries=2),
            fallback_models=[],
        )
        started = time.monotonic()
        with pytest.raises(HolySheepError) as caught:
            handler.complete("gpt-4.1", ASK, max_tokens=5)
        assert isinstance(caught.value, TimeoutError)
        assert len(caught.value.attempts) == 3
        assert time.monotonic() - started < 60
        handler.close()
        for filler in fillers:
            filler.close()


def test_redirects_are_not_followed():
    with make_client() as client:
        assert not client.follow_redirects
    client = make_async_client()
    assert not client.follow_redirects
    asyncio.run(client.aclose())
