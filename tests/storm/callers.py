"""A process of callers: threads and tasks that call until the time is over, and what they leave.

The process' wall clock is `time.time` put forward or back by what the storm says: replaced before
anything else is imported, since some keep the function and not the module. The monotonic clock
keeps its value, as a machine's is when its time is set.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import names

BOUND = 60.0
"""Seconds after which a call hangs; its own clocks end it after 15."""

PAUSE = 0.2
"""Seconds between two calls of a caller, who else would ask a limit of its own for nothing else."""

SETTLE = 5.0
"""Seconds for what was closed to be gone: the kernel, and threads on their way out."""


@dataclass(frozen=True)
class Left:
    """What a process holds when its clients are closed."""

    fds: int
    sockets: int
    threads: int
    tasks: int
    rss_mb: float
    names: tuple[str, ...] = ()


def call(pipe: Connection, skew: Any, addresses: dict[str, Any]) -> None:
    """Blow twice, first for a short while, so that the second can be held against it.

    What is imported, cached and allocated once belongs to the start. The tally is that of both.
    """
    sockets = _sockets()[1]
    # A Redis that is gone is told of once, in a log that nobody reads here.
    logging.getLogger("holysheep_core").setLevel(logging.ERROR)
    true_time = time.time
    time.time = lambda: true_time() + skew.value
    socket.getaddrinfo = names.rotating
    crowd = _Crowd(**addresses, sockets=sockets)
    before = crowd.blow(pipe.recv())
    pipe.send((os.getpid(), before))
    after = crowd.blow(pipe.recv())
    pipe.send((crowd.tally, after))


class _Crowd:
    def __init__(
        self,
        seed: int,
        first: int,
        step: int,
        threads: int,
        tasks: int,
        urls: tuple[str, ...],
        sockets: int,
    ) -> None:
        from tally import Tally

        self._seed = seed
        self._numbers = itertools.count(first, step)
        self._threads, self._tasks = threads, tasks
        self._urls = urls
        self._sockets = sockets
        self._lock = threading.Lock()
        self.tally = Tally()

    def blow(self, seconds: float) -> Left:
        """Call for that long, close the clients, and see what is left."""
        import faces
        from tally import Watch

        from holysheep_core.limits import limiter

        watch = Watch()
        fleet = faces.fleet(*self._urls, watch)
        end = time.monotonic() + seconds
        clients = itertools.cycle(fleet)
        threads = [
            threading.Thread(target=self._call_on, args=(next(clients), end), daemon=True)
            for _ in range(self._threads)
        ]
        for thread in threads:
            thread.start()
        tasks = asyncio.run(self._call_all(fleet, threads, end))
        self.tally.counts["hung calls"] += sum(thread.is_alive() for thread in threads)
        for each in fleet:
            for handler in each.handlers:
                handler.close()
        self.tally.requests += watch.requests
        self.tally.counts["poisoned connections closed"] += watch.discarded
        del fleet, clients, threads, each, handler
        # What is used up of a limit outlives its clients on purpose, and its store with it.
        limiter._limiters.clear()
        return _left(tasks, self._sockets)

    def _plans(self, kind: str, end: float) -> Iterator[Any]:
        from plan import plan

        from holysheep_core.retry_budget import PROCESS_BUDGET

        while time.monotonic() < end:
            # Else the budget would end most calls of the storm at their first fault.
            PROCESS_BUDGET.refill()
            with self._lock:
                number = next(self._numbers)
            yield plan(self._seed, number, kind)

    # -- threads ----------------------------------------------------------------------------

    def _call_on(self, clients: Any, end: float) -> None:
        for plan in self._plans("sync", end):
            self._judge(plan, lambda seen, plan=plan: _read(clients, plan, seen))
            time.sleep(PAUSE)

    def _judge(self, plan: Any, read: Callable[[Any], None]) -> None:
        from tally import Seen

        seen, began = Seen(), time.monotonic()
        try:
            read(seen)
        except BaseException as error:  # noqa: BLE001 - whatever reaches a caller is judged
            seen.error = error
        self._note(plan, seen, began)

    def _note(self, plan: Any, seen: Any, began: float) -> None:
        took = time.monotonic() - began
        with self._lock:
            self.tally.add(plan, seen)
            if took > BOUND:
                self.tally.blame(plan, "hung calls", f"{took:.0f} s")

    # -- tasks ------------------------------------------------------------------------------

    async def _call_all(self, fleet: list[Any], threads: list[threading.Thread], end: float) -> int:
        clients = itertools.cycle(fleet)
        await asyncio.gather(*(self._acall_on(next(clients), end) for _ in range(self._tasks)))
        for thread in threads:  # `aclose` closes what they use, too
            await asyncio.to_thread(thread.join, max(0.1, end + BOUND - time.monotonic()))
        for each in fleet:
            for handler in each.handlers:
                await handler.aclose()
        return await _tasks_left()

    async def _acall_on(self, clients: Any, end: float) -> None:
        from tally import Seen

        for plan in self._plans("async", end):
            seen, began = Seen(), time.monotonic()
            read = _aread(clients, plan, seen)
            task = asyncio.create_task(_cancelled(read, plan, seen) if plan.cancel else read)
            await asyncio.wait({task}, timeout=BOUND + 1)
            if not task.done():
                task.cancel()
            elif not task.cancelled():
                seen.error = task.exception()
            else:
                seen.error = asyncio.CancelledError("nobody cancelled it")
            self._note(plan, seen, began)
            await asyncio.sleep(PAUSE)


def _read(clients: Any, plan: Any, seen: Any) -> None:
    import faces

    with closing(faces.ask(clients, plan)) as shown:
        for number, (text, calls) in enumerate(shown):
            seen.text += text
            seen.calls += calls
            if "stream" in plan.face and plan.leaves is not None and number >= plan.leaves:
                seen.left = True
                return


async def _aread(clients: Any, plan: Any, seen: Any) -> None:
    import faces

    async with aclosing(faces.aask(clients, plan)) as shown:
        number = 0
        async for text, calls in shown:
            seen.text += text
            seen.calls += calls
            number += 1
            if "stream" in plan.face and plan.leaves is not None and number > plan.leaves:
                seen.left = True
                return


async def _cancelled(read: Any, plan: Any, seen: Any) -> None:
    """Read an answer, and be cancelled as the plan says, unless it is over before."""
    import anyio

    after = plan.leaves / 100
    task = asyncio.ensure_future(read)
    try:
        if plan.cancel == "wait_for":
            await asyncio.wait_for(task, after)
        elif plan.cancel == "cancel scope":
            with anyio.fail_after(after):
                await task
        else:
            await asyncio.wait({task}, timeout=after)
            task.cancel()
            await task
    except (asyncio.CancelledError, asyncio.TimeoutError, TimeoutError):
        # It was, if it took that; else what it came to instead is raised here.
        if not task.cancelled():
            seen.defied = True
            raise
        seen.left, seen.how = True, plan.cancel


# -- what is left ---------------------------------------------------------------------------


async def _tasks_left() -> int:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=SETTLE)
    return len(others)


def _left(tasks: int, own: int) -> Left:
    end = time.monotonic() + SETTLE
    while True:
        gc.collect()
        fds, sockets = _sockets()
        if (threading.active_count() == 1 and sockets == own) or time.monotonic() > end:
            break
        time.sleep(0.05)
    ctypes.CDLL(None).malloc_trim(0)  # what is free, but not given back, is no leak
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    rss = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    names = tuple(sorted(thread.name for thread in threading.enumerate()))
    return Left(fds, sockets, threading.active_count(), tasks, rss, names)


def _sockets() -> tuple[int, int]:
    """Return how many files are open, and how many of them are sockets."""
    held = list(Path("/proc/self/fd").iterdir())
    return len(held), sum(fd.is_socket() for fd in held)
