"""The command line, as a user runs it."""

import io
import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from rich.console import Console

import holysheep_core
from holysheep_core.cli import demo
from holysheep_core.cli import rollback_drill as drill

HOLYSHEEP = [sys.executable, "-m", "holysheep_core.cli"]


def run(*arguments, **environment):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **environment}
    return subprocess.run(
        [*HOLYSHEEP, *arguments], capture_output=True, text=True, timeout=60, env=env, check=False
    )


def test_demo_shows_every_step_whole_and_exits_0():
    result = run("demo")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("✓") == 4
    assert "4 of 4 came out whole" in result.stdout
    assert "paid: [1]\n" in result.stdout, "the ordinary agent pays 1"
    assert "paid: [1000], once and in full" in result.stdout


def test_demo_exits_1_if_a_step_comes_out_wrong(tmp_path):
    # A seam that lets everything through: the repeated words reach the reader, and are noticed.
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


def test_live_demo_says_what_is_missing_without_a_key():
    result = run("demo", "--live", HOLYSHEEP_API_KEY="")
    assert result.returncode == 1
    assert "HOLYSHEEP_API_KEY is not set" in result.stdout


def test_live_demo_runs_against_any_server(play):
    script = play(text="Merino, Suffolk, Dorset.")
    result = run("demo", "--live", HOLYSHEEP_API_KEY="k", HOLYSHEEP_BASE_URL=script.base_url)
    assert result.returncode == 0, result.stdout
    assert "Merino, Suffolk, Dorset." in result.stdout


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
def test_the_version_is_told_in_either_way(asked):
    done = run(asked)
    assert (done.returncode, done.stdout) == (0, f"{holysheep_core.__version__}\n")


def test_without_its_libraries_the_command_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None\nfrom holysheep_core.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert 'pip install "holysheep[cli]"' in result.stderr


def test_the_rollback_drill_loses_nothing_and_is_over_and_back_in_time():
    done = run("rollback-drill", "--callers", "8", "--outage", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"lost +0\b", done.stdout)
    assert "✓ passed" in done.stdout


def test_a_drill_that_loses_a_call_or_takes_too_long_fails():
    ended = [drill.Call(11.0, provider="fallback", ended=12.0)]
    ended += [drill.Call(20.0, provider="holysheep", ended=21.0)]
    assert drill.Report(ended, broke=10.0, healed=19.0).good
    lost = [*ended, drill.Call(11.0, fault="APIConnectionError")]
    assert not drill.Report(lost, broke=10.0, healed=19.0).good
    late = [ended[0], drill.Call(55.0, provider="holysheep", ended=56.0)]
    assert not drill.Report(late, broke=10.0, healed=19.0).good


def test_a_drill_shows_an_error_with_all_its_brackets():
    console = printing()
    lost = drill.Call(11.0, fault="BadRequestError: needs [tools] or [/none]")
    drill.show(drill.Report([lost], broke=10.0, healed=19.0), console)
    assert "needs [tools] or [/none]" in console.file.getvalue()


def test_switching_without_redis_says_that_nothing_was_switched():
    done = run("switch", "openai", "--store", "redis://127.0.0.1:9/0")
    assert done.returncode == 1
    assert "nothing was switched" in done.stderr
