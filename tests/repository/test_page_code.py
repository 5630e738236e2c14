"""All code of the pages works: Python runs, commands have these options, `make` these targets."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from holysheep_core import StreamingRetryHandler, load_catalog
from holysheep_core.cli.app import app
from holysheep_core.cli.batch import read_items
from holysheep_core.simulator import cut
from support.cli import HOLYSHEEP
from support.programs import Programs

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PAGES = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in sorted(PAGES)}
ONE_PROGRAM = "The code of this page is one program"
"""A page that says so has blocks that need the ones before them."""


STORY = "Once upon a time there was a sheep that counted people, and fell asleep."
"""The model's answer where a page has the beginning of it; else it is made from the question."""


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def programs(name):
    """The programs of a page: lists of (name, code)."""
    found = [
        (f"{name}, block {number}", code)
        for number, code in enumerate(blocks(PAGES[name], "python"), start=1)
    ]
    return [found] if ONE_PROGRAM in " ".join(PAGES[name].split()) else [[block] for block in found]


ELSEWHERE = {"docs/how-to/monitoring.md": "tests/behaviour/test_monitoring_page.py"}
"""Pages whose code needs more than a process: the test that runs it."""

WITH_CODE = [name for name in PAGES if programs(name) and name not in ELSEWHERE]


@pytest.fixture(scope="module")
def forks():
    running = Programs()
    yield running
    running.stop()


def variables(script):
    """The environment in which a script stands for the gateway, and for OpenAI's own API."""
    values = (("API_KEY", "any-key"), ("BASE_URL", script.base_url))
    return {f"{whose}_{what}": value for whose in ("HOLYSHEEP", "OPENAI") for what, value in values}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_code_of_another_page_has_a_test_of_its_own(name):
    assert name in (ROOT / ELSEWHERE[name]).read_text("utf-8")


@pytest.mark.parametrize("name", WITH_CODE)
def test_every_python_block_runs_as_it_stands(name, forks, play, tmp_path):
    for number, program in enumerate(programs(name)):
        folder = tmp_path / str(number)
        folder.mkdir()
        begun = any(STORY[:20] in code for _, code in program)
        script = play(text=STORY if begun else None)
        ended = forks.run(program, folder, variables(script))
        assert ended.code == 0, f"{program[-1][0]}:\n{ended.output}"
        if name.startswith("README") and script.requests:
            assert "You said:" in ended.output


def test_a_block_that_fails_is_named_with_its_line(forks, tmp_path):
    ended = forks.run([("a.md, block 1", "x = 1\n"), ("a.md, block 2", "x / 0\n")], tmp_path, {})
    assert ended.code == 1
    assert 'File "a.md, block 2", line 1' in ended.output
    assert "x / 0" in ended.output


# -- commands -------------------------------------------------------------------------------

COMMANDS = typer.main.get_command(app)
SHOWN = [
    pytest.param(line.strip(), id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, line in enumerate("".join(blocks(page, "bash")).replace("\\\n", " ").splitlines())
    if line.strip().startswith("holysheep ")
]


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_line_that_is_shown_is_understood(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    for word in words:
        if word.endswith(".jsonl"):
            Path(word).touch()  # a file of requests has to exist
    command = COMMANDS
    while hasattr(command, "commands"):  # a group: the next word names a command of it
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words)


def options(words):
    """The options of the command that some words name, or None if there is no such command."""
    command = COMMANDS
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word not in command.commands:
            return None
        command = command.commands[word]
    return {opt for each in command.params for opt in each.opts} | {"--help"}


@pytest.mark.parametrize("name", PAGES)
def test_commands_in_the_text_exist_with_their_options(name):
    if name == "CHANGELOG.md":
        return  # it may name what has gone
    for code in re.findall(r"`(holysheep [^`]+)`", re.sub(r"\s+", " ", PAGES[name])):
        words = [word for word in code.split()[1:] if word not in ("…", "COMMAND")]
        known = options([word for word in words if not word.startswith("-")])
        assert known is not None, code
        assert {word for word in words if word.startswith("--")} <= known, code


SIMULATIONS = [
    pytest.param(code, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, code in enumerate(re.findall(r"holysheep simulate [^`\n#]*--cut-at[^`\n#]*", page))
]


@pytest.mark.parametrize("command", SIMULATIONS)
def test_an_answer_of_a_simulation_that_is_shown_is_cut_and_resumed(command):
    asked = [{"role": "user", "content": "Tell me about sheep."}]
    words = [*shlex.split(command)[1:], "--port", "0", "--delay", "0"]
    with subprocess.Popen([*HOLYSHEEP, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.search(r"http://\S+/v1", process.stdout.readline()).group()
            with StreamingRetryHandler("any-key", base_url=url) as handler:
                first, second = (handler.complete("gpt-4.1", asked) for _ in "ab")
        finally:
            process.terminate()
    assert first.text == second.text
    assert (first.resumes, second.resumes) == (1, 0)


def test_every_make_target_that_is_named_exists():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for name, page in PAGES.items():
        named = re.findall(r"`make ([\w-]+)", page)
        for code in blocks(page, "bash"):
            named += re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)
        assert set(named) <= {*targets, "…"}, name


# -- others ---------------------------------------------------------------------------------


def test_the_tutorial_shows_what_it_says(forks, play, tmp_path):
    page = PAGES["docs/tutorials/first-stream.md"]
    [line] = [line for line in page.splitlines() if line.startswith("holysheep simulate")]
    words = shlex.split(line)
    text, at = words[words.index("--text") + 1], int(words[words.index("--cut-at") + 1])
    assert f"`stream cut after {at} characters`" in page
    for program in programs("docs/tutorials/first-stream.md"):
        script = play(text, faults=[cut(at)])
        shown = forks.run(program, tmp_path, variables(script)).output
        assert f"stream cut after {at} characters" in shown
        assert f"resumed at character {at}" in shown
        assert "1 resumes" in shown
        assert re.sub(r"\n  \[.*?\]\n?", "", shown).startswith(text)


def test_the_tests_of_the_page_on_testing_pass(tmp_path):
    for code in blocks(PAGES["docs/how-to/pytest-with-the-simulator.md"], "python"):
        if name := re.match(r"# (\w+\.py)\n", code):
            (tmp_path / name[1]).write_text(code, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "5 passed" in ended.stdout


@pytest.mark.parametrize("name", [name for name in PAGES if blocks(PAGES[name], "toml")])
def test_a_catalog_that_is_shown_can_be_loaded(name, tmp_path):
    for code in blocks(PAGES[name], "toml"):
        (tmp_path / "models.toml").write_text(code, "utf-8")
        assert load_catalog(tmp_path / "models.toml")


@pytest.mark.parametrize("name", [name for name in PAGES if blocks(PAGES[name], "json")])
def test_a_file_of_requests_that_is_shown_is_one(name, tmp_path):
    for code in blocks(PAGES[name], "json"):
        (tmp_path / "in.jsonl").write_text(code, "utf-8")
        assert len(read_items(tmp_path / "in.jsonl", None)) == len(code.splitlines())
