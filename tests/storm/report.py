"""What the storm came to, printed and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import plan
from callers import Left
from tally import FORBIDDEN, Tally

GROWTH_MB = 24.0
"""What a process may have grown by since its rehearsal. The allocator keeps arenas of threads that
are gone, in pieces that vary by some MB from run to run; a leak of one answer per call is more."""

LEAST_WHOLE = 0.5
"""Share of the calls nobody left that must be whole, or the rest of the figures say little."""


BROKEN = ("APIConnectionError", "StreamCutError", "StreamStalledError")
"""What requests must have met, refused connections among it, or it was no storm."""


@dataclass(frozen=True)
class Storm:
    """All that was counted.

    Attributes:
        tally: What the calls came to.
        faults: What the servers did, by kind.
        blows: What was done to proxy, Redis and clock.
        left: For each process of callers: what it held after its rehearsal, and at the end.
    """

    tally: Tally
    faults: Counter[str]
    blows: Counter[str]
    left: list[tuple[Left, Left]]


def tell(storm: Storm) -> list[str]:
    """Print it all; returns what is wrong."""
    counts = storm.tally.counts
    _section("Calls", {name: counts[name] for name in counts if name not in FORBIDDEN})
    _section("Typed errors", storm.tally.errors)
    _section("What became of requests", storm.tally.requests)
    _section("Faults of the servers", storm.faults)
    _section("Around them", storm.blows)
    _section("Not one of these", {name: counts[name] for name in FORBIDDEN})
    print("\nLeft in each process of callers, after the rehearsal and at the end")
    for before, after in storm.left:
        for name in ("fds", "sockets", "threads", "tasks", "rss_mb"):
            print(f"  {name:<40}{getattr(before, name):>8.0f}{getattr(after, name):>8.0f}")
    wrong = [*_wrong(storm), *_too_tame(storm), *_left_behind(storm)]
    for line in wrong:
        print(f"\n✗ {line}")
    for number, what in storm.tally.findings:
        print(f"  call {number}: {what}")
    if not wrong:
        print("\n✓ Every answer was whole, once, in order, or a typed error; nothing is left.")
    return wrong


def _section(title: str, figures: dict[str, int]) -> None:
    print(f"\n{title}")
    for name, figure in sorted(figures.items(), key=lambda item: -item[1]):
        print(f"  {name:<40}{figure:>8,}")


def _wrong(storm: Storm) -> Iterator[str]:
    counts = storm.tally.counts
    for name in FORBIDDEN:
        if counts[name]:
            yield f"{counts[name]} {name}"
    stayed = counts["calls"] - counts["left early, on purpose"]
    if counts["answers whole"] < LEAST_WHOLE * stayed:
        yield f"only {counts['answers whole']} of {stayed} answers were whole"


def _too_tame(storm: Storm) -> Iterator[str]:
    """Say which faults never came, without which it was no storm."""
    counts = storm.tally.counts
    if missing := set(plan.FAULTS) - set(storm.faults):
        yield f"no fault of these kinds: {', '.join(sorted(missing))}"
    if not counts["poisoned connections closed"]:
        yield "no connection was poisoned"
    for way in plan.CANCELS:
        if not counts[f"… by {way}"]:
            yield f"no call was cancelled by {way}"
    if not storm.blows["table of files full"]:
        yield "no table of files was full"
    for name in BROKEN:
        if not storm.tally.requests[name]:
            yield f"no request ended in {name}"


def _left_behind(storm: Storm) -> Iterator[str]:
    for number, (before, after) in enumerate(storm.left):
        for name in ("fds", "sockets", "threads", "tasks"):
            if getattr(after, name) != getattr(before, name):
                yield f"process {number}: {name} {getattr(before, name)} -> {getattr(after, name)}"
        if after.tasks or after.threads > 1:
            yield f"process {number}: left running: {after.tasks} tasks, {', '.join(after.names)}"
        if after.rss_mb - before.rss_mb > GROWTH_MB:
            yield f"process {number}: {before.rss_mb:.0f} -> {after.rss_mb:.0f} MB"


def show(seed: int, number: int, servers: int, drawn: ModuleType) -> None:
    """Print what a call is to be, as a sync and as an async caller makes it."""
    for kind in ("sync", "async"):
        print(drawn.plan(seed, number, kind))
    for server in range(servers):
        faults = [drawn.kind_of_fault(seed, server, number, n) for n in range(drawn.AT_WORST)]
        print(f"server {server}: {', '.join(each or 'nothing' for each in faults)}")
