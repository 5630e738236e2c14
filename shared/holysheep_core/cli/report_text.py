"""`holysheep report` for the terminal."""

from __future__ import annotations

import time

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from holysheep_core.cli.report_data import HEAD, Report, as_table, facts, lists

_BARS = " ▁▂▃▄▅▆▇█"


def show(found: Report, console: Console) -> None:
    """Print a report."""
    console.print(f"[bold]Calls since {clock(found.since)}[/], {span(found)}")
    if not found.calls.count:
        console.print("Nothing was logged in that time.")
        return
    cards = [
        Panel(Text.assemble((value, "bold"), "\n", (word, "dim")), title=name, title_align="left")
        for name, value, word in facts(found)
    ]
    console.print(Columns(cards, width=38))
    counts = [group.count for group in found.steps]
    console.print(f"calls per {_step(found.step)}: {bars(counts)}  most: {max(counts):,}")
    if found.calls.failed:
        failed = [group.failed for group in found.steps]
        console.print(f"failed, likewise:  [red]{bars(failed)}[/]  most: {max(failed):,}")
    for title, groups in (
        ("model (requests)", found.models),
        ("provider (requests)", found.providers),
        ("tag (calls)", found.tags),
    ):
        if groups:
            table = Table(box=None, pad_edge=False, header_style="bold")
            for number, head in enumerate([title, *HEAD[1:]]):
                # Wrapped on a narrow terminal; rich would cut names and figures without a sign.
                table.add_column(head, justify="right" if number else "left", overflow="fold")
            for row in as_table(groups):
                table.add_row(*map(escape, row))
            console.print(table)
    console.print("[dim]latencies: 50th / 95th / 99th percentile[/]")
    for title, pairs in lists(found):
        if pairs:
            counted = ", ".join(f"{name} {count:,}" for name, count in pairs)
            console.print(f"[bold]{title}[/]: {escape(counted)}")
    for at, said in found.notes[-10:]:
        console.print(f"[dim]{clock(at)}[/] {escape(said)}")


def bars(values: list[int]) -> str:
    """Return a line of bars, one for each value."""
    most = max(values, default=0) or 1
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] for value in values)


def clock(at: float) -> str:
    """Return a Unix time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def span(found: Report) -> str:
    """Return the length of the report's time, in words."""
    hours = (found.until - found.since) / 3600
    if hours < 1:
        return f"{hours * 60:g} minutes"
    return "1 hour" if hours == 1 else f"{hours:g} hours"


def _step(seconds: float) -> str:
    hours = seconds / 3600
    if hours == 1:
        return "hour"
    return f"{hours:g} hours" if hours > 1 else f"{seconds / 60:g} min"
