"""Prints the table of failures from the engine's rules into docs/failures.md and the READMEs.

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
        "a refusal that names the model, or a request larger than all its limit allows",
        "모델 이름을 든 거절, 또는 한도 전체보다 큰 요청",
    ),
    NEW_ADDRESS: (
        "no connection to an address that has not answered in this process",
        "이 프로세스에서 응답한 적이 없는 주소에 연결할 수 없음",
    ),
}
MOVES = {
    Move.NOWHERE: ("-", "-"),
    Move.NEXT: ("the next route", "다음 경로"),
    Move.OTHER_PROVIDER: ("another provider", "다른 프로바이더"),
    Move.OTHER_ADDRESS: ("a provider at another address", "다른 주소의 프로바이더"),
    Move.LARGER_WINDOW: ("a model with a larger window", "컨텍스트가 더 큰 모델"),
}
TIMES = {0: ("-", "-"), 1: ("once", "1회"), 2: ("twice", "2회")}
HEADS = (
    ("what happened", "the same route again", "then", "where no other is left"),
    ("오류", "같은 경로 재시도", "그다음", "다른 경로가 없으면"),
)
STAYS = ("tried again, up to `max_retries`", "`max_retries`까지 재시도")
SOON = ("tried again for 2 s", "2초 동안 재시도")
ERROR = ("the error", "오류 발생")


def table(language: int) -> str:
    """Return the table of the READMEs: errors with the same rule share a row."""
    rows: dict[Rule, list[str]] = {}
    for cls, rule in RULES.items():
        shown = replace(rule, outcome=None, cools=False)
        rows.setdefault(shown, []).append(f"`{cls.__name__}`")
    lines = [_row(HEADS[language]), "|---" * len(HEADS[language]) + "|"]
    for rule, names in sorted(rows.items(), key=lambda row: (-row[0].again, row[0].move.value)):
        if rule.again or rule.move is not Move.NOWHERE:
            lines.append(_line(", ".join(sorted(names)), rule, language))
    lines += [_line(words[language], rule, language) for rule, words in SPECIAL.items()]
    rest = ("any other error", "그 밖의 오류")[language]
    lines.append(_row((rest, "-", "-", ERROR[language])))
    return "\n".join(lines)


def _line(what: str, rule: Rule, language: int) -> str:
    ends = STAYS if rule.stay else ERROR
    ends = SOON if rule is NEW_ADDRESS else ends
    return _row((what, TIMES[rule.again][language], MOVES[rule.move][language], ends[language]))


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """Return the table of docs/failures.md: a row for each error."""
    heads = ("error", "what happened", "the same route again", "then", "cools down", "in `on`")
    lines = [_row(heads), "|---" * len(heads) + "|"]
    for cls, rule in sorted(RULES.items(), key=lambda each: _place(each[0])):
        what = (inspect.getdoc(cls) or "").splitlines()[0].rstrip(".:")
        listed = "yes" if _is_allowed(cls) else "not possible"
        cells = (TIMES[rule.again][0], MOVES[rule.move][0], "yes" if rule.cools else "-", listed)
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


FILES = {
    "docs/failures.md": page,
    "README.md": lambda: table(0),
    "README.ko.md": lambda: table(1),
}


def renewed(name: str) -> str:
    """Return a file with its table as the rules are now."""
    before, _, rest = (ROOT / name).read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{FILES[name]()}\n\n{END}{after}"


if __name__ == "__main__":
    for name in FILES:
        (ROOT / name).write_text(renewed(name), "utf-8")
        sys.stdout.write(f"{name}\n")
