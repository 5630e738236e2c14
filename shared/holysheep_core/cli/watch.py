"""`holysheep watch`: live figures of all programs that write an event log."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from holysheep_core.cli.report_data import reading
from holysheep_core.cli.report_text import bars
from holysheep_core.config.limits import RateLimits

MINUTE, DAY = 60.0, 86400.0
_LATEST = 8


@dataclass
class Now:
    """The current figures.

    Attributes:
        requests: Requests in the last 60 s.
        tokens: Tokens of the last 24 h.
        cost: Their cost in US$, as far as prices are known.
        unpriced: Requests of the last 24 h without a known price.
        failed: Calls that failed in the last 60 s.
        per_second: Requests in each of the last 60 seconds.
        cooling: Routes whose circuit is open: name -> seconds left.
        active: The active provider after a switch, else "".
        down: Providers that fail their health checks.
        canary: The canary's last step, as text.
        latest: Unix time and text of the latest events.
    """

    requests: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    failed: int = 0
    per_second: list[int] = field(default_factory=lambda: [0] * 60)
    cooling: dict[str, float] = field(default_factory=dict)
    active: str = ""
    down: set[str] = field(default_factory=set)
    canary: str = ""
    latest: list[tuple[float, str]] = field(default_factory=list)


def look(database: sqlite3.Connection, now: float) -> Now:
    """Read the figures of a moment `now`, a Unix time."""
    found = Now()
    minute, day = now - MINUTE, now - DAY
    # Events are written at once; the rows of `attempts` when the call ends.
    sent = "SELECT at FROM events WHERE kind = 'RequestSent' AND at > ?"
    for (at,) in database.execute(sent, (minute,)):
        found.requests += 1
        found.per_second[max(0, min(59, int(at - minute)))] += 1
    found.tokens, found.cost, found.unpriced = database.execute(
        "SELECT coalesce(sum(input_tokens + output_tokens), 0), coalesce(sum(cost_usd), 0.0), "
        "coalesce(sum(cost_usd IS NULL), 0) FROM attempts WHERE began > ?",
        (day,),
    ).fetchone()
    failed = "SELECT count(*) FROM events WHERE kind = 'StreamFailed' AND at > ?"
    found.failed = database.execute(failed, (minute,)).fetchone()[0]
    for at, kind, message, fields in database.execute(_STATES, (day,)):
        facts = json.loads(fields)
        if kind == "RouteCooled":
            found.cooling.pop(facts["route"], None)
            if facts["seconds"] is not None and at + facts["seconds"] > now:
                found.cooling[facts["route"]] = at + facts["seconds"] - now
        elif kind == "ActiveProviderChanged":
            found.active = facts["provider"]
        elif kind == "CanaryMoved":
            found.canary = message.removeprefix("canary ")
        elif facts["up"]:
            found.down.discard(facts["provider"])
        else:
            found.down.add(facts["provider"])
    found.latest = list(database.execute(_NEWS, (_LATEST,)))[::-1]
    return found


_STATES = """
SELECT at, kind, message, fields FROM events WHERE at > ? AND kind IN (
    'RouteCooled', 'ActiveProviderChanged', 'CanaryMoved', 'ProviderHealthChanged') ORDER BY at
"""
_NEWS = """
SELECT at, message FROM events
WHERE kind NOT IN ('RequestSent', 'FirstToken', 'StillWaiting') ORDER BY at DESC LIMIT ?
"""


def picture(found: Now, limits: RateLimits) -> RenderableType:
    """Return the figures as a panel."""
    top = Table.grid(padding=(0, 2))
    top.add_column(style="bold")
    top.add_column(min_width=24)
    top.add_column()
    _gauge(top, "requests, 60 s", found.requests, limits.requests_per_minute)
    _gauge(top, "tokens, 24 h", found.tokens, limits.tokens_per_day)
    unknown = f" + {found.unpriced:,} unknown" if found.unpriced else ""
    top.add_row("cost, 24 h", "", f"US$ {found.cost:,.4f}{unknown}")
    failed = Text(f"{found.failed:,}", style="bold red" if found.failed else "green")
    top.add_row("failed, 60 s", "", failed)
    lines: list[RenderableType] = [top, Text(f"\n{bars(found.per_second)}  requests a second\n")]
    for what, said in (
        ("asked first", found.active),
        ("down", ", ".join(sorted(found.down))),
        ("canary", found.canary),
        ("cooling down", ", ".join(f"{k} ({v:.0f} s)" for k, v in sorted(found.cooling.items()))),
    ):
        if said:
            lines.append(Text.assemble((f"{what}: ", "bold"), said))
    for at, message in found.latest:
        lines.append(
            Text.assemble((time.strftime("%H:%M:%S ", time.localtime(at)), "dim"), message)
        )
    return Panel(Group(*lines), title="holysheep watch", subtitle="Ctrl-C ends it")


def _gauge(table: Table, name: str, value: int, limit: int | None) -> None:
    if limit is None:
        table.add_row(name, "", f"{value:,}")
        return
    style = "red" if value >= limit else "yellow" if value >= 0.8 * limit else "green"
    bar = ProgressBar(total=limit, completed=min(value, limit), width=24, complete_style=style)
    table.add_row(name, bar, f"{value:,} of {limit:,}")


def watch(path: Path, limits: RateLimits, console: Console, *, once: bool, every: float) -> None:
    """Show the figures until Ctrl-C, or once.

    Args:
        path: The event log.
        limits: The tier's limits.
        console: Receives the output.
        once: Print once and return.
        every: Seconds between updates.

    Raises:
        ConfigurationError: The file does not exist or is not an event log.
    """
    with reading(path) as database:
        if once:
            console.print(picture(look(database, time.time()), limits))
            return
        try:
            with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
                while True:
                    live.update(picture(look(database, time.time()), limits), refresh=True)
                    time.sleep(every)
        except KeyboardInterrupt:
            return
