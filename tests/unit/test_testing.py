"""`no_waiting` removes the waits between requests, and changes nothing else."""

import asyncio
import threading
import time

import pytest
import tenacity

from holysheep_core import HolySheepError, RateLimits, RetryConfig, StreamingRetryHandler
from holysheep_core.engine import backoff
from holysheep_core.simulator import refuse
from holysheep_core.testing import no_waiting
from support.calls import ASK

pytestmark = pytest.mark.real_waits

PATIENT = RetryConfig(base_delay=20, patience=50)


@pytest.fixture
def handler(play):
    made = []

    def handler(*faults, **settings):
        settings = {"config": PATIENT, **settings}
        made.append(
            StreamingRetryHandler("k", base_url=play(faults=list(faults)).base_url, **settings)
        )
        return made[-1]

    yield handler
    for each in made:
        each.close()


def plain_wait():
    state = backoff.Failures(1, HolySheepError("x"), 0.0, 0.0)
    return backoff.backoff(RetryConfig(base_delay=8, jitter=0), state, lambda: 0.0)


FAULTS = {
    "backoff": [refuse(503, times=2)],
    "a wait the server names": [refuse(429, retry_after=40)],
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("use_async", [False, True])
def test_a_retry_follows_at_once(handler, text, name, use_async):
    began, caller = time.monotonic(), handler(*FAULTS[name])
    with no_waiting():
        if use_async:
            answer = asyncio.run(caller.acomplete("gpt-4.1", ASK))
        else:
            answer = caller.complete("gpt-4.1", ASK)
    assert answer.text == text
    assert len(answer.attempts) == 1 + sum(fault.times for fault in FAULTS[name])
    assert time.monotonic() - began < 10


def test_a_wait_of_the_users_own_is_left_out_too(handler, text):
    config = RetryConfig(wait=tenacity.wait_fixed(50))
    with no_waiting():
        assert handler(refuse(503), config=config).complete("gpt-4.1", ASK).text == text


def test_it_holds_in_other_threads_and_the_waits_come_back_when_the_last_block_is_left():
    entered, leave, waits = threading.Event(), threading.Event(), []

    def other():
        with no_waiting():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with no_waiting(), no_waiting():
        thread.start()
        entered.wait(10)
        waits.append(plain_wait())
    waits.append(plain_wait())  # the other thread is in its block
    leave.set()
    thread.join()
    assert [*waits, plain_wait()] == [0.0, 0.0, 8.0]


def test_one_object_may_be_entered_again_and_an_error_leaves_it():
    block = no_waiting()
    with pytest.raises(ZeroDivisionError), block, block:
        raise ZeroDivisionError
    assert plain_wait() == 8.0


def test_what_is_decided_is_what_would_be_decided_with_waits(handler):
    told = []
    with no_waiting():
        answer = handler(refuse(429, retry_after=40)).complete("gpt-4.1", ASK, on_event=told.append)
        moved = handler(refuse(429, retry_after=55)).complete("gpt-4.1", ASK)
    assert (answer.model, len(answer.downgrades)) == ("gpt-4.1", 0)
    assert [event.wait for event in told if type(event).__name__ == "RateLimitWait"] == [40]
    assert len(moved.downgrades) == 1  # 55 seconds are more than its patience


def test_an_own_rate_limit_keeps_its_waits(handler):
    limits = RateLimits(requests_per_minute=1, max_wait=0)
    with no_waiting(), handler(rate_limits=limits, fallback=None) as caller:
        caller.complete("gpt-4.1", ASK)
        with pytest.raises(HolySheepError, match="per minute"):
            caller.complete("gpt-4.1", ASK)
