"""`holysheep report --html`: one self-contained page for any screen, light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from holysheep_core.cli import report_charts as charts
from holysheep_core.cli.report_data import Report
from holysheep_core.cli.report_rows import (
    as_failed,
    as_table,
    clock,
    facts,
    failed_head,
    head,
    lists,
    span,
)
from holysheep_core.cli.words import Words
from holysheep_core.secrets import redact_line

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2429; --soft: #5c676f; --paper: #fbfbf9;
  --card: #ffffff; --line: #dfe3e5; --good: #1f6f8b; --resumed: #e0a526; --bad: #b5352a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebed; --soft: #98a4ab; --paper: #14181b;
  --card: #1c2226; --line: #333c42; --good: #57b3d1; --resumed: #edbf55; --bad: #ef7a6d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
h1::first-letter, h2::first-letter, p::first-letter, figcaption::first-letter {
  text-transform: uppercase; }
p { margin: .2rem 0 1rem; color: var(--soft); }
.facts { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fit, minmax(9.4rem, 1fr)); }
.fact, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.fact { padding: .7rem .9rem; }
.fact span { display: block; color: var(--soft); font-size: .82rem; }
.fact b { font-size: 1.3rem; font-weight: 600; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .35rem .7rem .35rem 0; text-align: right; white-space: nowrap;
  vertical-align: top; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
td:first-child, .text td { white-space: normal; overflow-wrap: anywhere; }
.text td:first-child { white-space: nowrap; }
th:first-child, td:first-child, .text th, .text td { text-align: left; }
th { color: var(--soft); font-weight: 500; }
@media (max-width: 48rem) {
  body { padding: .8rem; } .fact b { font-size: 1.15rem; }
  /* Each row is a card with a line for each cell: nothing to scroll sideways for. */
  thead { display: none; }
  tr, td { display: block; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td, .text td { display: flex; justify-content: space-between; gap: 1rem; border: 0;
    padding: .1rem 0; text-align: right; white-space: normal; }
  td::before { content: attr(data-label); color: var(--soft); flex: none; max-width: 50%; }
  td:first-child, .text td:first-child { font-weight: 600; }
}
"""


def page(found: Report, words: Words | None = None) -> str:
    """Return a report as an HTML page."""
    words = words or Words()
    cards = "".join(
        f'<div class="fact"><span>{escape(name)}</span><b>{escape(value)}</b>'
        f"<span>{escape(remark)}</span></div>"
        for name, value, remark in facts(found, words)
    )
    since, until = clock(found.since), clock(found.until)
    whole = words("until", span=span(found, words), time=until)
    title = escape(words("calls_since", time=since))
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{escape(whole)}. {escape(words('percentiles'))}</p>",
        f'<div class="facts">{cards}</div>',
        f"<h2>{escape(words('over_time'))}</h2>",
        charts.calls_chart(found, words),
        charts.latency_chart(found, words),
        charts.cost_chart(found, words),
    ]
    for title, first, count, groups in (
        ("models", "model", "requests", found.models),
        ("providers", "provider", "requests", found.providers),
        ("tags", "tag", "calls", found.tags),
    ):
        if groups:
            table = _table(head(words, first, count), as_table(groups, words))
            parts += [f"<h2>{escape(words(title))}</h2>", table]
    if found.failures:
        parts += [
            f"<h2>{escape(words('failed_calls'))}</h2>",
            f"<p>{escape(words('latest_failures', count=len(found.failures)))}</p>",
            _table(failed_head(words), as_failed(found.failures), kind="text"),
        ]
    for title, pairs in lists(found, words):
        if pairs:
            rows = [[redact_line(str(name)), f"{count:,}"] for name, count in pairs]
            parts += [f"<h2>{escape(title)}</h2>", _table(["", words("count")], rows)]
    if found.notes:
        rows = [[clock(at), redact_line(said)] for at, said in reversed(found.notes[-50:])]
        names = [words("time"), words("event")]
        table = _table(names, rows, kind="text")
        parts += [f"<h2>{escape(words('provider_events'))}</h2>", table]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(words('report'))}</title>"
        f"<style>{_STYLE}{charts.STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "figures") -> str:
    titles = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{escape(name)}">{escape(cell)}</td>'
            for name, cell in zip(names, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table class="{kind}"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>'
