"""Writes the table of docs/reference/models.md from the models the engine knows.

python docs/tools/models.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from holysheep_core.catalog_models import ROWS, ModelCard

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/models.md"
BEGIN = "<!-- models: written by docs/tools/models.py -->"
END = "<!-- /models -->"
HEADS = (
    *("model", "context window", "longest answer", "tools", "images", "JSON schema"),
    *("reasoning", "prefill", "input", "output"),
)


def table() -> str:
    """Return the table: a row for each model, by its first id."""
    lines = [_row(HEADS), "|---" * len(HEADS) + "|"]
    lines += [_row(_cells(ids[0], card)) for ids, card in ROWS]
    return "\n".join(lines)


def _cells(name: str, card: ModelCard) -> tuple[str, ...]:
    able = (card.tools, card.images, card.json_schema, card.reasoning, card.prefill)
    return (
        f"`{name}`",
        _tokens(card.context_window),
        _tokens(card.max_output_tokens),
        *("yes" if each else "no" for each in able),
        _dollars(card.input_price),
        _dollars(card.output_price),
    )


def _tokens(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _dollars(price: float | None) -> str:
    return "not known" if price is None else f"${price:.2f}"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def renewed() -> str:
    """Return the page with its table as the models are now."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(), "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
