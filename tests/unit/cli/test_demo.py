"""`holysheep demo`: every step passes, else the exit code is 1."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from holysheep_core.cli import demo
from support.cli import run


def test_demo_shows_every_step_whole_and_exits_0():
    result = run("demo")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == "", "the steps say it themselves"
    assert result.stdout.count("✓") == 4
    assert not any("가" <= letter <= "힣" for letter in result.stdout), "it is English"
    assert "4 of 4 came out whole" in result.stdout
    assert "paid: [1]\n" in result.stdout, "the ordinary agent pays 1"
    assert "paid: [1000], once and in full" in result.stdout


@pytest.mark.slow
def test_demo_exits_1_if_a_step_comes_out_wrong(tmp_path):
    # A stitcher that lets everything through: the repeated words reach the reader, and are noticed.
    code = (
        "from holysheep_core.resume.stitcher import Stitcher\n"
        "Stitcher.feed = lambda self, text: (setattr(self, 'decided', True), text)[1]\n"
        "from holysheep_core.cli import main; import sys\n"
        "sys.argv = ['holysheep', 'demo']; main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 1
    assert "✗" in result.stdout


def printing():
    return Console(file=io.StringIO(), width=200)


def test_a_demo_without_the_frameworks_names_the_extras_to_install(monkeypatch):
    monkeypatch.setattr(demo, "_installed", lambda _module: False)
    console = printing()
    assert not demo.run_all(console)
    wanted = 'pip install "holysheep[langchain]" "holysheep[llamaindex]"'
    assert wanted in console.file.getvalue()
