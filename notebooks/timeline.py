"""What the readers of a stream saw over time, and its picture."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

GREY, THEIRS, CUT = "#7d878d", "#c98b2b", "#b5352a"
OURS = ("#1f6f8b", "#7a4f9a", "#3f7d4e")  # a model each, in the order they were asked
WORDS = {
    "StreamTruncatedError": "clean end\nin mid-sentence",
    "StreamCutError": "connection reset",
    "StreamStalledError": "silence, but for\nkeep-alive comments",
    "ServerError": "error event",
}


@dataclass
class Track:
    """A stream as its reader saw it.

    Attributes:
        points: (seconds since the call, characters so far), from (0, 0) on.
        text: All that was shown.
        error: Name of the error that ended it; "no error" if none did.
        metadata: What the chunks said of it.
    """

    points: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])
    text: str = ""
    error: str = "no error"
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> float:
        """Seconds until it was over."""
        return self.points[-1][0]

    @property
    def longest_wait(self) -> float:
        """Seconds without anything new, at the most."""
        return max(after[0] - before[0] for before, after in pairwise(self.points))

    @property
    def attempts(self) -> list[tuple[dict[str, Any], list[tuple[float, int]]]]:
        """The requests that were sent for it, as far as the client tells, each with its points."""
        made, told = [], 0
        for attempt in self.metadata.get("resilience", {}).get("attempts", []):
            before, told = told, told + attempt["characters"]
            made.append((attempt, [point for point in self.points if before < point[1] <= told]))
        return made


def watch(chunks: Iterable[Any], *, aloud: bool = False) -> Track:
    """Read a LangChain stream to its end, whichever it is, and note when what arrived."""
    track, began = Track(), time.monotonic()
    try:
        for chunk in chunks:
            track.text += chunk.text
            track.metadata |= chunk.response_metadata
            track.points.append((time.monotonic() - began, len(track.text)))
            if aloud:
                print(chunk.text, end="", flush=True)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what is shown
        track.error = type(error).__name__
    track.points.append((time.monotonic() - began, len(track.text)))
    return track


def draw(ours: Track, theirs: Track) -> None:
    """Draw two streams of one answer: characters over time above, requests below.

    Args:
        ours: `ChatHolySheep`'s, which has all of the answer.
        theirs: `ChatOpenAI`'s, of a server that breaks in the same way.
    """
    figure = plt.figure(figsize=(11, 6.8), dpi=130, layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    models = list(dict.fromkeys(attempt["model"] for attempt, _ in ours.attempts))
    colours = dict(zip(models, OURS * len(models), strict=False))
    _text(above, ours, theirs, colours)
    _requests(below, ours, theirs, colours)
    for axes in (above, below):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0, labelsize=10)
        axes.set_xlim(0, ours.ended * 1.01)


def _text(axes: Axes, ours: Track, theirs: Track, colours: dict[str, str]) -> None:
    whole, shown = len(ours.text), len(theirs.text)
    broken = f", broken {len(ours.attempts) - 1} times" if len(ours.attempts) > 1 else ""
    axes.set_title(f"One answer{broken}: what has arrived", loc="left", fontsize=13, weight="bold")
    axes.set_ylabel("characters", fontsize=10)
    axes.set_ylim(0, max(whole, shown, 1) * 1.1)
    axes.grid(axis="y", color="#e8eaeb", lw=0.8)
    axes.set_axisbelow(True)

    _line(axes, theirs.points, color=THEIRS, alpha=0.55, lw=9, zorder=2)
    axes.plot((theirs.ended, ours.ended), (shown, shown), color=THEIRS, lw=1.8, ls=(0, (1, 2)))
    end = {"ha": "right", "fontsize": 11, "weight": "bold"}
    share = f" of {whole}" if ours.text.startswith(theirs.text) else ""  # else another answer
    said = f"ChatOpenAI: {shown}{share} characters, {theirs.error}"
    _say(axes, said, (ours.ended, shown), (-4, -6), color=THEIRS, va="top", **end)

    colour = GREY
    for attempt, points in ours.attempts:
        if not points:
            continue
        colour, (last, told) = colours[attempt["model"]], points[-1]
        _line(axes, points, color=colour, lw=3, zorder=3)
        again = next((when for when, count in ours.points if count > told), None)
        if again is not None:
            axes.axvspan(last, again, color=CUT, alpha=0.08, lw=0, zorder=0.5)
            axes.plot((last, again), (told, told), color=CUT, lw=1.2, ls=(0, (2, 2)), zorder=3)
            axes.plot(last, told, "X", color=CUT, ms=11, mec="white", zorder=5)
            axes.plot(again, told, "o", color="white", mec=GREY, ms=7, mew=1.6, zorder=5)
            what = WORDS.get(attempt["outcome"], attempt["outcome"])
            _say(axes, what, (last, told), (-6, 9), color=CUT, ha="right", fontsize=10)
    said = f"ChatHolySheep: {whole} of {whole} characters"
    if ours.error != "no error":
        said = f"ChatHolySheep: {whole} characters, {ours.error}"
    _say(axes, said, (ours.ended, whole), (-8, 5), color=colour, va="bottom", **end)
    signs = [
        Line2D([], [], ls="", marker="X", color=CUT, ms=9, mec="white", label="the stream breaks"),
        Line2D([], [], ls="", marker="o", color="white", mec=GREY, mew=1.6, label="resumed"),
        Patch(color=CUT, alpha=0.1, label="nothing new to read"),
    ]
    signed = {"loc": "upper left", "fontsize": 10, "labelcolor": GREY}
    axes.legend(handles=signs, framealpha=1, edgecolor="white", **signed)


def _requests(axes: Axes, ours: Track, theirs: Track, colours: dict[str, str]) -> None:
    axes.set_title("The requests behind it", loc="left", fontsize=11, weight="bold")
    key = "dark: new text;  light: words said before, or silence"
    axes.set_title(key, loc="right", fontsize=9, color=GREY)
    lanes = {**colours, "ChatOpenAI": THEIRS}
    rows = {name: row for row, name in enumerate(lanes)}
    bar = {"height": 0.68, "lw": 0}
    label = {"va": "center", "fontsize": 8, "weight": "bold"}
    for attempt, points in ours.attempts:
        row, colour = rows[attempt["model"]], lanes[attempt["model"]]
        began, number = attempt["started"], attempt["number"]
        axes.barh(row, attempt["duration"], left=began, color=colour, alpha=0.25, **bar)
        if points:
            (first, _), (last, _) = points[0], points[-1]
            axes.barh(row, last - first, left=first, color=colour, **bar)
            said = f"{number} {attempt['technique']}"
            _say(axes, said, (first, row), (4, 0), color="white", **label)
        else:
            axes.plot(began, row, "X", color=CUT, ms=10, mec="white", zorder=5)
            said = f"{number} failed: {attempt['status_code'] or attempt['outcome']}"
            _say(axes, said, (began, row), (8, 0), color=CUT, **label)
    axes.barh(rows["ChatOpenAI"], theirs.ended, color=THEIRS, **bar)
    _say(axes, "1 request", (0, rows["ChatOpenAI"]), (4, 0), color="white", **label)
    axes.set_yticks(range(len(lanes)), lanes)
    for tick, colour in zip(axes.get_yticklabels(), lanes.values(), strict=True):
        tick.set_color(colour)
    axes.invert_yaxis()
    axes.set_xlabel("seconds", fontsize=10)


def _line(axes: Axes, points: list[tuple[float, int]], **how: Any) -> None:
    at, seen = zip(*points, strict=True)
    axes.step(at, seen, where="post", **how)


def _say(
    axes: Axes, text: str, at: tuple[float, float], beside: tuple[float, float], **how: Any
) -> None:
    axes.annotate(text, at, beside, textcoords="offset points", **how)
