"""What a delta of a long answer costs, beside one of a short answer.

In LlamaIndex every response carries the whole text so far, so a naive way costs the square of the
length.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import framework_readers
import readers

SHORT = 200
READERS = (
    "engine",
    "ChatHolySheep .stream",
    "LangChain floor, built .stream",
    "HolySheep .stream_chat",
    "LlamaIndex floor, built .stream_chat",
)


def measure(url: str, lengths: list[int], rounds: int) -> dict[str, dict[int, float]]:
    """Return the cost of a delta at each length, as multiples of that of a short answer."""
    found = {**readers.sync_readers(), **framework_readers.sync_readers()}
    grown: dict[str, dict[int, float]] = {}
    for name in READERS:
        ratios: dict[int, list[float]] = {length: [] for length in lengths}
        for _ in range(rounds):
            for length in lengths:
                # As many short answers as take a while, so that both are measured alike.
                short = _per_delta(found[name], f"{url}/flood-{SHORT}/v1", SHORT, 50)
                long = _per_delta(
                    found[name], f"{url}/flood-{length}/v1", length, max(1, 10_000 // length)
                )
                ratios[length].append(long / short)
        grown[name] = {length: statistics.median(all_) for length, all_ in ratios.items()}
    return grown


def _per_delta(read: Callable[[str], int], url: str, deltas: int, streams: int) -> float:
    started = time.process_time()
    assert sum(read(url) for _ in range(streams)) == deltas * streams
    return (time.process_time() - started) / (deltas * streams)
