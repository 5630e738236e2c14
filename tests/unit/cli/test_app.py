"""The command line, as a user runs it."""

import re
import signal
import subprocess
import sys

import httpx
import pytest

import holysheep_core
from support.cli import HOLYSHEEP, run


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_simulate_serves_an_address_for_anyones_app(stop):
    command = [*HOLYSHEEP, "simulate", "--port", "0", "--text", "Baa.", "--delay", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://\S+/v1", process.stdout.readline()).group()
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
        answer = httpx.post(f"{url}/chat/completions", json=body).json()
        process.send_signal(stop)
    assert answer["choices"][0]["message"]["content"] == "Baa."
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--cut-at", "-2"),
        ("--times", "-1"),
        ("--delay", "-1"),
    ],
)
def test_simulate_refuses_a_number_without_a_meaning(option, value):
    done = run("simulate", "--port", "0", option, value)
    assert done.returncode == 2
    assert option in done.stderr
    assert "Traceback" not in done.stderr


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
