"""`docs/faults.md` has its script's rows and columns, and a row played now has the same result."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests/benchmarks/faults"
OURS = re.compile(r"HolySheep|\*\*`FunctionAgent`")


def tables(page):
    """Per framework: the columns' titles, and the rows by their first cell."""
    for part in page.split("\n## ")[1:]:
        lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line[:1] == "|"]
        columns, _, *rows = lines
        yield columns, {row[0]: row[1:] for row in rows}


def played(*options):
    result = subprocess.run(
        [sys.executable, SCRIPT, *options], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return list(tables(result.stdout))


WRITTEN = list(tables((ROOT / "docs/faults.md").read_text(encoding="utf-8")))


@pytest.mark.slow
def test_the_page_has_the_scripts_rows_and_columns():
    titles = re.findall(
        r"Conversation\(\s*['\"](.+?)['\"],\s", (SCRIPT / "conversations.py").read_text()
    )
    for (columns, rows), (now, _) in zip(WRITTEN, played("--only", "no such row"), strict=True):
        assert columns == now
        assert [row for row in rows if row[0] != "*"] == titles


@pytest.mark.slow
def test_a_row_played_now_is_as_the_page_says():
    for (_, written), (columns, rows) in zip(WRITTEN, played("--only", "of `1000`"), strict=True):
        [row] = [title for title in rows if title[0] != "*"]
        assert rows[row] == written[row]
        for title, cell in zip(columns[1:], rows[row], strict=True):
            assert cell.startswith("whole · " if OURS.search(title) else "**runs `pay(amount=1")


def test_ours_is_never_silently_wrong_and_never_hangs():
    for columns, rows in WRITTEN:
        for row, cells in rows.items():
            for title, cell in zip(columns[1:], cells, strict=True):
                if OURS.search(title) and row.startswith(("*silently", "*hangs")):
                    assert cell == "0", (row, title)
