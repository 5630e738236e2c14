"""The command line, as a user runs it."""

import subprocess
import sys

import pytest

import holysheep_core
from support.cli import run


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_both_ways_print_the_version(asked):
    done = run(asked)
    assert (done.returncode, done.stdout) == (0, f"{holysheep_core.__version__}\n")


def test_without_its_libraries_the_command_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None\nfrom holysheep_core.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert 'pip install "holysheep[cli]"' in result.stderr


def test_switching_without_redis_says_that_nothing_was_switched():
    done = run("switch", "openai", "--store", "redis://127.0.0.1:9/0")
    assert done.returncode == 1
    assert "nothing was switched" in done.stderr
