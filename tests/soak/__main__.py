"""A soak: 100,000 short calls and 10,000 cancelled ones, through one instance of each model.

    python tests/soak [--calls 100000] [--cancelled 10000] [--seconds 3600]

Threads and tasks call the bare handler, LangChain's model and LlamaIndex' at once, against a
server in a process of its own. After the first tenth, which fills caches, memory, objects, sockets,
threads and tasks must stay flat, and at the end nothing may be left. The exit status is 1 if
anything is not so, or an answer is not the one that was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import sys
import threading
import time

import held
import server
from callers import Models, Soak

THREADS, TASKS = 4, 12
LOOKS = 60
"""How often what is held is looked at, about."""

WARM = 0.1
"""Share of the looks that are at a process which is still filling its caches."""


async def run(soak: Soak, every: float, seen: list[held.Held]) -> int:
    """Call until all is done; returns how many tasks are left."""
    watching = asyncio.create_task(held.watch(soak.over, every, seen))
    threads = [threading.Thread(target=soak.call_on, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(soak.acall_on() for _ in range(TASKS)))
    for thread in threads:
        await asyncio.to_thread(thread.join, 60)
        soak.counts["hung"] += thread.is_alive()
    watching.cancel()
    for handler in soak.models.handlers:
        await handler.aclose()
    others = asyncio.all_tasks() - {asyncio.current_task(), watching}
    if others:
        _, others = await asyncio.wait(others, timeout=held.SETTLE)
    return len(others)


def tell(soak: Soak, took: float, seen: list[held.Held], wrong: list[str]) -> None:
    """Print it all."""
    counts = soak.counts
    print(
        f"{counts['whole']:,} calls whole and {counts['cancelled']:,} cancelled in {took:.0f} s; "
        f"{counts['wrong']} wrong, {counts['hung']} hung."
    )
    names = ("calls", "rss_mb", "objects", "sockets", "threads", "tasks")
    print("".join(f"{name:>10}" for name in names))
    for each in seen[:: max(1, len(seen) // 10)]:
        print("".join(f"{getattr(each, name):>10,.0f}" for name in names))
    for line in wrong:
        print(f"✗ {line}")
    if not wrong:
        print("✓ Memory, sockets, threads and tasks stayed flat; nothing is left.")


def main() -> int:
    """Soak, and judge."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--calls", type=int, default=100_000)
    options.add_argument("--cancelled", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=3600.0)
    given = options.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=server.serve, args=(there,), daemon=True)
    process.start()
    models = Models(f"http://127.0.0.1:{here.recv()}/v1")
    gc.collect()
    gc.freeze()  # what is imported is neither looked through each time nor counted
    before, seen = held.look(0, 0), []
    soak = Soak(models, given.calls, given.cancelled, given.seconds)
    began = time.monotonic()
    # Some 600 calls a second are expected; only how often is looked depends on it.
    expected = min(given.seconds, (given.calls + given.cancelled) / 600)
    tasks = asyncio.run(run(soak, max(0.2, expected / LOOKS), seen))
    took = time.monotonic() - began
    for handler in models.handlers:
        handler.close()
    after = held.settle(soak.over(), before)
    process.kill()
    flat = seen[int(len(seen) * WARM) :]
    wrong = [*soak.wrong, *held.growing(flat, THREADS + TASKS), *held.left(before, after)]
    wrong += [f"{tasks} tasks left"] * bool(tasks)
    wrong += [f"{soak.counts['hung']} threads hang"] * bool(soak.counts["hung"])
    tell(soak, took, seen, wrong)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
