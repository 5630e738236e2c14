"""Each Korean page has what its English page has, in Korean, and tells which links are English."""

import ast
import json
import re
from pathlib import Path

import pytest

from holysheep_core.simulator import cut
from support.programs import Programs
from support.translation import code, difference, figures, headings, links, names, prose, tables

ROOT = Path(__file__).parents[2]
PAIRS = {"README.ko.md": "README.md"} | {
    f"docs/ko/{page.name}": f"docs/tutorials/{page.name}"
    for page in sorted((ROOT / "docs/ko").glob("*.md"))
}
"""Korean page -> English page."""

TEXTS = {name: (ROOT / name).read_text("utf-8") for pair in PAIRS.items() for name in pair}
every_pair = pytest.mark.parametrize(("korean", "english"), list(PAIRS.items()), ids=list(PAIRS))


def test_every_tutorial_has_a_korean_page():
    tutorials = {page.name for page in (ROOT / "docs/tutorials").glob("*.md")}
    assert {page.name for page in (ROOT / "docs/ko").glob("*.md")} == tutorials


@every_pair
def test_headings_have_the_same_levels(korean, english):
    levels = [[level for level, _ in headings(TEXTS[name])] for name in (korean, english)]
    assert levels[0] == levels[1]


@every_pair
def test_tables_have_the_same_rows_columns_and_figures(korean, english):
    assert tables(TEXTS[korean]) == tables(TEXTS[english])
    assert figures(TEXTS[korean]) == figures(TEXTS[english])


@every_pair
def test_the_same_things_are_named_in_every_section(korean, english):
    own = "--lang ko"  # of the commands: an English reader does not need it
    theirs = [[name for name in section if name != own] for section in names(TEXTS[korean])]
    assert [[*map(untold, each)] for each in theirs] == [
        [*map(untold, each)] for each in names(TEXTS[english])
    ]


def untold(name):
    """A name without the texts in it, which may be Korean."""
    return re.sub(r'"[^"]*"', '""', name)


@every_pair
def test_code_is_the_same_but_for_comments_and_korean_strings(korean, english):
    ours, theirs = code(TEXTS[english]), code(TEXTS[korean])
    assert [language for language, _ in ours] == [language for language, _ in theirs]
    for (language, block), (_, translated) in zip(ours, theirs, strict=True):
        assert difference(language, block, translated) is None


@every_pair
def test_links_lead_to_the_same_pages_or_to_their_translations(korean, english):
    switch = {korean, english}
    translated = [PAIRS.get(link, link) for link in links(TEXTS[korean], korean)]
    ours = [link for link in links(TEXTS[english], english) if link not in switch]
    assert sorted(link for link in translated if link not in switch) == sorted(ours)


@every_pair
def test_a_link_to_an_english_page_says_so(korean, english):
    for line in prose(TEXTS[korean]).splitlines():
        for link in re.finditer(r"(?<!!)\[([^\]]+)\]\(((?!https?:)[^)]+\.md)\)", line):
            [target] = links(link[0], korean)
            if target in PAIRS or target == english:
                continue
            row = line.split("|")[1] if line.startswith("|") else ""
            assert "(영문)" in link[1] + row, link[0]


@every_pair
def test_it_is_korean(korean, english):
    text = re.sub(
        r"`[^`]+`|\]\([^)]*\)|^\| \[0\d_\w+", "", prose(TEXTS[korean]), flags=re.MULTILINE
    )
    letters = [letter for letter in text if letter.isalpha()]
    assert sum("가" <= letter <= "힣" for letter in letters) > 0.75 * len(letters)


@every_pair
def test_prompts_are_korean(korean, english):
    """Whatever a program asks or says for a reader; names and keys stay as they are."""
    for language, block in code(TEXTS[korean]):
        if language == "python":
            values = [each.value for each in ast.walk(ast.parse(block)) if hasattr(each, "value")]
            for words in values:
                if isinstance(words, str) and re.search(r"[a-z] [a-z]", words):
                    assert re.search("[가-힣]", words), words


def test_the_korean_tutorial_shows_what_it_says(play, tmp_path):
    page = TEXTS["docs/ko/first-stream.md"]
    [story] = re.findall(r'--text "([^"]+)"', page)
    [at] = map(int, re.findall(r"--cut-at (\d+)", page))
    forks = Programs()
    try:
        for block in [block for language, block in code(page) if language == "python"]:
            script = play(story, faults=[cut(at)])
            values = (("API_KEY", "any-key"), ("BASE_URL", script.base_url))
            env = {f"HOLYSHEEP_{name}": value for name, value in values}
            shown = forks.run([("page", block)], tmp_path, env).output
            for event in (f"stream cut after {at} characters", f"resumed at character {at}"):
                assert f"`{event}`" in page
                assert event in shown
            assert "1 번 재개" in shown
            assert re.sub(r"\n  \[.*?\]\n?", "", shown).startswith(story)
    finally:
        forks.stop()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_notebook_begins_with_a_summary_in_korean(path):
    first = json.loads(path.read_text("utf-8"))["cells"][0]
    title, _, summary = "".join(first["source"]).splitlines()[:3]
    assert title.startswith("# ")
    assert summary.startswith("**한국어 요약.** ")
    assert summary.endswith("니다.")


# -- the comparison itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "english", "korean"),
    [
        ("python", 'ask("sheep")  # a', 'ask("양")  # 가\n'),
        ("python", 'print(f"{n} sheep")', 'print(f"양 {n}마리")'),
        ("python", "x = [1, 'a b']", 'x = [1, "가"]'),
        ("bash", 'say --text "a sheep"  # a', 'say --text "양 한 마리"'),
        ("toml", "a = 1", "a = 1"),
    ],
)
def test_a_translation_of_code_is_accepted(language, english, korean):
    assert difference(language, english, korean) is None


@pytest.mark.parametrize(
    ("language", "english", "korean"),
    [
        ("python", 'ask("gpt-4.1")', 'ask("gpt-5")'),
        ("python", 'ask(model="가")', 'ask(name="가")'),
        ("python", "ask(sheep)", "ask(양)"),
        ("python", "sheep = 1", "양 = 1"),
        ("python", "ask(1)", "ask(True)"),
        ("python", "ask(1)", 'ask("가")'),
        ("python", "a()\nb()", "a()"),
        ("python", 'print(f"{n} sheep")', 'print(f"양 {m}마리")'),
        ("python", 'print(f"{n} sheep")', 'print(f"양 {n!r}마리")'),
        ("python", 'print(f"{n:.1f} s")', 'print(f"{n:.2f}초")'),
        ("python", "import a.b", "import a.c"),
        ("python", "async def f(): pass", "def f(): pass"),
        ("bash", "say --text 'a'", "say --words '가'"),
        ("bash", "one\ntwo", "one two"),
        ("bash", "one\ntwo", "one"),
        ("toml", "a = 1", "a = 2"),
    ],
)
def test_code_that_does_something_else_is_not_accepted(language, english, korean):
    assert difference(language, english, korean) is not None
