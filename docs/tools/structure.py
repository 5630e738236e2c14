"""Draws docs/structure.svg: the folders of the project, and which uses which.

    python docs/tools/structure.py           # writes the picture
    python docs/tools/structure.py --check   # exit 1 if it is not the one in the repository

A folder stands above all that it uses. Words that nearly every folder uses (errors, types, events,
…) are one box at the bottom, and an arrow that follows from others is left out.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs/structure.svg"
CORE = "holysheep_core"
WORDS = ("errors", "types", "events", "clock", "config", "catalog", "tokens", "secrets", "process")
LEFT_OUT = ("cli", "simulator", "cassettes", "testing", "__init__", "retry_budget")
WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 150, 34, 22, 46, 20
PURE = {"protocol", "resume", "routing", "engine"}

Uses = dict[str, set[str]]


def folder_of(path: Path) -> str:
    """Return the folder of a module, or its name where it lies beside the folders."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[2] if parts[0] == "shared" else parts[0]


def imported(path: Path) -> set[str]:
    """Return the folders a module imports from; the public names count as the client's."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        top, _, rest = node.module.partition(".")
        if top == CORE and rest:
            found.add(rest.partition(".")[0])
        elif top == CORE:
            found |= {each.name if each.name in WORDS else "client" for each in node.names}
    return found


def uses() -> Uses:
    """Return, for each folder, the folders it uses."""
    table: Uses = {}
    for top in ("shared/holysheep_core", "langchain_holysheep", "llamaindex_holysheep"):
        for path in sorted((ROOT / top).rglob("*.py")):
            here = folder_of(path)
            if here not in (*WORDS, *LEFT_OUT):
                table.setdefault(here, set()).update(imported(path))
    names = set(table)
    for here, targets in table.items():
        words = {"words"} if targets & set(WORDS) else set()
        table[here] = (targets & names) - {here} | words
    table["words"] = set()
    return table


def reachable(table: Uses, start: str) -> set[str]:
    """Return all folders that are used, directly or not."""
    found: set[str] = set()
    left = list(table[start])
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += table[name]
    return found


def reduced(table: Uses) -> Uses:
    """Leave out every arrow that follows from others."""
    return {
        here: {to for to in targets if not any(to in reachable(table, by) for by in targets - {to})}
        for here, targets in table.items()
    }


def floors(table: Uses) -> list[list[str]]:
    """Return the folders by floor, the lowest first; a folder stands above all it uses."""
    height: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in height:
            height[name] = 1 + max((of(each) for each in table[name]), default=-1)
        return height[name]

    for name in table:
        of(name)
    return [
        sorted(n for n in table if height[n] == floor) for floor in range(max(height.values()) + 1)
    ]


def places(rows: list[list[str]]) -> dict[str, tuple[float, float]]:
    """Return where each box stands: its left and its upper edge."""
    widest = max(len(row) for row in rows) * (WIDTH + GAP_X)
    found = {}
    for number, row in enumerate(reversed(rows)):
        left = MARGIN + (widest - len(row) * (WIDTH + GAP_X)) / 2
        for position, name in enumerate(row):
            found[name] = (left + position * (WIDTH + GAP_X), MARGIN + number * (HEIGHT + GAP_Y))
    return found


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a line from the lower edge of one box to the upper edge of another."""
    x, y = start[0] + WIDTH / 2, start[1] + HEIGHT
    to_x, to_y = end[0] + WIDTH / 2, end[1]
    middle = (y + to_y) / 2
    way = f"M{x:g} {y:g} C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
    return f'<path d="{way}" fill="none" stroke="#8a8fa3"/>'


def box(name: str, x: float, y: float) -> str:
    """Return a folder's box with its name."""
    label = "errors, types, …" if name == "words" else name
    fill = "#dff0e0" if name in PURE else "#e4e8f7"
    place = f'x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"'
    at = f'x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 4:g}" text-anchor="middle"'
    return (
        f'<rect {place} rx="5" fill="{fill}" stroke="#55597a"/>'
        f'<text {at} fill="#1c1e2b">{label}</text>'
    )


def drawn() -> str:
    """Return the picture."""
    table = uses()
    at = places(floors(table))
    width = max(x for x, _ in at.values()) + WIDTH + MARGIN
    height = max(y for _, y in at.values()) + HEIGHT + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">',
        "<title>The folders of the project, and which uses which</title>",
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        '<g font-family="sans-serif" font-size="13">',
    ]
    for here, targets in sorted(reduced(table).items()):
        lines += [arrow(at[here], at[to]) for to in sorted(targets)]
    lines += [box(name, *place) for name, place in sorted(at.items())]
    return "\n".join([*lines, "</g>", "</svg>", ""])


if __name__ == "__main__":
    picture = drawn()
    if "--check" in sys.argv:
        sys.exit(PICTURE.read_text(encoding="utf-8") != picture)
    PICTURE.write_text(picture, encoding="utf-8")
