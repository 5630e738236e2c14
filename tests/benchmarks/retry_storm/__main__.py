"""What retries add to an outage, with and without the retry budget, on virtual time.

    python tests/benchmarks/retry_storm [--write FILE] [--only WORDS]

Each row is ten thousand clients, real sessions all of them, that live through a minute of
trouble (`simulation`). A page that is written has its picture beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from simulation import (
    BEGINS,
    CLIENTS,
    ENDS,
    FALLBACK,
    LATENCY,
    MODEL,
    PERIOD,
    REFUSED,
    STOPS,
    Fleet,
    Tally,
    Trouble,
    simulate,
)

from holysheep_core import RetryBudget, RetryConfig

UNLIMITED = partial(RetryBudget, cost=0.0)
SMALL = 50.0  # tokens: five retries

WITHOUT = Fleet("without a budget", budget=UNLIMITED)
WITH = Fleet("with it, one process")
NAIVE = Fleet(
    "five retries, 1 s apart",
    budget=UNLIMITED,
    retry=RetryConfig(strategy="fixed_interval", jitter=0.0),
)
FLEETS = (
    NAIVE,
    WITHOUT,
    WITH,
    Fleet("100 processes, a bucket each", 100),
    Fleet(f"100 processes, `capacity={SMALL:.0f}` each", 100, partial(RetryBudget, SMALL)),
    Fleet("100 processes, one bucket, views up to 1 s late", 100, synced=1.0),
)
OUTAGE = Trouble("503 for a minute")
BROWNOUT = Trouble("503 for half of the requests", share=0.5)

Run = tuple[Trouble, Fleet]

MANNERS: list[Run] = [
    *((OUTAGE, fleet) for fleet in FLEETS),
    (Trouble("500 for a minute", 500), WITH),
    (Trouble("connections refused for a minute", REFUSED), WITH),
    *((BROWNOUT, fleet) for fleet in FLEETS),
]
SHARES: list[Run] = [
    (Trouble(f"503 for {percent} %", share=percent / 100), fleet)
    for percent in (1, 5, 10, 20, 30, 70)
    for fleet in (WITHOUT, WITH)
]
FALLBACKS: list[Run] = [
    (trouble, Fleet(fleet.title, budget=fleet.budget, fallbacks=(FALLBACK,)))
    for trouble in (
        Trouble("503 for the model", models=(MODEL,)),
        Trouble("500 for the model", 500, models=(MODEL,)),
        Trouble("503 for half of the model's", share=0.5, models=(MODEL,)),
        Trouble("500 for half of the model's", 500, share=0.5, models=(MODEL,)),
        Trouble("500 for both", 500),
        Trouble("500 for half of both's", 500, share=0.5),
        Trouble("500 for 20 % of both's", 500, share=0.2),
    )
    for fleet in (WITHOUT, WITH)
]
FALLBACKS.append(
    (
        Trouble("500 for both", 500),
        Fleet("with it, a client object for each call", fallbacks=(FALLBACK,), unrelated=True),
    )
)

HEAD = f"""# What the retry budget does in an outage

Written by `make outage`; nothing here is typed by hand. Each of {CLIENTS:,} clients makes one call per {PERIOD:.0f} s, at random
moments. The server answers after {LATENCY:g} s; from second {BEGINS:.0f} to second {ENDS:.0f} it fails, then it works again
at once. Every client is a real `Session` on virtual time, with the defaults of `RetryConfig` (five
retries, 1 s doubling, half of it jitter), so that a run takes about two seconds and always has the same result.

![Requests per second, with and without the retry budget](retry-storm.svg)

## The rule

All calls of a process share a retry budget (`RetryBudget`) with a bucket of 500 tokens for each provider, and one of
2,000 for all providers together. Each request after a call's first costs 10 tokens, a whole answer earns 1. The cost of
a move to another model, of the continuation of a cut answer and of a retry after a 429 is refunded with the first
content. A plain retry is not refunded: so there is at most one for every ten whole answers, and 50 more once, out of a
full bucket. While fewer than one request in eleven fails, each is retried. If the bucket is empty, the failed route
cools down, and the call moves to another route or, without one, fails at once.

