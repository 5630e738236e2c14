"""`holysheep report` for the terminal."""

from __future__ import annotations

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from holysheep_core.cli.report_axis import ticks_of_time
from holysheep_core.cli.report_data import Report
from holysheep_core.cli.report_rows import (
    as_failed,
    as_table,
    clock,
    facts,
    head,
    length,
    lists,
    span,
)
from holysheep_core.cli.words import Words
from holysheep_core.secrets import redact_line

_BARS = " ▁▂▃▄▅▆▇█"
_FAILURES = 10
_WIDE, _NAME = 110, 20  # columns from which so many characters of a name are not wrapped
_LEAST = 6  # columns for a name, so that no figure is wrapped
_FAILED = ("time", "error", "model", "provider", "call_id", "request_id")


def show(found: Report, console: Console, words: Words | None = None) -> None:
    """Print a report."""
    words = words or Words()
    since = escape(words("calls_since", time=clock(found.since)))
    console.print(f"[bold]{since}[/], {escape(span(found, words))}")
    if not found.calls.count:
        console.print(words("nothing"))
        return
    cards = [
        Panel(Text.assemble((value, "bold"), "\n", (remark, "dim")), title=name, title_align="left")
        for name, value, remark in facts(found, words)
    ]
    console.print(Columns(cards, width=38))
    _show_steps(found, console, words)
    for first, count, groups in (
        ("model", "requests", found.models),
        ("provider", "requests", found.providers),
        ("tag", "calls", found.tags),
    ):
        if groups:
            _print_table(console, head(words, first, count), as_table(groups, words))
    console.print(f"[dim]{escape(words('percentiles'))}[/]")
    for title, pairs in lists(found, words):
        if pairs:
            counted = ", ".join(f"{redact_line(str(name))} {count:,}" for name, count in pairs)
            console.print(f"[bold]{escape(title)}[/]: {escape(counted)}")
    if found.failures:
        listed = found.failures[:_FAILURES]
        console.print(
            f"[bold]{escape(words('failed_calls'))}[/]: "
            f"{escape(words('latest_failures', count=len(listed)))}"
        )
        for each in as_failed(listed):
            _print_failed(console, dict(zip(_FAILED, each, strict=True)), words)
    for at, said in found.notes[-10:]:
        console.print(f"[dim]{clock(at)}[/] {escape(redact_line(said))}")


def _show_steps(found: Report, console: Console, words: Words) -> None:
    counts = [group.count for group in found.steps]
    rows = [(words("calls_per", step=length(found.step, words)), counts, "")]
    if found.calls.failed:
        rows.append((words("failed_per"), [group.failed for group in found.steps], "red"))
    for name, values, style in rows:
        most = words("most", count=f"{max(values):,}")
        console.print(Text.assemble(name, ", ", (most, "dim")))
        console.print(Text(bars(values), style=style))
    console.print(Text(hours_below(found), style="dim"))


def hours_below(found: Report) -> str:
    """Return a line with hours, each at the column of its bar: "│" and the hour."""
    begin, line = float(found.steps[0].name), ""
    for at, name in ticks_of_time(begin, begin + len(found.steps) * found.step):
        column = int((at - begin) // found.step)
        mark = f"│{name}"
        if len(line) <= column and column + len(mark) <= len(found.steps):
            line = line.ljust(column) + mark
    return line


def _print_failed(console: Console, failed: dict[str, str], words: Words) -> None:
    route = f"{failed['provider']}/{failed['model']}"
    line = Text.assemble((failed["time"], "dim"), " ", (failed["error"], "red"), " ", route)
    console.print(line)
    # Not wrapped by us: an id in two lines cannot be copied.
    ids = (f"{words(key)} {failed[key]}" for key in ("call_id", "request_id"))
    console.print(Text(f"    {'  '.join(ids)}"), soft_wrap=True)


def _print_table(console: Console, names: list[str], rows: list[list[str]]) -> None:
    narrow = console.width < _WIDE
    if narrow:
        rows = [[cell.replace(" / ", "/") for cell in row] for row in rows]
    table = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0 if narrow else 1), header_style="bold"
    )
    # Wrapped on a narrow terminal, names before figures; rich would cut them without a sign.
    texts = [*map(list, zip(*rows, strict=True))]
    parts = [[*column, *name.split()] for name, column in zip(names, texts, strict=True)]
    widths = [max(map(cell_len, part)) for part in parts]
    gaps = (1 if narrow else 2) * len(names)
    fits = (_LEAST if narrow else min(widths[0], _NAME)) + sum(widths[1:]) + gaps <= console.width
    for number, name in enumerate(names):
        table.add_column(
            name,
            justify="right" if number else "left",
            overflow="fold",
            width=widths[number] if number and fits else None,
        )
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def bars(values: list[int]) -> str:
    """Return a line of bars, one for each value."""
    most = max(values, default=0) or 1
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] for value in values)
