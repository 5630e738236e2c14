"""Writes the page of figures and its picture."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path

from cost import FLOOD, REFERENCE
from crowd import AIOHTTP
from targets import TARGETS, Findings

HEAD = """# What a streamed token costs

Written by `make bench`; nothing here is typed by hand. The server is a separate process; all clients
take turns in one run, and figures are medians. CPU per delta is a multiple of the CPU that `httpx`'s sync
`iter_raw` needs to read the bytes ({base}). Events have about 230 bytes. All promises are kept during the
measurements: timeouts, ledger, splicing, events.

![CPU per delta](speed.svg)
"""
ORDER = (
    "engine",
    "openai SDK",
    "litellm",
    "ChatHolySheep .stream",
    "ChatOpenAI .stream",
    "LangChain floor, ready-made .stream",
    "LangChain floor, built .stream",
    "ChatHolySheep in a chain",
    "ChatHolySheep, coalesce=True, in a chain",
    "ChatOpenAI in a chain",
    "LangChain floor, built in a chain",
    "HolySheep .stream_chat",
    "OpenAILike .stream_chat",
    "LlamaIndex floor, built .stream_chat",
    "HolySheep .stream_complete",
    "OpenAILike .stream_complete",
)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def costs(ratios: dict[str, dict[str, float]]) -> str:
    """Return the table of CPU per delta, sync / async."""

    def cell(load: str, name: str) -> str:
        pair = [ratios[load].get(each) for each in (name, f"async {name}")]
        return " / ".join("–" if each is None else f"{each:.2f}" for each in pair)

    names = [REFERENCE, *(name for name in ORDER if any(name in each for each in ratios.values()))]
    rows = ([name, *(cell(load, name) for load in ratios)] for name in names)
    return table(["sync / async", *ratios], rows)


def page(found: Findings, reference: str, ceiling: str) -> str:
    """Return the whole page."""
    parts = [HEAD.format(base=reference), "## Targets\n"]
    lines = ["| what | target | measured | |", "| --- | --- | --- | --- |"]
    parts += ["\n".join([*lines, *(target.row(found) for target in TARGETS)]) + "\n"]
    parts += ["## CPU per delta\n", costs(found.ratios)]
    parts.append(
        "*Floor*: the framework alone, with the same chunk every time (ready-made), or with a new chunk "
        f"for each delta, as in our models (built). {ceiling}\n"
    )
    parts.append("## First text\n\nMilliseconds beyond a bare socket on an open connection.\n")
    parts.append(
        table(
            ["client", "warm", "cold", "cold, TLS", "connections for ten calls"],
            (
                [
                    name,
                    f"{warm * 1e3:.2f}",
                    *(f"{found.cold[scheme][name] * 1e3:.2f}" for scheme in ("http", "https")),
                    str(found.links[name]),
                ]
                for name, warm in found.warm.items()
            ),
        )
    )
    parts.append(
        "## Many streams in one process\n\n17 deltas per second in each stream, asyncio.\n"
    )
    rows = [
        [
            str(streams),
            name,
            f"{crowd.cpu:.2f}",
            f"{crowd.per_delta * 1e6:.0f}",
            f"{crowd.median * 1e3:.1f}",
            f"{crowd.late * 1e3:.0f}",
            f"{crowd.memory:.0f}",
        ]
        for streams in sorted({n for crowds in found.crowds.values() for n in crowds})
        for name, crowds in found.crowds.items()
        if (crowd := crowds.get(streams))
    ]
    head = ["streams", "reader", "CPU", "µs per delta", "delay ms, median", "99 %", "KiB a stream"]
    parts.append(table(head, rows))
    parts.append(
        f"*{AIOHTTP}* is the engine with an `httpx.AsyncClient` on aiohttp's parser as its `http_async_client`.\n"
    )
    most = "; ".join(f"{name}: {streams:,}" for name, streams in found.capacity.items())
    parts.append(f"Most streams with a 99th percentile of at most 250 ms: {most}.\n")
    parts.append("## Import, beyond the framework's base classes\n")
    rows = [[name, f"{s * 1e3:.0f}", f"{m:.1f}"] for name, (s, m) in found.imports.items()]
    parts.append(table(["module", "ms", "MiB"], rows))
    gap, floor, again = found.recovery
    parts.append(
        f"## Recovery\n\nFrom a cut to the next new text: {gap * 1e3:.1f} ms; a bare socket needs "
        f"{floor * 1e3:.1f} ms for connection, request and first text. Requested again: {again:.0f} characters.\n"
    )
    parts.append("## Growth\n\nCost of a delta, divided by its cost in an answer of 200 deltas.\n")
    lengths = next(iter(found.growth.values()))
    rows = [[name, *(f"{r:.2f}" for r in grown.values())] for name, grown in found.growth.items()]
    parts.append(table(["deltas", *(f"{length:,}" for length in lengths)], rows))
    parts.append(f"Python {platform.python_version()}, {platform.machine()}.\n")
    return "\n".join(parts)


def draw(found: Findings, file: Path) -> None:
    """Draw CPU per delta, and delays of a crowd."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "speed"  # the same picture is the same file
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    bars, lines = figure.subplots(1, 2, width_ratios=[3, 2])
    names = [name for name in ORDER if name in found.ratios[FLOOD] and "floor" not in name][::-1]
    ours = ["#1f6f8b" if "HolySheep" in name or name == "engine" else "#b9b9b9" for name in names]
    values = [found.ratios[FLOOD][name] for name in names]
    drawn = bars.barh([name.replace(" .", ".") for name in names], values, color=ours)
    bars.bar_label(drawn, [f"{value:.1f}" for value in values], padding=3, fontsize=8)
    bars.set_title("CPU per delta, httpx iter_raw = 1", loc="left", fontsize=10)
    colours = {
        "engine": "#1f6f8b",
        AIOHTTP: "#8a6bb8",
        "ChatHolySheep": "#3fa7c4",
        "ChatOpenAI": "#b5352a",
    }
    for name, crowds in found.crowds.items():
        delays = [crowd.late * 1e3 for crowd in crowds.values()]
        if len(delays) > 1:
            colour = colours.get(name, "#999999")
            lines.plot(list(crowds), delays, marker="o", ms=4, label=name, color=colour)
    lines.axhline(250, color="#555555", lw=0.8, ls="--")
    lines.set_yscale("log")
    lines.set_title("99 % of deltas arrive within, ms", loc="left", fontsize=10)
    lines.set_xlabel("concurrent streams in one process")
    lines.legend(fontsize=8)
    for axes in (bars, lines):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    figure.savefig(file, metadata={"Date": None}, dpi=110)
