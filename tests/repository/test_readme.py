"""Both READMEs are short, and the names and figures in them true; test_korean_pages compares them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KOREAN = (ROOT / "README.ko.md").read_text(encoding="utf-8")


def test_it_can_be_read_in_some_minutes():
    assert len(README.splitlines()) <= 150
    assert len(KOREAN.splitlines()) <= 150


def test_its_figures_are_those_of_the_page_of_faults():
    faults = (ROOT / "docs/faults.md").read_text(encoding="utf-8").partition("## LlamaIndex")[0]
    rows = re.findall(r"^\| \*(.+), of (\d+)\* \| (.+) \|$", faults, flags=re.MULTILINE)
    whole, error, wrong, hangs = ([int(cell) for cell in row[2].split(" | ")] for row in rows)
    assert f"*of {rows[0][1]} conversations, " in README
    theirs, ours = 0, 4  # the columns of `ChatOpenAI` and `ChatHolySheep`
    assert f"{whole[theirs]} whole, {wrong[theirs]} silently wrong, {hangs[theirs]} hangs" in README
    assert f"{hangs[theirs]} hangs, {error[theirs]} errors, most with half" in README
    assert f"{whole[ours]} whole, {error[ours]} typed errors" in README
    assert (wrong[ours], hangs[ours]) == (0, 0)


def test_every_file_it_names_exists():
    for path in re.findall(r"`(tests/[\w/.]+|shared/\w+)`", README):
        assert (ROOT / path).exists(), path


def test_ci_calls_what_the_readme_says():
    assert "make check test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "switch"),
    [
        pytest.param(README, "[한국어](README.ko.md)", id="README.md"),
        pytest.param(KOREAN, "[English](README.md)", id="README.ko.md"),
    ],
)
def test_the_other_language_korean_or_english_is_the_first_link(page, switch):
    assert page.splitlines()[:3] == ["# holysheep", "", switch]
