"""Draws docs/images/timeline.svg: one answer over time, of `ChatHolySheep` and of `ChatOpenAI`.

    python docs/tools/timeline.py            # writes the picture
    python docs/tools/timeline.py other.svg  # writes it elsewhere

Both clients really ask a simulator that breaks their streams; the drawing is that of notebook 03.
Its background is light, so that it can be read on a dark page too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

from langchain_openai import ChatOpenAI
from matplotlib import pyplot as plt

from holysheep_core import Timeouts
from holysheep_core.simulator import (
    Scenario,
    Simulator,
    cut,
    error_event,
    refuse,
    stall,
)
from langchain_holysheep import ChatHolySheep

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs/images/timeline.svg"
sys.path.insert(0, str(ROOT / "notebooks"))

from timeline import Track, draw, watch  # noqa: E402 - the notebooks' own module

QUESTION = "How does a sheep spend its day?"
STORY = """\
A sheep grazes for about eight hours a day, and chews the cud for the rest.
It is easily worried, so it keeps close to the flock and looks for the others.
It gets up before sunrise to find grass with dew, and rests in the shade at noon.
In the evening it grazes again, until it lies down on a slope, beside the others."""
FAULTS = [
    cut(at=62, by="eof"),
    cut(at=86),
    stall(at=86, keepalive=True),
    refuse(429, retry_after=600),
    error_event(at=50),
]
"""The first three and the 429 break `gpt-4.1`; the error event breaks `claude-sonnet-4.5`."""


def played() -> tuple[Track, Track]:
    """Return what the readers of both clients saw, each of a server that breaks in the same way."""
    scenario = Scenario(STORY, faults=FAULTS, delay=0.02, piece=2)
    with Simulator() as simulator:
        ours = ChatHolySheep(
            model="gpt-4.1",
            base_url=simulator.add(scenario).base_url,
            fallback_models=["claude-sonnet-4.5", "gemini-2.5-flash"],
            timeouts=Timeouts(stall=1),
        )
        theirs = ChatOpenAI(
            model="gpt-4.1",
            base_url=simulator.add(scenario).base_url,
            timeout=1,
        )
        return watch(ours.stream(QUESTION)), watch(theirs.stream(QUESTION))


def main(picture: Path) -> None:
    """Draw both into a file.

    Raises:
        SystemExit: The answer did not arrive whole.
    """
    ours, theirs = played()
    if ours.text != STORY:
        sys.exit(f"not whole: {len(ours.text)} of {len(STORY)} characters, {ours.error}")
    # Text stays text: small, searchable, and drawn with the reader's font.
    settings = {"svg.fonttype": "none", "svg.hashsalt": "timeline", "font.family": "sans-serif"}
    with plt.rc_context(settings):
        draw(ours, theirs)
        plt.gcf().savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    plt.close("all")


if __name__ == "__main__":
    os.environ.update(dict.fromkeys(("HOLYSHEEP_API_KEY", "OPENAI_API_KEY"), "any"))
    main(Path(sys.argv[1]) if sys.argv[1:] else PICTURE)
