"""CPU per delta: every reader in turn, over and over, as multiples of `httpx.iter_raw`."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from dataclasses import dataclass

import framework_readers
import readers

REFERENCE = "httpx iter_raw"
FLOOD = "one long stream"
SHORT = "streams of 200 deltas"
JOINED = "20 events to a write"
PACED = "paced, one every 30 ms"
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
    rounds: int = 3


def loads(*, quick: bool) -> list[Load]:
    """Return the loads to measure."""
    if quick:
        return [Load(FLOOD, "flood-2000", 2000, rounds=5)]
    return [
        Load(FLOOD, "flood-6000", 6000, rounds=4),
        Load(SHORT, "flood-200", 200, 20),
        Load(JOINED, "joined-6000", 6000),
        Load(PACED, "paced-50-30", 50, rounds=4),
    ]


def belongs(name: str, load: Load) -> bool:
    """Tell whether a reader is measured under a load."""
    if name == "litellm":  # it takes the same delta a hundred times over for a model gone mad
        return load.title == PACED
    return load.title != PACED or "floor" not in name


def measure(url: str, load: Load) -> tuple[Spent, Spent]:
    """Return the seconds of CPU a delta took each reader, sync and async."""
    sync = {**readers.sync_readers(), **framework_readers.sync_readers()}
    sync = {name: read for name, read in sync.items() if belongs(name, load)}
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
    return spent, asyncio.run(_measure_async(url, warm_up, load))


async def _measure_async(url: str, warm_up: str, load: Load) -> Spent:
    found = {**readers.async_readers(), **framework_readers.async_readers()}
    found = {name: read for name, read in found.items() if belongs(name, load)}
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


def ratios(url: str, load: Load) -> dict[str, float]:
    """Return the CPU per delta of each reader as a multiple of sync `iter_raw`.

    Names of async readers begin with "async ".
    """
    sync, asynchronous = measure(url, load)
    base = statistics.median(sync[REFERENCE])
    every = {**sync, **{f"async {name}": times for name, times in asynchronous.items()}}
    return {name: statistics.median(times) / base for name, times in every.items()}
