"""The site and the pages of the root: all names exist, and all public names are documented."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
NAV = re.findall(r": ([\w/-]+\.md)$", CONFIG, flags=re.MULTILINE)
HOOK = (DOCS / "tools/pages.py").read_text(encoding="utf-8")
OF_ROOT = dict(re.findall(r'"([\w.]+\.md)": "(\w+\.md)"', HOOK))
"""Files of the root that are pages too: file -> page."""

PEOPLE = ["README.md", "README.ko.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
PAGES = [ROOT / name for name in PEOPLE] + sorted(DOCS.rglob("*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_site_names_every_page_there_is_and_no_other():
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert written | set(OF_ROOT.values()) == set(NAV)
    assert len(NAV) == len(set(NAV))
    assert set(OF_ROOT) == set(PEOPLE)


def test_the_files_its_settings_name_exist():
    for name in re.findall(r"[\w/]+\.(?:py|css)\b", CONFIG):
        assert (ROOT / name).exists() or (DOCS / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_work_where_the_page_is_read_on_github(page):
    links = re.findall(r"\]\((?![a-z]+:|#)([^()#\s]+)(?:#[^()\s]*)?\)", page.read_text("utf-8"))
    for target in links:
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("package", "page"),
    [
        ("holysheep_core", "core"),
        ("holysheep_core.simulator", "simulator"),
        ("holysheep_core.testing", "simulator"),
        ("langchain_holysheep", "langchain"),
        ("llamaindex_holysheep", "llamaindex"),
    ],
)
def test_every_public_name_is_in_the_reference(package, page):
    text = (DOCS / f"reference/{page}.md").read_text("utf-8")
    shown = set(re.findall(rf"^::: {package}\.(\w+)$", text, flags=re.MULTILINE))
    for module in {"events", "errors"} & shown:  # shown whole
        shown |= set(vars(importlib.import_module(f"{package}.{module}")))
    assert set(importlib.import_module(package).__all__) <= shown


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_test_file_and_target_they_name_exists(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    for path, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page):
        assert re.search(rf"def {test}\(", (ROOT / path).read_text("utf-8")), f"{path}::{test}"
    for path in re.findall(r"`((?:tests|shared|packaging|docs)/[\w/.-]+)`", page):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"(?:^|`)make ([\w-]+)", page, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, flags=re.MULTILINE), target


OLD_WORDS = re.compile(
    r"by and by|left alone|the joint\b|dark rooms?|\banew\b|\bgoes on\b|\b(?:are|is) told\b|taken up"
    r"|takes up|\bhears?\b|honest|stand-ins?\b|\bpurse\b|\bladder\b|failure is a value",
    re.IGNORECASE,
)
"""Words that readers had to guess at; CONTRIBUTING has those that are used instead."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_none_of_the_old_words(page):
    if page.name != "CHANGELOG.md":  # the past keeps its words
        assert not OLD_WORDS.findall(page.read_text("utf-8"))


def test_the_picture_of_the_folders_is_drawn_from_the_imports_as_they_are():
    command = [sys.executable, "docs/tools/structure.py", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