The price: in a partial outage the budget loses calls that more retries would have saved, if the server can bear them; an
overloaded server cannot. A healthy fallback model (below) saves these calls in either case. Moves to it are additional
requests, at most one per call and model. Cooldowns belong to one client object: in an outage of all models, a program
that creates a new object for each call sends more requests.

Every process has its own buckets and bursts: with many processes give each a small budget,
`StreamingRetryHandler(budget=RetryBudget(capacity={SMALL:.0f}))`, or share one with `store=`. The shared bucket is modelled here:
processes synchronise every second, and overspent tokens become a debt.
"""
LEGEND = """*Traffic*: requests during the outage, as a multiple of the calls made in that time. *Lost*: share of the calls begun in
the outage that ended with an error. *Mean time*: seconds from the beginning to the end of the others.
"""


def row(run: Run, tally: Tally) -> str:
    """Return a line of a table."""
    trouble, fleet = run
    calls, mean = tally.calls(), tally.mean_time()
    cells = [
        trouble.title,
        fleet.title,
        f"{tally.multiple():.2f}",
        str(tally.peak()),
        str(tally.spike()),
        f"{tally.lost() / len(calls):.1%}".replace("%", " %"),
        "–" if mean is None else f"{mean:.1f} s",
    ]
    return "| " + " | ".join(cells) + " |"


def tables(only: str) -> tuple[str, dict[Run, Tally]]:
    """Play the runs whose trouble and fleet have these words; return the tables, and the runs."""
    parts, played = [LEGEND], {}
    with ProcessPoolExecutor() as pool:
        sections = [
            (title, [run for run in runs if only in f"{run[0].title} · {run[1].title}"])
            for title, runs in (
                ("One model, no fallback model", MANNERS),
                ("By share of failing requests", SHARES),
                (
                    f"With a fallback model, `{MODEL}` to `{FALLBACK}` at the same gateway",
                    FALLBACKS,
                ),
            )
        ]
        pending = {run: pool.submit(simulate, *run) for _, runs in sections for run in runs}
        for title, runs in sections:
            head = (
                "the server",
                "clients",
                "traffic",
                "peak /s",
                "peak /s after",
                "lost",
                "mean time",
            )
            lines = [f"## {title}\n", "| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
            for run in runs:
                played[run] = pending[run].result()
                lines.append(row(run, played[run]))
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts), played


def draw(played: dict[Run, Tally], file: Path) -> None:
    """Draw requests per second over time."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "retry storm"  # the same picture is the same file
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    panels: Sequence[tuple[Trouble, str]] = (
        (OUTAGE, "Every request fails (503) for a minute"),
        (BROWNOUT, "Half of the requests fail (503) for a minute"),
    )
    lines = ((NAIVE, "#c98b2b", 1.0), (WITHOUT, "#b5352a", 1.6), (WITH, "#1f6f8b", 2.0))
    seconds = range(int(STOPS))
    for axes, (trouble, title) in zip(figure.subplots(2, sharex=True), panels, strict=True):
        axes.axvspan(BEGINS, ENDS, color="#eeeeee", zorder=0)
        for fleet, colour, width in lines:
            tally = played[trouble, fleet]
            label = f"{fleet.title}: {tally.multiple():.2f} × the calls"
            axes.plot(
                seconds, [tally.requests[s] for s in seconds], color=colour, lw=width, label=label
            )
        axes.axhline(CLIENTS / PERIOD, color="#555555", lw=0.9, ls="--", label="calls made")
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_ylabel("requests per second")
        axes.set_ylim(bottom=0)
        axes.set_xlim(0, STOPS)
        axes.legend(loc="upper right", fontsize=8.5, framealpha=0.95)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("seconds (grey: the server is in trouble)")
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=110)


def main() -> None:
    """Print the page, or write it and its picture."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", type=Path, help="the page to write, instead of printing")
    options.add_argument("--only", default="", help="only rows whose 'server · clients' has these")
    given = options.parse_args()
    text, played = tables("" if given.write else given.only)
    if given.write:
        given.write.write_text(f"{HEAD}\n{text}", encoding="utf-8")
        draw(played, given.write.with_name("retry-storm.svg"))
    else:
        print(f"{HEAD}\n{text}")


if __name__ == "__main__":
    main()
