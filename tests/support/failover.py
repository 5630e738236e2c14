"""Sixteen faults of a benchmark of failover clients, ten times as fast, and who is asked in each.

The benchmark's times are divided by `SCALE`: a first token after 20 s, a stall of 30 s, a silence
of 120 s and an outage of 60 s last 2, 3, 12 and 6 s, and the settings likewise: 30 s of time-outs
are 3 s. An answer takes 1 s of the benchmark. Letters mark variants of a fault.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import holysheep_core as core
from holysheep_core import FallbackConfig, RetryConfig, Timeouts
from holysheep_core.events import RetryScheduled
from holysheep_core.simulator import Fault, Scenario, Simulator, cut, malformed, refuse, slow, stall
from support.calls import ASK, handler
from support.gate import Barrier, Gate
from support.models import GO, langchain, llamaindex

SCALE = 10
M, F, CLAUDE, OTHER = "gpt-4.1", "gemini-2.5-flash", "claude-sonnet-4.5", "my-model"
TEXT = (
    "Counting sheep began in northern England, where shepherds used words of their own: yan, tan, "
    "tethera. At dusk each animal passed a narrow gate, and for every score a pebble went into a "
    "pocket. Nobody knows how old the custom is. Printed lists appeared around 1745, while older "
    "people in Cumbria still knew them by heart after the war. Today the numbers survive in songs, "
    "in knitting patterns and on the signs of two pubs."
)
HALF = len(TEXT) // 2
PIECE = 40
EVENTS = len(TEXT) // PIECE + 5  # with the role, the last piece, the end, the usage, [DONE]
FIXED = 0.0015
"""Seconds that an event takes beside its delay."""


def settings_at(scale: float) -> dict[str, Any]:
    """Return the benchmark's settings, 2 retries and 30 s of time-outs, and else our own."""
    return {
        "retry": RetryConfig(
            max_retries=2, base_delay=1 / scale, max_delay=60 / scale, patience=5 / scale
        ),
        "timeouts": Timeouts(
            connect=30 / scale,
            read=30 / scale,
            first_token_with_fallback=10 / scale,
            stall_with_fallback=10 / scale,
        ),
    }


