"""`holysheep rollback-drill`: stops and restarts the primary under load, and measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from holysheep_core import (
    APIGateway,
    Completion,
    HealthCheck,
    HolySheepError,
    Provider,
    RetryBudget,
    StreamingRetryHandler,
)
from holysheep_core.simulator import Scenario, Simulator
from holysheep_core.types import ChatRequest, Delta

ALLOWED = 30.0
"""Most seconds that failover and recovery may take each."""

PRIMARY, SECOND = "holysheep", "fallback"
_ANSWER = "One sheep, two sheep, three sheep: " + "baa, " * 20 + "and the gate is shut."
_WARM_UP, _SETTLED, _PATIENCE = 2.0, 2.0, 40.0


@dataclass
class Call:
    """One call of the load, with times on one clock.

    Attributes:
        began: Time of the call.
        gaps: (end, length) of each pause between two deltas.
        provider: The provider of the answer's end.
        ended: Time of the answer's end.
        fault: The error or difference, if any.
        resumes: Number of continuations.
    """

    began: float
    gaps: list[tuple[float, float]] = field(default_factory=list)
    provider: str = ""
    ended: float = 0.0
    fault: str = ""
    resumes: int = 0


@dataclass
class Report:
    """The results of the drill; times in seconds."""

    calls: list[Call]
    broke: float
    healed: float

    @property
    def lost(self) -> list[Call]:
        """Calls that ended with an error or with a wrong text."""
        return [call for call in self.calls if call.fault]

    @property
    def over(self) -> float:
        """Seconds from the outage to the first whole answer of the fallback."""
        return next(self._ends(SECOND, self.broke), time.monotonic()) - self.broke

    @property
    def back(self) -> float:
        """Seconds from the restart to the first whole answer of the primary."""
        return next(self._ends(PRIMARY, self.healed), time.monotonic()) - self.healed

    @property
    def settled(self) -> float:
        """Seconds from the restart to the last call that began at the fallback."""
        late = [c.began for c in self.calls if c.provider == SECOND and c.began > self.healed]
        return max(late, default=self.healed) - self.healed

    @property
    def silence(self) -> float:
        """The longest pause of a stream after the outage began, in seconds."""
        gaps = (gap for call in self.calls for at, gap in call.gaps if at >= self.broke)
        return max(gaps, default=0.0)

    @property
    def good(self) -> bool:
        """Whether no call was lost, and failover and recovery took less than `ALLOWED`."""
        return not self.lost and max(self.over, self.back) < ALLOWED

    def _ends(self, provider: str, after: float) -> Iterator[float]:
        return iter(
            sorted(c.ended for c in self.calls if c.provider == provider and c.began > after)
        )


async def rehearse(callers: int, outage: float, tell: Console) -> Report:
    """Stop the primary for `outage` seconds under the load of `callers`, and measure.

    The primary is a separate server: when it stops, running answers are cut and new connections are
    refused. Then it restarts on the same port.
    """
    scenario = Scenario(text=_ANSWER, delay=0.01, piece=8)
    calls: list[Call] = []
    over = asyncio.Event()
    with Simulator(scenario=scenario) as second:
        primary = Simulator(scenario=scenario).start()
        port = int(primary.base_url.rsplit(":", 1)[1].partition("/")[0])
        gateway = APIGateway(
            [
                Provider("drill", primary.base_url, name=PRIMARY),
                Provider("drill", second.base_url, name=SECOND),
            ],
            health_check=HealthCheck(),
        )
        handler = StreamingRetryHandler(gateway=gateway, fallback_models=[], budget=RetryBudget())
        async with handler:
            load = [asyncio.create_task(_call_on(handler, calls, over)) for _ in range(callers)]
            await asyncio.sleep(_WARM_UP)
            tell.print(f"  {len(calls)} calls so far; the primary stops now.")
            broke = time.monotonic()
            await asyncio.to_thread(primary.stop)
            await asyncio.sleep(outage)
            primary = Simulator(port=port, scenario=scenario).start()
            healed = time.monotonic()
            tell.print(f"  {len(calls)} calls so far; the primary is up again.")
            await _until_back(calls, healed)
            over.set()
            await asyncio.gather(*load)
        primary.stop()
    return Report(calls, broke, healed)


async def _call_on(handler: StreamingRetryHandler, calls: list[Call], over: asyncio.Event) -> None:
    while not over.is_set():
        call = Call(time.monotonic())
        calls.append(call)
        message = {"role": "user", "content": f"Count sheep, please ({len(calls)})."}
        try:
            await _listen(handler, call, ChatRequest("gpt-4.1", [message]))
        except HolySheepError as error:
            call.fault = f"{type(error).__name__}: {error}"
            call.ended = time.monotonic()


async def _listen(handler: StreamingRetryHandler, call: Call, request: ChatRequest) -> None:
    last, text = call.began, ""
    async for delta in handler.astream(request):
        now = time.monotonic()
        call.gaps.append((now, now - last))
        last = now
        if isinstance(delta, Delta):
            text += delta.text
        if isinstance(delta, Completion):
            call.provider, call.resumes, call.ended = delta.provider, delta.resumes, now
    if text != _ANSWER:
        call.fault = f"another text: {text!r}"


async def _until_back(calls: list[Call], healed: float) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        await asyncio.sleep(0.1)
        recent = [call for call in calls if call.ended > time.monotonic() - _SETTLED]
        quiet = time.monotonic() - healed > _SETTLED
        if quiet and recent and all(call.provider == PRIMARY for call in recent):
            return


def show(report: Report, console: Console) -> None:
    """Print the results."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    resumed = sum(call.resumes > 0 for call in report.calls)
    rows = [
        ("calls made", f"{len(report.calls)}"),
        ("lost", f"{len(report.lost)}"),
        ("cut in mid-answer and resumed", f"{resumed}"),
        ("failover: first answer of the fallback after", f"{report.over:.2f} s"),
        ("longest pause of a stream", f"{report.silence:.2f} s"),
        ("rollback: first answer of the primary after", f"{report.back:.2f} s"),
        ("all calls back at the primary after", f"{report.settled:.2f} s"),
        ("allowed for each", f"{ALLOWED:.0f} s"),
    ]
    for what, figure in rows:
        table.add_row(what, f"[bold]{figure}[/]")
    console.print(table)
    for call in report.lost[:3]:
        console.print(f"  [red]{escape(call.fault)}[/]")
    console.print("[bold green]✓ passed[/]" if report.good else "[bold red]✗ failed[/]")
