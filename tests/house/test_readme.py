"""The README: every Python block runs, and what it names exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
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
