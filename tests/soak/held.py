"""What the process holds, while it runs and at its end, and whether that grows."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

GROWTH_MB = 4.0
"""What the median of the last third may be above that of the first: 70 bytes of each call of
100,000. The allocator's own waves are about 1 MB."""

GROWTH_OBJECTS = 2000
"""Likewise, of objects that Python's collector follows and that are younger than the first call; a
call in mid-air has some hundred."""

SETTLE = 5.0
"""Seconds for what was closed to be gone."""


@dataclass(frozen=True)
class Held:
    """What a process holds at one moment.

    Attributes:
        calls: How many calls were over by then.
        rss_mb: Its memory.
        objects: Objects that Python's collector follows.
        files: Open files, sockets among them.
        sockets: Open sockets.
        threads: Threads.
        tasks: Tasks of the event loop.
    """

    calls: int
    rss_mb: float
    objects: int
    files: int
    sockets: int
    threads: int
    tasks: int


def look(calls: int, tasks: int) -> Held:
    """Look now."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free, but not given back, is no leak
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    rss = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    held = list(Path("/proc/self/fd").iterdir())
    sockets = sum(fd.is_socket() for fd in held)
    objects = len(gc.get_objects())
    return Held(calls, rss, objects, len(held), sockets, threading.active_count(), tasks)


async def watch(calls: Callable[[], int], every: float, seen: list[Held]) -> None:
    """Look again and again."""
    while True:
        await asyncio.sleep(every)
        seen.append(look(calls(), len(asyncio.all_tasks())))


def settle(calls: int, like: Held) -> Held:
    """Wait a little until no more sockets and threads are held than once; return what is."""
    end = time.monotonic() + SETTLE
    while True:
        held = look(calls, 0)
        if (held.sockets, held.threads) <= (like.sockets, like.threads) or time.monotonic() > end:
            return held
        time.sleep(0.05)


def growing(seen: Sequence[Held], workers: int) -> Iterator[str]:
    """Say what grows, or is more than the callers that use it.

    Args:
        seen: What was held after the first calls, which fill caches.
        workers: How many calls there are at a time.
    """
    third = len(seen) // 3
    if not third:
        yield f"only {len(seen)} looks, too few to tell"
        return
    first, last = seen[:third], seen[-third:]
    limits = {"rss_mb": GROWTH_MB, "objects": GROWTH_OBJECTS, "sockets": 4, "threads": 0}
    for name, most in limits.items():
        before, after = (
            statistics.median(getattr(each, name) for each in part) for part in (first, last)
        )
        if after - before > most:
            yield f"{name} grows: {before:,.0f} -> {after:,.0f}"
    # Three models keep idle connections, each as many as it had in use at once.
    for name, most in (("sockets", workers * 3), ("threads", workers), ("tasks", workers * 3)):
        peak = max(getattr(each, name) for each in seen)
        if peak > most:
            yield f"{peak} {name} for {workers} calls at a time"


def left(before: Held, after: Held) -> Iterator[str]:
    """Say what is held at the end that was not held before the first call."""
    for name in ("sockets", "files", "threads"):
        if getattr(after, name) > getattr(before, name):
            yield f"left at the end: {name} {getattr(before, name)} -> {getattr(after, name)}"
