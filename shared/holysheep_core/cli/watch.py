"""`holysheep watch`: live figures of all programs that write an event log."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from holysheep_core.cli.report_data import FailedCall, failed_calls, reading
from holysheep_core.cli.report_json import failed_as_json, iso
from holysheep_core.cli.report_text import bars
from holysheep_core.cli.words import Words
from holysheep_core.config.limits import RateLimits
from holysheep_core.secrets import redact_line

MINUTE, DAY = 60.0, 86400.0
_LATEST = 8
_FAILURES = 5


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
        failures: The latest calls of the last 24 h that failed, the last one first.
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
    failures: list[FailedCall] = field(default_factory=list)


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
            account, _, model = facts["route"].partition("/")
            # Older versions wrote no name of the provider.
            name = redact_line(f"{facts.get('provider') or account}/{model}")
            found.cooling.pop(name, None)
            if facts["seconds"] is not None and at + facts["seconds"] > now:
                found.cooling[name] = at + facts["seconds"] - now
        elif kind == "ActiveProviderChanged":
            found.active = facts["provider"]
        elif kind == "CanaryMoved":
            found.canary = message.removeprefix("canary ")
        elif facts["up"]:
            found.down.discard(facts["provider"])
        else:
            found.down.add(facts["provider"])
    news = list(database.execute(_NEWS, (_LATEST,)))[::-1]
    found.latest = [(at, redact_line(message)) for at, message in news]
    found.failures = failed_calls(database, day, _FAILURES)
    return found


_STATES = """
SELECT at, kind, message, fields FROM events WHERE at > ? AND kind IN (
    'RouteCooled', 'ActiveProviderChanged', 'CanaryMoved', 'ProviderHealthChanged') ORDER BY at
"""
_NEWS = """
SELECT at, message FROM events
WHERE kind NOT IN ('RequestSent', 'FirstToken', 'StillWaiting') ORDER BY at DESC LIMIT ?
"""


def picture(found: Now, limits: RateLimits, words: Words) -> RenderableType:
    """Return the figures as a panel."""
    top = Table.grid(padding=(0, 2))
    top.add_column(style="bold")
    top.add_column()
    top.add_column()
    _gauge(top, words, "requests_60", found.requests, limits.requests_per_minute)
    _gauge(top, words, "tokens_24", found.tokens, limits.tokens_per_day)
    cost = f"{found.cost:,.4f}"
    if found.unpriced:
        cost = words("known_and_unknown", known=cost, unknown=f"{found.unpriced:,}")
    top.add_row(words("cost_24"), f"US$ {cost}")
    failed = Text(f"{found.failed:,}", style="bold red" if found.failed else "green")
    top.add_row(words("failed_60"), failed)
    lines: list[RenderableType] = [top, Text(), *_seconds(found.per_second, words), Text()]
    circuits = (
        words("seconds_left", name=name, seconds=f"{left:.0f}")
        for name, left in sorted(found.cooling.items())
    )
    for what, said in (
        ("active", found.active),
        ("down", ", ".join(sorted(found.down))),
        ("canary", found.canary),
        ("open_circuits", ", ".join(circuits)),
    ):
        if said:
            lines.append(Text.assemble((f"{words(what)}: ", "bold"), redact_line(said)))
    for at, message in found.latest:
        lines.append(Text.assemble((_hour(at), "dim"), " ", message))
    if found.failures:
        lines.append(Text(f"\n{words('failed_calls')}", style="bold"))
        lines += [_failed(each, words) for each in found.failures]
    return Panel(Group(*lines), title="holysheep watch", subtitle=words("ctrl_c"))


def _seconds(per_second: list[int], words: Words) -> list[RenderableType]:
    ago = words("ago", count=60)
    now = words("now")
    ticks = f"│{ago}".ljust(60 - cell_len(ago) + len(ago) - cell_len(now) - 1) + f"{now}│"
    title = words("per_second")
    most = words("most", count=f"{max(per_second):,}")
    return [Text(f"{title}, {most}"), Text(bars(per_second)), Text(ticks, style="dim")]


def _failed(failed: FailedCall, words: Words) -> Text:
    ids = ", ".join(failed.request_ids)
    route = f"{failed.provider}/{failed.model}"
    line = Text.assemble((_hour(failed.at), "dim"), " ", (redact_line(failed.error), "red"))
    line.append(f" {redact_line(route)}  {words('call_id')} {redact_line(failed.call_id)}")
    if ids:
        line.append(f"  {words('request_id')} {redact_line(ids)}")
    return line


def _hour(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def as_json(found: Now, limits: RateLimits, now: float) -> dict[str, Any]:
    """Return the figures of the moment `now` as plain values."""
    return {
        "time": iso(now),
        "requests_60s": found.requests,
        "requests_per_minute_limit": limits.requests_per_minute,
        "tokens_24h": found.tokens,
        "tokens_per_day_limit": limits.tokens_per_day,
        "cost_24h_usd": round(found.cost, 12),
        "unpriced_requests_24h": found.unpriced,
        "failed_calls_60s": found.failed,
        "open_circuits": [
            {"route": name, "seconds_left": round(left, 1)}
            for name, left in sorted(found.cooling.items())
        ],
        "active_provider": found.active or None,
        "down": sorted(found.down),
        "canary": found.canary or None,
        "failed_calls": [failed_as_json(each) for each in found.failures],
        "events": [{"time": iso(at), "event": message} for at, message in found.latest],
    }


def _gauge(table: Table, words: Words, name: str, value: int, limit: int | None) -> None:
    if limit is None:
        table.add_row(words(name), f"{value:,}")
        return
    style = "red" if value >= limit else "yellow" if value >= 0.8 * limit else "green"
    bar = ProgressBar(total=limit, completed=min(value, limit), width=24, complete_style=style)
    table.add_row(words(name), words("of_limit", count=f"{value:,}", limit=f"{limit:,}"), bar)


def watch(
    path: Path,
    limits: RateLimits,
    console: Console,
    *,
    once: bool,
    every: float,
    as_lines: bool = False,
    words: Words | None = None,
) -> None:
    """Show the figures until Ctrl-C, or once.

    Args:
        path: The event log.
        limits: The tier's limits.
        console: Receives the output.
        once: Print once and return.
        every: Seconds between updates.
        as_lines: Write a line of JSON for each update to standard output.
        words: The language; English by default.

    Raises:
        ConfigurationError: The file does not exist or is not an event log.
    """
    words = words or Words()
    with reading(path) as database:
        try:
            if as_lines:
                while True:
                    now = time.time()
                    line = json.dumps(as_json(look(database, now), limits, now), ensure_ascii=True)
                    sys.stdout.write(f"{line}\n")
                    sys.stdout.flush()
                    if once:
                        return
                    time.sleep(every)
            if once:
                console.print(picture(look(database, time.time()), limits, words))
                return
            with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
                while True:
                    live.update(picture(look(database, time.time()), limits, words), refresh=True)
                    time.sleep(every)
        except KeyboardInterrupt:
            return
