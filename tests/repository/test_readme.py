"""The README is short, its names and figures are true, and the Korean README matches."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KOREAN = (ROOT / "README.ko.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)


def test_it_can_be_read_in_some_minutes():
    assert len(README.splitlines()) <= 150


def test_its_figures_are_those_of_the_page_of_faults():
    faults = (ROOT / "docs/faults.md").read_text(encoding="utf-8").partition("## LlamaIndex")[0]
    rows = re.findall(r"^\| \*(.+), of (\d+)\* \| (.+) \|$", faults, flags=re.MULTILINE)
    whole, error, wrong, hangs = ([int(cell) for cell in row[2].split(" | ")] for row in rows)
    assert f"*of {rows[0][1]} conversations, " in README
    theirs, ours = 0, 4  # the columns of `ChatOpenAI` and `ChatHolySheep`
    assert f"{whole[theirs]} whole, {wrong[theirs]} silently wrong, {hangs[theirs]} hangs" in README
    assert f"{whole[ours]} whole, {error[ours]} typed errors" in README
    assert (wrong[ours], hangs[ours]) == (0, 0)


def test_every_file_it_names_exists():
    for path in re.findall(r"`(tests/[\w/.]+|shared/\w+)`", README):
        assert (ROOT / path).exists(), path


def test_ci_calls_what_the_readme_says():
    assert "make check test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def headings(page):
    return re.findall(r"^(#+) (.+)$", FENCE.sub("", page), flags=re.MULTILINE)


def links(page):
    return re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page))


@pytest.mark.parametrize(
    ("page", "switch"),
    [
        pytest.param(README, "[한국어](README.ko.md)", id="README.md"),
        pytest.param(KOREAN, "[English](README.md)", id="README.ko.md"),
    ],
)
def test_the_other_language_korean_or_english_is_the_first_link(page, switch):
    assert page.splitlines()[:3] == ["# holysheep", "", switch]


def test_korean_has_the_same_headings_by_level():
    assert [level for level, _ in headings(KOREAN)] == [level for level, _ in headings(README)]


def test_korean_has_the_same_tables_by_rows_and_columns():
    def tables(page):
        found = re.findall(r"(?:^\|.*\n)+", FENCE.sub("", page), flags=re.MULTILINE)
        return [[row.count("|") for row in table.splitlines()] for table in found]

    assert tables(KOREAN) == tables(README)


def test_korean_has_the_same_code_but_for_comments():
    def code(page):
        blocks = [block for block in FENCE.findall(page) if "```text" not in block]
        return [re.sub(r"[ \t]*#.*", "", block) for block in blocks]

    assert code(KOREAN) == code(README)


def test_korean_names_the_same_things_in_every_section():
    def names(page):
        sections = re.split(r"^#+ .+$", FENCE.sub("", page), flags=re.MULTILINE)
        return [
            sorted(" ".join(name.split()) for name in re.findall(r"`([^`]+)`", section))
            for section in sections
        ]

    assert names(KOREAN) == names(README)


def test_korean_links_to_the_same_pages():
    def pages(page):
        return sorted(link for link in links(page)[1:] if not link.startswith("#"))

    assert pages(KOREAN) == pages(README)


def test_korean_is_korean():
    prose = re.sub(r"`[^`]+`|\]\([^)]*\)", "", FENCE.sub("", KOREAN))
    letters = [letter for letter in prose if letter.isalpha()]
    assert sum("가" <= letter <= "힣" for letter in letters) > 0.8 * len(letters)
