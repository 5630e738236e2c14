"""`docs/retry-budget.md` has its script's text and rows, and a row played now is equal."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests/benchmarks/retry_storm"
PAGE = (ROOT / "docs/retry-budget.md").read_text(encoding="utf-8")


def played(words):
    result = subprocess.run(
        [sys.executable, SCRIPT, "--only", words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def is_result(line):
    return line.startswith("| ") and "---" not in line and "the server" not in line


def test_the_page_has_the_scripts_words_and_columns():
    written = [line for line in PAGE.splitlines() if not is_result(line)]
    assert [line for line in played("no such row") if line] == [line for line in written if line]


@pytest.mark.slow
def test_a_row_played_now_is_as_the_page_says():
    [row] = filter(is_result, played("503 for half of the requests · with it"))
    assert row in PAGE.splitlines()


def test_its_picture_is_there():
    assert "(retry-storm.svg)" in PAGE
    assert "</svg>" in (ROOT / "docs/retry-storm.svg").read_text(encoding="utf-8")
