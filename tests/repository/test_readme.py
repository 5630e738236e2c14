"""The README: every Python block runs, all names exist, and the Korean README matches."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KOREAN = (ROOT / "README.ko.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_python_block_runs_as_it_stands(block, play, monkeypatch, tmp_path):
    script = play(text=None)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any-key")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", script.base_url)
    result = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert not script.requests or "You said:" in result.stdout


def test_every_make_target_it_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_file_it_names_exists():
    for path in re.findall(r"`(tests/[\w/.]+|shared/\w+)`", README):
        assert (ROOT / path).exists(), path


def test_ci_calls_what_the_readme_says():
    assert "make check test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def headings(page):
    return re.findall(r"^(#+) (.+)$", FENCE.sub("", page), flags=re.MULTILINE)


def links(page):
    return re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page))


def anchors(page):
    """As GitHub makes them: "Two words, `code`" is `two-words-code`, a second one `…-1`."""
    seen = Counter()
    for _, heading in headings(page):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        yield f"{slug}-{seen[slug]}" if seen[slug] else slug
        seen[slug] += 1


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


@pytest.mark.parametrize("page", [README, KOREAN], ids=["README.md", "README.ko.md"])
def test_every_anchor_it_links_to_is_a_heading_of_its_own(page):
    wanted = {link[1:] for link in links(page) if link.startswith("#")}
    assert wanted
    assert wanted <= set(anchors(page))


def test_anchors_are_githubs():
    page = "# A\n## Limits, `of` your_own\n## 여러 프로바이더, 한도\n## [A](b)\n```\n# no\n```\n"
    assert list(anchors(page)) == ["a", "limits-of-your_own", "여러-프로바이더-한도", "a-1"]


def test_korean_is_korean():
    prose = re.sub(r"`[^`]+`|\]\([^)]*\)", "", FENCE.sub("", KOREAN))
    letters = [letter for letter in prose if letter.isalpha()]
    assert sum("가" <= letter <= "힣" for letter in letters) > 0.8 * len(letters)
