"""The charts of a report's page, as HTML with SVG inside.

Only the bars and lines are SVG, stretched to the room there is. The labels are HTML beside them, so
that they have the size of text on any screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from holysheep_core.cli.report_axis import ticks_of_time, ticks_of_values
from holysheep_core.cli.report_data import Group, Report, percentile
from holysheep_core.cli.report_rows import clock
from holysheep_core.cli.words import Words

_WIDE, _HIGH = 1000, 100  # units of the drawings, which are stretched
_EDGE = 8.0  # percent of the width, within which a label is not centered on its tick
STYLE = """
figure { margin: 0 0 .7rem; padding: .8rem; }
figcaption { font-size: .9rem; color: var(--soft); margin-bottom: .6rem; }
figcaption i { display: inline-block; width: .7em; height: .7em; border-radius: 2px;
  margin: 0 .3em 0 .6em; }
figcaption span { white-space: nowrap; }
.plot { display: grid; grid-template-columns: auto 1fr; column-gap: .5rem; }
.plot svg { grid-column: 2; width: 100%; height: 9rem; display: block; }
.values { position: relative; font-size: .75rem; color: var(--soft); text-align: right; }
.values span { position: absolute; right: 0; transform: translateY(-50%); }
.values b { visibility: hidden; font-weight: inherit; white-space: nowrap; }
.hours { grid-column: 2; position: relative; height: 1.3rem; font-size: .75rem;
  color: var(--soft); }
.hours span { position: absolute; transform: translateX(-50%); white-space: nowrap; top: .2rem; }
.hours .first { transform: none; } .hours .last { transform: translateX(-100%); }
.good { fill: var(--good); background: var(--good); }
.bad { fill: var(--bad); background: var(--bad); }
.resumed { fill: var(--resumed); background: var(--resumed); }
.rule { stroke: var(--line); vector-effect: non-scaling-stroke; }
.middle, .late { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.dot { stroke-width: 5; stroke-linecap: round; }
.middle { stroke: var(--good); } .late { stroke: var(--resumed); }
"""


def calls_chart(found: Report, words: Words) -> str:
    """Return the chart of calls: uninterrupted, recovered, failed."""

    def stack(group: Group) -> list[tuple[str, float]]:
        fine = group.count - group.failed - group.resumed
        return [("good", fine), ("resumed", group.resumed), ("bad", group.failed)]

    legend = [("good", "uninterrupted"), ("resumed", "recovered"), ("bad", "failed")]
    caption = _caption(words, "calls", legend)
    return _bars(found, caption, stack, lambda value: f"{value:,.0f}", whole=True)


def cost_chart(found: Report, words: Words) -> str:
    """Return the chart of costs."""
    caption = _caption(words, "cost_usd", [])
    return _bars(found, caption, lambda group: [("good", group.cost)], _plain, whole=False)


def latency_chart(found: Report, words: Words) -> str:
    """Return the chart of the seconds to the first token: median and 95th percentile."""
    lines = {}
    for kind, share in (("middle", 0.5), ("late", 0.95)):
        values = [percentile(group.first_tokens, share) for group in found.steps]
        lines[kind] = [(n, value) for n, value in enumerate(values) if value is not None]
    largest = max((value for line in lines.values() for _, value in line), default=0.0) or 1.0
    ticks = ticks_of_values(largest)
    step = _WIDE / max(1, len(found.steps))
    drawn = []
    for kind, line in lines.items():
        at = [((n + 0.5) * step, _HIGH - value / ticks[-1] * _HIGH, value) for n, value in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in at)
        drawn.append(f'<polyline class="{kind}" points="{path}"/>')
        drawn += [
            f'<path class="{kind} dot" d="M{x:.1f} {y:.1f}h0"><title>{value:.2f} s</title></path>'
            for x, y, value in at
        ]
    caption = _caption(words, "seconds_to_first", [("good", "median"), ("resumed", "p95")])
    return _figure(caption, ticks, _plain, drawn, found)


def _plain(value: float) -> str:
    return f"{value:,.10g}"


def _caption(words: Words, title: str, legend: Sequence[tuple[str, str]]) -> str:
    marks = (f'<span><i class="{kind}"></i>{escape(words(key))}</span>' for kind, key in legend)
    return f"{escape(words(title))} {' '.join(marks)}"


def _bars(
    found: Report,
    caption: str,
    stack: Callable[[Group], list[tuple[str, float]]],
    label: Callable[[float], str],
    *,
    whole: bool,
) -> str:
    most = max((sum(v for _, v in stack(group)) for group in found.steps), default=0) or 1
    ticks = ticks_of_values(most, whole=whole)
    step = _WIDE / max(1, len(found.steps))
    drawn = []
    for number, group in enumerate(found.steps):
        y = float(_HIGH)
        for kind, value in stack(group):
            if value <= 0:
                continue
            tall = value / ticks[-1] * _HIGH
            y -= tall
            drawn.append(
                f'<rect class="{kind}" x="{(number + 0.08) * step:.2f}" y="{y:.2f}" '
                f'width="{0.84 * step:.2f}" height="{tall:.2f}">'
                f"<title>{escape(clock(float(group.name)))}: {label(value)}</title></rect>"
            )
    return _figure(caption, ticks, label, drawn, found)


def _figure(
    caption: str,
    ticks: Sequence[float],
    label: Callable[[float], str],
    drawn: list[str],
    found: Report,
) -> str:
    heights = [(tick, _HIGH - tick / ticks[-1] * _HIGH) for tick in ticks]
    values = "".join(
        f'<span style="top:{y:g}%">{escape(label(tick))}</span>' for tick, y in heights
    )
    widest = max((escape(label(tick)) for tick in ticks), key=len)  # gives the column its width
    rules = "".join(
        f'<line class="rule" x1="0" x2="{_WIDE}" y1="{y:g}" y2="{y:g}"/>' for _, y in heights
    )
    begin = float(found.steps[0].name)
    length = len(found.steps) * found.step
    hours = "".join(
        f"<span{_place(100 * (at - begin) / length)}>{escape(name)}</span>"
        for at, name in ticks_of_time(begin, begin + length)
    )
    return (
        f'<figure><figcaption>{caption}</figcaption><div class="plot">'
        f'<div class="values"><b>{widest}</b>{values}</div>'
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" role="img">'
        f'{rules}{"".join(drawn)}</svg><div class="hours">{hours}</div></div></figure>'
    )


def _place(percent: float) -> str:
    edge = ' class="first"' if percent < _EDGE else ' class="last"' if percent > 100 - _EDGE else ""
    return f'{edge} style="left:{percent:.2f}%"'
