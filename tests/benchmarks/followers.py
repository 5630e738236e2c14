"""What many readers of a journal cost: 1,000 of one answer, and one of each of 1,000 answers.

    python tests/benchmarks/followers.py [--write docs/journal.md]

A process writes pieces that hold the time; another follows. *Delay* is from the write of a piece to
a reader having it; *CPU* is that of the readers' process, as a share of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import redis

from holysheep_core import ChatRequest, Journal
from holysheep_core.journal.backend import StoredPiece

SECONDS = 10.0
LEASE = 30.0
BEGIN, END = "<!-- followers: written by tests/benchmarks/followers.py -->", "<!-- /followers -->"


def write(url: str, names: list[str], every: float) -> None:
    """Write a piece to each answer, every so many seconds, and end them."""
    store = Journal(url, lease=LEASE).store
    number, end = 0, time.monotonic() + SECONDS
    while (now := time.monotonic()) < end:
        for name in names:
            store.append(name, "owner", StoredPiece(number, f"{time.monotonic():.6f} ", ""), LEASE)
        number += 1
        time.sleep(max(0.0, every - (time.monotonic() - now)))
    for name in names:
        store.end(name, "owner", "done", b"{}")


async def follow(journal: Journal, name: str, delays: list[float]) -> None:
    """Note how late each piece of an answer comes."""
    async for pieces in journal.followers.awatch(name):
        now = time.monotonic()
        delays += [now - float(stamp) for text, _ in pieces for stamp in text.split()]


def measured(url: str, answers: int, readers: int, every: float) -> tuple[float, float, float]:
    """Return the median and the 99th percentile of the delay in seconds, and the share of CPU."""
    journal = Journal(url, lease=LEASE)
    names = [f"answer-{number}" for number in range(answers)]
    asked = ChatRequest("m", [])
    for name in names:
        journal.store.begin(name, "owner", msgspec.json.encode(asked), LEASE)
    writer = multiprocessing.get_context("spawn").Process(target=write, args=(url, names, every))
    delays: list[float] = []

    async def run() -> None:
        tasks = [follow(journal, name, delays) for name in names for _ in range(readers)]
        await asyncio.gather(*tasks)

    writer.start()
    wall, cpu = time.monotonic(), time.process_time()
    asyncio.run(run())
    share = (time.process_time() - cpu) / (time.monotonic() - wall)
    writer.join()
    delays.sort()
    return delays[len(delays) // 2], delays[int(len(delays) * 0.99)], share


@contextmanager
def redis_url(folder: Path) -> Iterator[str]:
    """Run a Redis of our own."""
    socket = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            time.sleep(0.01)
        yield f"unix://{socket}"
        process.kill()


def rows(url: str, store: str) -> Iterator[str]:
    """Return the table's rows of one store."""
    for answers, readers, every in ((1, 1, 0.25), (1, 1000, 0.25), (1000, 1, 1.0)):
        fresh = f"{url}-{answers}-{readers}" if store == "SQLite" else url
        p50, p99, share = measured(fresh, answers, readers, every)
        if store == "Redis":
            redis.Redis.from_url(url).flushall()
        yield (
            f"| {store} | {readers:,} of {answers:,} | {p50 * 1000:.0f} ms | {p99 * 1000:.0f} ms | "
            f"{share:.0%} |"
        )


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    lines = [
        "| store | readers of answers | delay, median | delay, 99 % | CPU of the readers |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        lines += rows(f"sqlite:///{name}/answers.db", "SQLite")
        if shutil.which("redis-server"):
            with redis_url(Path(name)) as url:
                lines += rows(url, "Redis")
    table = "\n".join(lines)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        before, _, rest = asked.write.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        asked.write.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
