"""`holysheep report --html`: one self-contained page for any screen, light or dark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from holysheep_core.cli.report_data import HEAD, Group, Report, as_table, facts, lists, percentile
from holysheep_core.cli.report_text import clock, span

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 180, 52, 22
_LATENCIES = "Latencies are the 50th / 95th / 99th percentile."
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2429; --soft: #66727a; --paper: #fbfbf9;
  --card: #ffffff; --line: #dfe3e5; --good: #1f6f8b; --resumed: #e0a526; --bad: #b5352a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebed; --soft: #98a4ab; --paper: #14181b;
  --card: #1c2226; --line: #333c42; --good: #57b3d1; --resumed: #edbf55; --bad: #ef7a6d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .2rem 0 1rem; color: var(--soft); }
.facts { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fit, minmax(9.4rem, 1fr)); }
.fact, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.fact { padding: .7rem .9rem; }
.fact span { display: block; color: var(--soft); font-size: .82rem; }
.fact b { font-size: 1.3rem; font-weight: 600; overflow-wrap: anywhere; }
figure { margin: 0 0 .7rem; padding: .8rem; }
figcaption { font-size: .9rem; color: var(--soft); margin-bottom: .4rem; }
figcaption i { display: inline-block; width: .7em; height: .7em; border-radius: 2px;
  margin: 0 .3em 0 .9em; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.good { fill: var(--good); background: var(--good); }
.bad { fill: var(--bad); background: var(--bad); }
.resumed { fill: var(--resumed); background: var(--resumed); }
.rule { stroke: var(--line); } .middle { fill: none; stroke: var(--good); stroke-width: 2; }
.late { fill: none; stroke: var(--resumed); stroke-width: 2; }
.dot.middle { fill: var(--good); } .dot.late { fill: var(--resumed); }
@media (max-width: 40rem) { body { padding: .8rem; } svg text { font-size: 22px; } }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .35rem .7rem .35rem 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
"""


def page(found: Report) -> str:
    """Return a report as an HTML page."""
    cards = "".join(
        f'<div class="fact"><span>{escape(name)}</span><b>{escape(value)}</b>'
        f"<span>{escape(word)}</span></div>"
        for name, value, word in facts(found)
    )
    groups = (
        ("Models", "requests", found.models),
        ("Providers", "requests", found.providers),
        ("Tags", "calls", found.tags),
    )
    parts = [
        f"<h1>Calls since {escape(clock(found.since))}</h1>",
        f"<p>{escape(span(found))}, until {escape(clock(found.until))}. {_LATENCIES}</p>",
        f'<div class="facts">{cards}</div>',
        "<h2>Over time</h2>",
        _calls_chart(found),
        _latency_chart(found),
        _cost_chart(found),
    ]
    for title, what, each in groups:
        if each:
            head = [title.lower()[:-1], what, *HEAD[2:]]
            parts += [f"<h2>{title}</h2>", _table(head, as_table(each))]
    for title, pairs in lists(found):
        if pairs:
            rows = [[str(name), f"{count:,}"] for name, count in pairs]
            parts += [f"<h2>{escape(title.capitalize())}</h2>", _table(["", "count"], rows)]
    if found.notes:
        rows = [[said, clock(at)] for at, said in reversed(found.notes[-50:])]
        parts += ["<h2>Providers</h2>", _table(["what happened", "when"], rows)]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>HolySheep report</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<div class="wide"><table>{line(head, "th")}{body}</table></div>'


def _calls_chart(found: Report) -> str:
    def stack(group: Group) -> list[tuple[str, float]]:
        fine = group.count - group.failed - group.resumed
        return [("good", fine), ("resumed", group.resumed), ("bad", group.failed)]

    caption = (
        'Calls <i class="good"></i>uninterrupted <i class="resumed"></i>resumed '
        '<i class="bad"></i>failed'
    )
    return _bars(found, caption, stack, lambda value: f"{value:,.0f}")


def _cost_chart(found: Report) -> str:
    return _bars(
        found, "Cost, US$", lambda group: [("good", group.cost)], lambda value: f"{value:.3g}"
    )


def _bars(
    found: Report,
    caption: str,
    stack: Callable[[Group], list[tuple[str, float]]],
    label: Callable[[float], str],
) -> str:
    most = max((sum(v for _, v in stack(group)) for group in found.steps), default=0) or 1
    wide = (_WIDTH - _LEFT) / max(1, len(found.steps))
    drawn = []
    for number, group in enumerate(found.steps):
        y = float(_HEIGHT - _BOTTOM)
        for kind, value in stack(group):
            if value <= 0:
                continue
            tall = value / most * (_HEIGHT - _BOTTOM - 12)
            y -= tall
            drawn.append(
                f'<rect class="{kind}" x="{_LEFT + number * wide + 1:.1f}" y="{y:.1f}" '
                f'width="{max(1.0, wide - 2):.1f}" height="{tall:.1f}">'
                f"<title>{escape(clock(float(group.name)))}: {label(value)}</title></rect>"
            )
    return _figure(caption, most, label, drawn, found)


def _latency_chart(found: Report) -> str:
    wide = (_WIDTH - _LEFT) / max(1, len(found.steps))
    lines = {}
    for kind, share in (("middle", 0.5), ("late", 0.95)):
        values = [percentile(group.first_tokens, share) for group in found.steps]
        lines[kind] = [(n, value) for n, value in enumerate(values) if value is not None]
    most = max((value for line in lines.values() for _, value in line), default=0.0) or 1.0
    drawn = []
    for kind, line in lines.items():
        at = [
            (
                _LEFT + (number + 0.5) * wide,
                _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _BOTTOM - 12),
            )
            for number, value in line
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        drawn.append(f'<polyline class="{kind}" points="{path}"/>')
        drawn += [f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in at]
    middle, late = '<i class="good"></i>median', '<i class="resumed"></i>95th percentile'
    caption = f"Seconds to the first token {middle} {late}"
    return _figure(caption, most, lambda value: f"{value:.2f}", drawn, found)


def _figure(
    caption: str, most: float, label: Callable[[float], str], drawn: list[str], found: Report
) -> str:
    floor = _HEIGHT - _BOTTOM
    begins, ends = escape(clock(found.since)), escape(clock(found.until))
    marks = (
        f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH}" y1="{floor}" y2="{floor}"/>'
        f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH}" y1="12" y2="12"/>'
        f'<text x="{_LEFT - 6}" y="16" text-anchor="end">{escape(label(most))}</text>'
        f'<text x="{_LEFT - 6}" y="{floor + 4}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{begins}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 6}" text-anchor="end">{ends}</text>'
    )
    return (
        f"<figure><figcaption>{caption}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{marks}{"".join(drawn)}</svg></figure>'
    )
