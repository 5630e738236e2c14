"""CPU per delta: every reader in turn, over and over, as multiples of `httpx.iter_raw`."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import framework_readers
import readers

FLOOR = "httpx iter_raw"
Spent = dict[str, list[float]]


@dataclass(frozen=True)
class Load:
    """How deltas arrive.

    Attributes:
        title: For the table.
        path: What the server is asked for.
        deltas: How many of them a stream has.
        streams: How many streams, one after the other, a measurement has.
        rounds: How often each reader gets its turn.
    """

    title: str
    path: str
    deltas: int
    streams: int = 1
    rounds: int = 5


def loads(*, quick: bool) -> list[Load]:
    """Return the loads to measure."""
    if quick:
        return [Load("flood", "flood-2000", 2000, rounds=5)]
    return [
        Load("one stream of 20,000", "flood-20000", 20_000, rounds=4),
        Load("100 streams of 200", "flood-200", 200, 100, rounds=4),
        Load("20 events to a write", "joined-20000", 20_000, rounds=4),
        Load("paced, one every 30 ms", "paced-60-30", 60, rounds=6),
    ]


def measure(url: str, load: Load, only: Callable[[str], bool]) -> tuple[Spent, Spent]:
    """Return the seconds of CPU a delta took each reader, sync and async."""
    sync = {**readers.sync_readers(), **framework_readers.sync_readers()}
    sync = {name: read for name, read in sync.items() if only(name)}
    url = f"{url}/{load.path}/v1"
    warm_up = f"{url.rsplit('/', 2)[0]}/flood-50/v1"
    for read in sync.values():
        read(warm_up)
    gc.collect()
    gc.freeze()  # the modules of all the peers are no reader's garbage
    spent: Spent = {name: [] for name in sync}
    for _ in range(load.rounds):
        for name, read in sync.items():
            gc.collect()
            started = time.process_time()
            seen = sum(read(url) for _ in range(load.streams))
            spent[name].append((time.process_time() - started) / seen)
            assert seen == load.deltas * load.streams, (name, seen)
    return spent, asyncio.run(_measure_async(url, warm_up, load, only))


async def _measure_async(url: str, warm_up: str, load: Load, only: Callable[[str], bool]) -> Spent:
    found = {**readers.async_readers(), **framework_readers.async_readers()}
    found = {name: read for name, read in found.items() if only(name)}
    for read in found.values():
        await read(warm_up)
    spent: Spent = {name: [] for name in found}
    for _ in range(load.rounds):
        for name, read in found.items():
            gc.collect()
            started = time.process_time()
            seen = 0
            for _ in range(load.streams):
                seen += await read(url)
            spent[name].append((time.process_time() - started) / seen)
            assert seen == load.deltas * load.streams, (name, seen)
    return spent


def ratios(spent: Spent, base: float) -> dict[str, float]:
    """Return medians as multiples."""
    return {name: statistics.median(times) / base for name, times in spent.items()}
