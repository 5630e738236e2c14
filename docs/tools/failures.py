"""Writes the tables of failures, from the engine's rules, into docs/failures.md and routing.md.

`python docs/tools/failures.py` writes; a test compares what is written with the rules.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path

from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.engine.rules import NEW_ADDRESS, NOT_THIS_MODEL, RULES, Move, Rule
from holysheep_core.errors import APIError, HolySheepError

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- failures: written by docs/tools/failures.py -->", "<!-- /failures -->"
SPECIAL = {
    NOT_THIS_MODEL: (
        "a refusal that names the model, or a request larger than all its limit allows"
    ),
    NEW_ADDRESS: ("no connection to an address that has not answered in this process"),
}
MOVES = {
    Move.NOWHERE: "-",
    Move.NEXT: "the next route",
    Move.OTHER_PROVIDER: "another provider",
    Move.OTHER_ADDRESS: "a provider at another address",
    Move.LARGER_WINDOW: "a model with a larger window",
}
TIMES = {0: "-", 1: "once", 2: "twice"}
STAYS = "tried again, up to `max_retries`"
SOON = "tried again for 2 s"
ERROR = "the error"


def table() -> str:
    """Return the table of the page on routing: errors with the same rule share a row."""
    rows: dict[Rule, list[str]] = {}
    for cls, rule in RULES.items():
        shown = replace(rule, outcome=None, cools=False)
        rows.setdefault(shown, []).append(f"`{cls.__name__}`")
    heads = ("what happened", "the same route again", "then", "where no other is left")
    lines = [_row(heads), "|---" * len(heads) + "|"]
    for rule, names in sorted(rows.items(), key=lambda row: (-row[0].again, row[0].move.value)):
        if rule.again or rule.move is not Move.NOWHERE:
            lines.append(_line(", ".join(sorted(names)), rule))
    lines += [_line(words, rule) for rule, words in SPECIAL.items()]
    lines.append(_row(("any other error", "-", "-", ERROR)))
    return "\n".join(lines)


def _line(what: str, rule: Rule) -> str:
    ends = STAYS if rule.stay else ERROR
    ends = SOON if rule is NEW_ADDRESS else ends
    return _row((what, TIMES[rule.again], MOVES[rule.move], ends))


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """Return the table of docs/failures.md: a row for each error."""
    heads = ("error", "what happened", "the same route again", "then", "cools down", "in `on`")
    lines = [_row(heads), "|---" * len(heads) + "|"]
    for cls, rule in sorted(RULES.items(), key=lambda each: _place(each[0])):
        what = (inspect.getdoc(cls) or "").splitlines()[0].rstrip(".:")
        listed = "yes" if _is_allowed(cls) else "not possible"
        cells = (TIMES[rule.again], MOVES[rule.move], "yes" if rule.cools else "-", listed)
        lines.append(_row((f"`{cls.__name__}`", what, *cells)))
    return "\n".join(lines)


def _place(cls: type[HolySheepError]) -> tuple[bool, int]:
    return not issubclass(cls, APIError), list(RULES).index(cls)


def _is_allowed(cls: type[HolySheepError]) -> bool:
    try:
        FallbackConfig(on=[cls])
    except HolySheepError:
        return False
    return True


FILES = {"docs/failures.md": page, "docs/explanation/routing.md": table}


def renewed(name: str) -> str:
    """Return a file with its table as the rules are now."""
    before, _, rest = (ROOT / name).read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{FILES[name]()}\n\n{END}{after}"


if __name__ == "__main__":
    for name in FILES:
        (ROOT / name).write_text(renewed(name), "utf-8")
        sys.stdout.write(f"{name}\n")
