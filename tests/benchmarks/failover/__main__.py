"""Print the seconds of sixteen faults with every interface, beside those of a reference client.

    python tests/benchmarks/failover [--scale 10] [--only WORDS]

The faults last a tenth of the benchmark's time (`tests/support/failover.py`) and the seconds are
multiplied by ten, and so are the few milliseconds that a connection takes. `--scale 1` is the real
time, four minutes. "late" marks what is slower than the reference by more than the slack.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from holysheep_core.retry_budget import PROCESS_BUDGET
from holysheep_core.simulator import Simulator
from support.failover import CLIENTS, SCALE, Row, Seen, play, rows_at

SLACK = 1.6
"""A busy machine is slow."""


def cell(simulator: Simulator, row: Row, client: str, scale: float) -> str:
    """Play a fault with a client; say what came of it."""
    PROCESS_BUDGET.refill()
    seen = play(simulator, row, client, scale)
    waits = seen.waits * scale / row.calls
    return f"{_verdict(row, seen, scale)} · {len(seen.asked)} · {seen.seconds * scale:.2f} ({waits:.2f})"


def _verdict(row: Row, seen: Seen, scale: float) -> str:
    ended = row.error is not None and any(isinstance(each, row.error) for each in seen.errors)
    if not (ended if row.error else seen.whole):
        return "FAIL"
    if row.asked is not None and seen.asked != list(row.asked):
        return "others asked"
    return "late" if seen.seconds * scale > row.limit * SLACK else "ok"


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=SCALE, help="how much faster")
    parser.add_argument("--only", default="", help="rows with these words")
    given = parser.parse_args()
    print("A cell: verdict · requests · seconds of a call (of these: waits between requests).\n")
    print("| fault | reference, s |", *(f" {name} |" for name in CLIENTS), sep="")
    print("|---|---|", *("---|" for _ in CLIENTS), sep="")
    workers = len(CLIENTS) if given.scale == 1 else 1
    with Simulator() as simulator, ThreadPoolExecutor(workers) as pool:
        rows = rows_at(given.scale)
        for client in CLIENTS:  # what only a first call takes
            cell(simulator, rows[0], client, given.scale)
        for row in rows:
            if given.only in row.name:
                cells = [
                    pool.submit(cell, simulator, row, client, given.scale) for client in CLIENTS
                ]
                print(f"| {row.name} | {row.limit:g} |", end="")
                print(*(f" {each.result()} |" for each in cells), sep="", flush=True)


if __name__ == "__main__":
    main()
