"""Calls continue without their Redis, and agree again when it is back."""

import asyncio
import logging
import time

import pytest

from holysheep_core.store.store import Store
from support.calls import CALL
from support.gateways import client, limited, shared
from support.waiting import wait_until


def ten_calls(handler, text):
    started = time.monotonic()
    for _ in range(10):
        assert handler.complete(*CALL).text == text
    return time.monotonic() - started


def test_without_redis_calls_go_on_after_one_warning(own_server, play, text, caplog):
    store = Store(own_server.url)
    with limited(play(), store, requests_per_minute=500) as handler:
        ten_calls(handler, text)
        own_server.stop()
        with caplog.at_level(logging.WARNING):
            assert ten_calls(handler, text) < 5
            time.sleep(2.5)  # some exchanges later
            ten_calls(handler, text)
    warnings = [r.getMessage() for r in caplog.records if r.name == "holysheep.store"]
    assert len(warnings) == 1
    assert "Calls continue" in warnings[0]


async def test_so_do_async_calls_many_at_once(own_server, play, text):
    store = Store(own_server.url)
    own_server.stop()
    with limited(play(), store, requests_per_minute=500) as handler:
        answers = await asyncio.gather(*(handler.acomplete(*CALL) for _ in range(100)))
    assert {answer.text for answer in answers} == {text}


def test_a_redis_that_hangs_holds_calls_up_once_and_briefly(own_server, play, text):
    store = Store(own_server.url)
    with limited(play(), store, requests_per_minute=500) as handler:
        ten_calls(handler, text)
        own_server.process.send_signal(19)  # SIGSTOP: it accepts, and says nothing
        try:
            assert ten_calls(handler, text) < 5
        finally:
            own_server.process.send_signal(18)


def test_limits_hold_in_this_process_while_redis_is_away(own_server, play):
    from holysheep_core import LocalRateLimitError

    store = Store(own_server.url)
    with limited(play(), store, requests_per_minute=12) as handler:
        ten_calls(handler, handler.complete(*CALL).text)
        own_server.stop()
        handler.complete(*CALL)  # the twelfth: what passed before is known here too
        with pytest.raises(LocalRateLimitError):
            handler.complete(*CALL)


def test_after_a_restart_and_a_flush_all_agree_again(own_server, play):
    one, other = (shared(Store(own_server.url), play(), play()) for _ in range(2))
    with client(one) as first, client(other) as second:
        first.complete(*CALL)
        second.complete(*CALL)
        own_server.stop()
        one.switch_to("openai")  # while nobody can hear it
        assert first.complete(*CALL).provider == "openai"
        own_server.start()
        wait_until(lambda: other.active == "openai")
        own_server.client.flushall()
        time.sleep(1.5)
        assert (one.active, other.active) == ("openai", "openai")
        other.switch_to("holysheep")
        wait_until(lambda: one.active == "holysheep")
