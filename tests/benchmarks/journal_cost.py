"""What a journal costs: CPU per delta with one, over that without, in one run and in turns.

    python tests/benchmarks/journal_cost.py

*caller* is the thread (or loop) that streams, where a delta passes; *process* has the thread that
writes, too.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "speed"))

import server
from readers import ASK, KEY

from holysheep_core import Journal, StreamingRetryHandler

LOADS = (
    ("60,000 in a flood", "flood-60000", 60000),
    ("6,000 in a flood", "flood-6000", 6000),
    ("one every 30 ms", "paced-150-30", 150),
)
ROUNDS = 5


def read(handler: StreamingRetryHandler) -> int:
    """Read a stream; returns the number of its deltas."""
    return sum(1 for _ in handler.stream_with_retry("gpt-4.1", ASK))


def aread(handler: StreamingRetryHandler) -> int:
    """Read one in async code; returns the number of its deltas."""

    async def count() -> int:
        seen = 0
        async for _ in handler.astream_with_retry("gpt-4.1", ASK):
            seen += 1
        await handler.aclose()
        return seen

    return asyncio.run(count())


def spent(
    reader: Callable[[StreamingRetryHandler], int], handler: StreamingRetryHandler, deltas: int
) -> tuple[float, float]:
    """Return seconds of CPU per delta, of this thread and of the process."""
    gc.collect()
    thread, process = time.thread_time(), time.process_time()
    seen = reader(handler)
    took = time.thread_time() - thread, time.process_time() - process
    assert seen == deltas
    return took[0] / deltas, took[1] / deltas


def main() -> None:
    """Measure and print."""
    with server.running() as port, tempfile.TemporaryDirectory() as folder:
        print("| load | caller | process |")
        print("| --- | --- | --- |")
        for title, path, deltas in LOADS:
            url = f"http://127.0.0.1:{port}/{path}/v1"
            journal = Journal(f"sqlite:///{folder}/answers.db")
            plain = StreamingRetryHandler(KEY, base_url=url)
            kept = StreamingRetryHandler(KEY, base_url=url, journal=journal)
            for way, reader in (("sync", read), ("async", aread)):
                for handler in (plain, kept):
                    spent(reader, handler, deltas)
                pairs = [
                    (spent(reader, kept, deltas), spent(reader, plain, deltas))
                    for _ in range(ROUNDS)
                ]
                ratios = [
                    statistics.median(with_[which] / without[which] for with_, without in pairs)
                    for which in (0, 1)
                ]
                print(f"| {title}, {way} | {ratios[0]:.3f} × | {ratios[1]:.3f} × |", flush=True)


if __name__ == "__main__":
    main()
