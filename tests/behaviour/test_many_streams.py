"""Hundreds of streams at the same time."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from holysheep_core import (
    Connections,
    StreamingRetryHandler,
)
from support.calls import CALL


def test_three_hundred_threads_stream_at_the_same_time(play, text):
    script = play(delay=0.05)
    with StreamingRetryHandler("k", base_url=script.base_url) as handler:
        started = time.monotonic()
        with ThreadPoolExecutor(300) as pool:
            answers = list(pool.map(lambda _: handler.complete(*CALL).text, range(300)))
    assert answers == [text] * 300
    first, last = script.requests[0].at, script.requests[-1].at
    # None waited for another to end: all were there before the first could be over.
    assert last - first < time.monotonic() - started
    assert most_at_once(script) > 100


async def test_five_hundred_tasks_stream_at_the_same_time(play, text):
    script = play(delay=0.1)
    async with StreamingRetryHandler("k", base_url=script.base_url) as handler:
        answers = await asyncio.gather(*(handler.acomplete(*CALL) for _ in range(500)))
    assert [answer.text for answer in answers] == [text] * 500
    assert most_at_once(script, lasting=1.5) > 200


def most_at_once(script, lasting=0.8):
    times = sorted(record.at for record in script.requests)
    return max(sum(t <= other < t + lasting for other in times) for t in times)


def test_a_cap_is_kept_if_it_is_wished(play, simulator):
    script = play(delay=0.02)
    capped = Connections(max_connections=2)
    with StreamingRetryHandler("k", base_url=script.base_url, connections=capped) as handler:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: handler.complete(*CALL), range(6)))
    times = sorted(record.at for record in script.requests)
    assert times[2] - times[0] > 0.2  # the third waited until one of the first two was over