# -- the faults -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A fault of the benchmark.

    Attributes:
        name: The benchmark's number, and words.
        limit: Uncompressed seconds of the reference client; a call's, where there are several.
        faults: The simulator's faults.
        asked: The models that are asked, in order; None where the test counts otherwise.
        more: Other settings of the scenario.
        barrier: What stops requests before they reach the simulator.
        error: What is raised, at once; None for the whole text.
        model: The model asked for.
        fallback: The fallback model.
        calls: Number of calls by one client.
    """

    name: str
    limit: float
    faults: Sequence[Fault] = ()
    asked: Sequence[str] | None = None
    more: dict[str, Any] = field(default_factory=dict)
    barrier: Barrier | None = None
    error: type[core.HolySheepError] | None = None
    model: str = M
    fallback: str = F
    calls: int = 1


def rows_at(scale: float) -> list[Row]:
    """Return the faults, `scale` times as fast as in the benchmark."""
    lasting: dict[str, Any] = {"times": None, "model": M}
    too_long = refuse(400, code="context_length_exceeded", **lasting)
    filtered = refuse(400, code="content_filter", times=None)
    down, up = refuse(503, times=2, model=M), slow(0, times=2, model=M)
    silence, outage = (
        Barrier("silent", M, seconds=120 / scale),
        Barrier("503", M, seconds=60 / scale),
    )
    once, stale = Barrier("reset", M, times=1), Barrier("stale", M, times=1)
    only_comments = stall(0, 120 / scale, keepalive=True, **lasting)
    long_wait, short_wait = 60 / scale, 2 / scale
    stalls = stall(HALF, 30 / scale, **lasting)
    return [
        Row("S00 no fault", 1.0, (), [M]),
        Row("S01 429, Retry-After 2 s", 3.2, [refuse(429, retry_after=short_wait)], [M, M]),
        Row("S01b Retry-After 60 s", 3.2, [refuse(429, retry_after=long_wait, **lasting)], [M, F]),
        Row("S02 429 for good, no hint", 2.5, [refuse(429, **lasting)], [M, M, F]),
        Row("S03 500 once", 1.7, [refuse(500)], [M, M]),
        Row("S03b 503 once", 1.7, [refuse(503)], [M, M]),
        Row("S04 500 for good", 2.8, [refuse(500, **lasting)], [M, M, M, F]),
        Row("S04b 503 for good", 2.8, [refuse(503, **lasting)], [M, M, F]),
        Row("S05 reset before a byte", 1.4, (), [M, M], barrier=once),
        Row("S05b the same, kept-alive", 1.4, (), [M] * 3, barrier=stale, calls=2),
        Row("S06 silence", 11, (), [M, F], barrier=silence),
        Row("S06b only comments", 11, [only_comments], [M, F]),
        Row("S07 slow first token", 11, [slow(20 / scale, **lasting)], [M, F]),
        Row("S08 cut", 4.4, [cut(HALF)], [M, M]),
        Row("S08b cut again and again", 4.4, [cut(20, **lasting)], [M, M, F]),
        Row("S09 stall", 11.3, [stall(HALF, 30 / scale)], [M, M]),
        Row("S09b a stall in each answer", 11.3, [stalls], [M, M, F]),
        Row("S10 damaged event", 1.0, [malformed(HALF)], [M, M]),
        Row("S11 no [DONE]", 1.0, (), [M], more={"done": False}),
        Row("S12 context too long", 1.0, [too_long], [M, F]),
        Row("S12b unknown window", 1.0, [too_long], [M, OTHER], fallback=OTHER),
        Row(
            *("S12c no wider window", 1.0, [too_long], [M]),
            error=core.ContextLengthError,
            fallback="gpt-4o",
        ),
        Row("S13 content filter", 0.1, [filtered], [M], error=core.ContentPolicyError),
        Row(
            *("S14 prefill refused", 4.4, [cut(HALF)], [CLAUDE] * 3),
            more={"prefill": "reject"},
            model=CLAUDE,
        ),
        Row("S15 down and up", 2.1, [down, up] * 6, calls=12),
        Row("S15b outage of 60 s", 2.1, (), barrier=outage, calls=60),
        Row("S16 accounting", 2.3, [refuse(500), cut(HALF)], [M, M, M]),
    ]


# -- the clients ----------------------------------------------------------------------------


def _handler(url, model, settings):
    client = handler(url, **settings)
    return lambda: "".join(client.stream_with_retry(model, ASK)), client


def _langchain(url, model, settings):
    llm = langchain(url, model=model, **settings)
    return lambda: "".join(chunk.text for chunk in llm.stream("go")), llm


def _langchain_async(url, model, settings):
    llm = langchain(url, model=model, **settings)

    async def run():
        return "".join([chunk.text async for chunk in llm.astream("go")])

    return lambda: asyncio.run(run()), llm


def _llamaindex(url, model, settings):
    llm = llamaindex(url, model=model, **settings)
    return lambda: "".join(response.delta for response in llm.stream_chat(GO)), llm


ROWS = rows_at(SCALE)
CLIENTS: dict[str, Callable[..., tuple[Callable[[], str], Any]]] = {
    "ChatHolySheep": _langchain,
    "ChatHolySheep, async": _langchain_async,
    "HolySheep": _llamaindex,
    "StreamingRetryHandler": _handler,
}


@dataclass
class Seen:
    """What came of a fault.

    Attributes:
        texts: The text of each call; the partial one where it raised.
        errors: The errors raised.
        asked: The model of each request, in order.
        waits: Backoff and waits of the calls, in seconds.
        seconds: A call's time in the mean; where there are two calls, the second one's.
        totals: The client's own account.
        slowest: The slowest call's time.
    """

    texts: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    waits: float = 0.0
    seconds: float = 0.0
    totals: Any = None
    slowest: float = 0.0

    @property
    def whole(self) -> bool:
        return not self.errors and set(self.texts) == {TEXT}


def play(simulator: Simulator, row: Row, client: str, scale: float = SCALE) -> Seen:
    """Play one fault with one client."""
    delay = 1 / scale / EVENTS - FIXED
    more: dict[str, Any] = {"piece": PIECE, "delay": delay, **row.more}
    script = simulator.add(Scenario(text=TEXT, faults=row.faults, **more))
    gate = None if row.barrier is None else Gate(script.base_url, row.barrier)
    seen, times = Seen(), []

    def note(event: object) -> None:
        seen.waits += event.wait if isinstance(event, RetryScheduled) else 0.0

    fallback = FallbackConfig(models=[row.fallback], cooldown=10 / scale)
    settings = {**settings_at(scale), "fallback": fallback, "on_event": note}
    ask, client_ = CLIENTS[client](gate.url if gate else script.base_url, row.model, settings)
    for _ in range(row.calls):
        began = time.monotonic()
        try:
            seen.texts.append(ask())
        except core.HolySheepError as error:
            seen.errors.append(error)
            seen.texts.append(error.partial)
        times.append(time.monotonic() - began)
    if gate is not None:
        seen.asked += [model for model in gate.stopped if model]
        gate.close()
    seen.asked += [record.body["model"] for record in script.requests]
    few = 2
    seen.seconds = times[-1] if row.calls <= few else sum(times) / len(times)
    seen.slowest = max(times)
    seen.totals = client_.totals
    return seen
