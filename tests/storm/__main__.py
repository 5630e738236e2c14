"""A storm: hundreds of calls at once, every fault at once, and everything around them fails too.

    python tests/storm [--seconds 600] [--callers 200] [--seed N] [--show NUMBER]

Callers, in two processes, use both plugins and the bare handler, sync and async, streamed and
whole, with tools and with JSON. They reach the simulators through a real HAProxy, and some share a
real Redis. On the way the proxy is reloaded and killed, Redis is restarted empty, and the callers'
wall clock is put an hour forward and back, and for moments they can open no file (`callers`). Some
reach the proxy by a name whose addresses change, and are dead in part (`names`). Async callers are
cancelled in three ways, and behind some answers there is another one.

Each call has a text of its own, so what reached its caller is held against it character by
character. The exit status is 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import callers
import plan
import report
import servers
from names import HOST, Silence
from outside import Proxy, Redis, binary, free_port, full_table
from tally import Tally

SERVERS, PROCESSES = 2, 2
PATIENCE = 150.0
"""Seconds for a process to answer once its time is over: calls may take `callers.BOUND`."""

_context = multiprocessing.get_context("spawn")


@contextmanager
def process(target: Callable[..., None], *args: Any) -> Iterator[Connection]:
    """Run something in a process of its own, which is gone when the block ends."""
    here, there = _context.Pipe()
    child = _context.Process(target=target, args=(there, *args), daemon=True)
    child.start()
    there.close()
    try:
        yield here
    finally:
        child.join(5)
        child.kill()
        here.close()


def answer(pipe: Connection, seconds: float) -> Any:
    """Return what a process says, or end the storm if it says nothing."""
    if not pipe.poll(seconds):
        raise SystemExit("A process of the storm hangs.")
    return pipe.recv()


def shake(
    seconds: float,
    draw: random.Random,
    proxy: Proxy,
    redis: Redis,
    skew: Any,
    pids: Sequence[int],
) -> Counter[str]:
    """Let everything around the calls fail, one thing after the other, for that long."""

    def put_clock(by: float) -> None:
        skew.value = by

    def fill_tables() -> None:
        with ExitStack() as tables:
            for pid in pids:
                tables.enter_context(full_table(pid))
            time.sleep(draw.uniform(0.2, 1.0))

    blows: dict[str, Callable[[], None]] = {
        "proxy killed": lambda: proxy.kill(draw.uniform(0.1, 0.6)),
        "proxy reloaded": proxy.reload,
        "Redis restarted": lambda: redis.restart(draw.uniform(0.1, 2.0)),
        "clock an hour forward": lambda: put_clock(3600.0),
        "clock an hour back": lambda: put_clock(-3600.0),
        "clock right again": lambda: put_clock(0.0),
        "table of files full": fill_tables,
    }
    pause = min(5.0, seconds / (len(blows) + 1))
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    left: list[str] = []
    while True:
        left = left or draw.sample(tuple(blows), len(blows))
        time.sleep(max(0.0, min(pause, end - time.monotonic())))
        if time.monotonic() >= end:
            put_clock(0.0)
            return done
        name = left.pop()
        blows[name]()
        done[name] += 1


def storm(seconds: float, number: int, seed: int) -> report.Storm:
    """Let it blow, and return all that was counted."""
    binary("haproxy")
    draw, skew = random.Random(seed), _context.Value("d", 0.0, lock=False)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        behind = [stack.enter_context(process(servers.serve, seed, i)) for i in range(SERVERS)]
        proxy = Proxy(folder, [answer(pipe, 30) for pipe in behind])
        stack.callback(proxy.close)
        redis = Redis()
        stack.callback(redis.stop)
        stack.callback(Silence(proxy.tcp).close)
        http, tcp, dead = (f"http://127.0.0.1:{n}/v1" for n in (proxy.http, proxy.tcp, free_port()))
        named = f"http://{HOST}:{proxy.tcp}/v1"
        crowds = []
        for i in range(PROCESSES):
            share = number // PROCESSES + (i < number % PROCESSES)
            crowd = {"seed": seed, "first": i, "step": PROCESSES}
            crowd |= {"threads": share // 2, "tasks": share - share // 2}
            crowd["urls"] = (http, tcp, named, dead, redis.url)
            crowds.append(stack.enter_context(process(callers.call, skew, crowd)))
        rehearsal = max(3.0, min(5.0, seconds / 5))
        for pipe in crowds:
            pipe.send(rehearsal)
        started = [answer(pipe, rehearsal + PATIENCE) for pipe in crowds]
        before = [left for _, left in started]
        for pipe in crowds:
            pipe.send(seconds)
        blows = shake(seconds, draw, proxy, redis, skew, [pid for pid, _ in started])
        answers = [answer(pipe, PATIENCE) for pipe in crowds]
        faults: Counter[str] = Counter()
        for pipe in behind:
            pipe.send("stop")
            faults += answer(pipe, 30)
    tally = Tally()
    for each, _ in answers:
        tally += each
    after = [left for _, left in answers]
    return report.Storm(tally, faults, blows, list(zip(before, after, strict=True)))


def main() -> int:
    """Run it, or show one call of it."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=float, default=600.0)
    options.add_argument("--callers", type=int, default=200)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--show", type=int, help="only print what this call is to be")
    given = options.parse_args()
    if given.show is not None:
        report.show(given.seed, given.show, SERVERS, plan)
        return 0
    print(f"{given.callers} callers for {given.seconds:.0f} s, seed {given.seed}.", flush=True)
    wrong = report.tell(storm(given.seconds, given.callers, given.seed))
    if wrong:
        again = f"--seed {given.seed} --seconds {given.seconds:.0f} --callers {given.callers}"
        print(f"\nThe same faults again:\n  python tests/storm {again}")
        print(f"What a call of it is:\n  python tests/storm --seed {given.seed} --show NUMBER")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
