"""From a cut to the next new character, beside what a bare socket needs to ask again."""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from itertools import pairwise

from first_token import Bare
from readers import ASK, KEY
from server import RESET_AFTER

from holysheep_core import Resumed, StreamingRetryHandler

WORDS = 40


def measure(url: str, rounds: int) -> tuple[float, float, float]:
    """Return seconds until the answer goes on, the floor, and characters asked for again.

    The server's own time, which it waits before it resets the connection, is taken off. The floor
    is a new connection, a request, and its first text.
    """
    gaps, floors, again = [], [], []
    handler = StreamingRetryHandler(KEY, base_url=f"{url}/cut-{WORDS}/v1")
    for _ in range(rounds):
        seen, at, events = [], [], []
        for text in handler.stream_with_retry("gpt-4.1", ASK, on_event=events.append):
            seen.append(text)
            at.append(time.perf_counter())
        assert "".join(seen) == "".join(f"w{number:04} " for number in range(2 * WORDS))
        gap = max(later - earlier for earlier, later in pairwise(at))
        gaps.append(gap - RESET_AFTER)
        again += [event.removed for event in events if isinstance(event, Resumed)]
        started = time.perf_counter()
        with closing(Bare(f"{url}/flood-1/v1")) as bare:
            bare()
            floors.append(time.perf_counter() - started)
    return statistics.median(gaps), statistics.median(floors), statistics.median(again)
