"""What is aimed at, and how far a run has come: one row for each target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cost import FLOOD, PACED
from crowd import PATIENCE, Crowd
from framework_readers import COALESCED

Ratios = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Findings:
    """All that a full run has measured.

    Attributes:
        ratios: By load and reader, CPU per delta over that of `iter_raw`.
        warm: Seconds to the first text beyond a bare socket's, by client.
        cold: The same with a new client and connection, by scheme and client.
        links: Connections that ten calls in a row made, by client.
        crowds: By reader and number of streams.
        capacity: The largest crowd in time, by reader.
        imports: Seconds and MiB, by module.
        recovery: Seconds from a cut to the next new text, the floor of that, characters again.
        growth: Cost of a delta by reader and length, over that of a short answer.
    """

    ratios: Ratios
    warm: dict[str, float]
    cold: dict[str, dict[str, float]]
    links: dict[str, int]
    crowds: dict[str, dict[int, Crowd]]
    capacity: dict[str, int]
    imports: dict[str, tuple[float, float]]
    recovery: tuple[float, float, float]
    growth: dict[str, dict[int, float]]


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        what: In words.
        figure: How to get the measured value.
        bound: What it is to reach.
        at_least: Whether more is better.
    """

    what: str
    figure: Callable[[Findings], float]
    bound: float
    at_least: bool = False
    unit: str = "×"

    def reached(self, found: Findings) -> bool:
        """Tell whether it is."""
        figure = self.figure(found)
        return figure >= self.bound if self.at_least else figure <= self.bound

    def row(self, found: Findings) -> str:
        """Return a line of the table."""
        sign = "≥" if self.at_least else "≤"
        mark = "reached" if self.reached(found) else "**not reached**"
        return (
            f"| {self.what} | {sign} {self.bound:g} {self.unit} "
            f"| {self.figure(found):.2f} {self.unit} | {mark} |"
        )


def _ratio(name: str, load: str = FLOOD) -> Callable[[Findings], float]:
    return lambda found: found.ratios[load][name]


def _cheaper(ours: str, theirs: str, load: str = FLOOD) -> Callable[[Findings], float]:
    return lambda found: found.ratios[load][theirs] / found.ratios[load][ours]


def _over_floor(prefix: str) -> Callable[[Findings], float]:
    def figure(found: Findings) -> float:
        ratios = found.ratios[FLOOD]
        floor = (
            ratios[f"{prefix}LangChain floor, built .stream"] + ratios[f"{prefix}httpx iter_raw"]
        )
        return ratios[f"{prefix}ChatHolySheep .stream"] / floor

    return figure


def _import(ours: str, theirs: str) -> Callable[[Findings], float]:
    return lambda found: found.imports[ours][0] / found.imports[theirs][0]


def _median(found: Findings, reader: str) -> float:
    crowd = found.crowds[reader].get(1000)
    return PATIENCE if crowd is None else crowd.median  # stuck: at least that


def _largest_growth(name: str) -> Callable[[Findings], float]:
    return lambda found: max(found.growth[name].values())


TARGETS = (
    Target("engine per delta, over `iter_raw`", _ratio("engine"), 1.35),
    Target("engine per delta, async, over `iter_raw`", _ratio("async engine"), 1.35),
    Target(
        "engine cheaper than the openai SDK", _cheaper("engine", "openai SDK"), 9, at_least=True
    ),
    Target(
        "engine cheaper than the openai SDK, async",
        _cheaper("async engine", "async openai SDK"),
        9,
        at_least=True,
    ),
    Target(
        "`ChatHolySheep.stream` cheaper than ChatOpenAI's",
        _cheaper("ChatHolySheep .stream", "ChatOpenAI .stream"),
        6,
        at_least=True,
    ),
    Target(
        "`ChatHolySheep.astream` cheaper than ChatOpenAI's",
        _cheaper("async ChatHolySheep .stream", "async ChatOpenAI .stream"),
        6,
        at_least=True,
    ),
    Target("`.stream` over (LangChain's floor + `iter_raw`)", _over_floor(""), 1.25),
    Target("`.astream` over the same, async", _over_floor("async "), 1.25),
    Target(
        "chain with a parser cheaper than on ChatOpenAI",
        _cheaper("ChatHolySheep in a chain", "ChatOpenAI in a chain"),
        2.5,
        at_least=True,
    ),
    Target(
        "chain, async, cheaper than on ChatOpenAI",
        _cheaper("async ChatHolySheep in a chain", "async ChatOpenAI in a chain"),
        2.5,
        at_least=True,
    ),
    Target(
        "chain, async, with `coalesce=True`",
        _cheaper(f"async {COALESCED}", "async ChatOpenAI in a chain"),
        2.5,
        at_least=True,
    ),
    Target(
        "`HolySheep.stream_chat` cheaper than OpenAILike's",
        _cheaper("HolySheep .stream_chat", "OpenAILike .stream_chat"),
        5,
        at_least=True,
    ),
    Target(
        "`HolySheep.astream_chat` cheaper than OpenAILike's",
        _cheaper("async HolySheep .stream_chat", "async OpenAILike .stream_chat"),
        5,
        at_least=True,
    ),
    Target(
        "paced: `.stream` cheaper than ChatOpenAI's",
        _cheaper("ChatHolySheep .stream", "ChatOpenAI .stream", PACED),
        2.8,
        at_least=True,
    ),
    Target(
        "paced: `.astream` cheaper than ChatOpenAI's",
        _cheaper("async ChatHolySheep .stream", "async ChatOpenAI .stream", PACED),
        3,
        at_least=True,
    ),
    Target(
        "concurrent `.astream` in one process, over ChatOpenAI's",
        lambda found: found.capacity["ChatHolySheep"] / max(1, found.capacity["ChatOpenAI"]),
        3,
        at_least=True,
    ),
    Target(
        "concurrent streams of the engine in one process",
        lambda found: found.capacity["engine"],
        1500,
        at_least=True,
        unit="",
    ),
    Target(
        "1,000 concurrent `.astream`: median delay over ChatOpenAI's",
        lambda found: _median(found, "ChatHolySheep") / _median(found, "ChatOpenAI"),
        0.1,
    ),
    Target(
        "memory per stream over LangChain's own",
        lambda found: (
            found.crowds["ChatHolySheep"][100].memory / found.crowds["LangChain alone"][100].memory
        ),
        1.1,
    ),
    Target(
        "first text, warm: beyond a bare socket, over ChatOpenAI's",
        lambda found: found.warm["ChatHolySheep"] / found.warm["ChatOpenAI"],
        0.5,
    ),
    Target(
        "import of `langchain_holysheep` over its peer's",
        _import("langchain_holysheep", "langchain_openai"),
        0.25,
    ),
    Target(
        "import of `llamaindex_holysheep` over its peer's",
        _import("llamaindex_holysheep", "llama_index.llms.openai_like"),
        0.25,
    ),
    Target(
        "from a cut to the next new text",
        lambda found: found.recovery[0] * 1000,
        5,
        unit="ms",
    ),
    Target("growth of cost, 200 to 200,000 deltas: engine", _largest_growth("engine"), 1.2),
    Target("growth: `ChatHolySheep.stream`", _largest_growth("ChatHolySheep .stream"), 1.2),
    Target("growth: `HolySheep.stream_chat`", _largest_growth("HolySheep .stream_chat"), 2),
)
