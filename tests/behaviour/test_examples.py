"""The examples run, on the simulator; the page in a real browser."""

import json
import os
import re
import runpy
import socket
import subprocess
import sys
import time
import uuid
import warnings
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from holysheep_core.cli.app import app
from holysheep_core.simulator import cut
from support.browser import Browser
from support.events import parse, text_of
from support.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"
TRUTH = "".join(
    f"{number}. 양 한 마리 👋🏽 jumps\r\nover\u2028the <b>fence</b>\n" for number in range(36)
)


class Web:
    """The chat's process, at an address of its own that outlives it."""

    def __init__(self, base_url, home, journal=None, command=("uvicorn", "app:app")):
        with socket.create_server(("127.0.0.1", 0)) as link:
            self.port = link.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {
            **os.environ,
            "HOLYSHEEP_API_KEY": "any",
            "HOLYSHEEP_BASE_URL": base_url,
            "JOURNAL": journal or f"sqlite:///{home}/answers.db",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self._command = [sys.executable, "-m", *command, "--port", str(self.port)]
        self.start()

    def start(self):
        """Start it; `wait` returns when it answers."""
        self._process = subprocess.Popen(
            [*self._command, "--log-level", "critical", "--timeout-graceful-shutdown", "1"],
            cwd=EXAMPLES / "fastapi_chat",
            env=self._settings,
        )

    def wait(self):
        wait_until(self._is_up, 30)

    def _is_up(self):
        assert self._process.poll() is None, "it has ended"
        try:
            return httpx.get(self.url).status_code == 200
        except httpx.TransportError:
            return False

    def end(self):
        self._process.kill()
        self._process.wait(30)


@pytest.fixture
def chat(play, tmp_path):
    """The chat before an upstream that takes some seconds, and is cut twice."""
    script = play(text=TRUTH, piece=6, delay=0.02, faults=[cut(150), cut(200)])
    browser = Browser(tmp_path / "home")  # first: without one, no server is started
    with closing(browser):
        web = Web(script.base_url, tmp_path)
        web.wait()
        yield script, web, browser
        web.end()


ANSWER = "document.querySelector('#answer').textContent"
STATUS = "document.querySelector('#status').textContent"


def ask(tab):
    tab.run("form.text.value = 'Tell me of sheep.'; form.requestSubmit()")
    tab.wait("location.hash")


def test_the_chat_shows_the_truth_once_after_reloads_restarts_and_cuts(chat):
    script, web, browser = chat
    tab = browser.open(web.url)
    ask(tab)
    for reached in (100, 250, 400):
        tab.wait(f"{ANSWER}.length > {reached}")
        tab.reload()
    tab.wait(f"{ANSWER}.length > 550")
    web.end()
    web.start()
    tab.wait(f"{STATUS}.includes('tokens')", 30)
    assert tab.run(ANSWER) == TRUTH
    assert tab.run("document.querySelector('#question').textContent") == "Tell me of sheep."
    assert sum(each.fault is not None for each in script.requests) == 2


def test_a_second_tab_stops_it_and_the_partial_stays(chat):
    script, web, browser = chat
    first = browser.open(web.url)
    ask(first)
    first.wait(f"{ANSWER}.length > 600")
    second = browser.open(first.run("location.href"))
    second.wait(f"{ANSWER}.length > 600")
    at = time.monotonic()
    second.run("document.querySelector('#stop').click()")
    wait_until(lambda: script.requests[-1].client_gone, 5)
    assert script.requests[-1].gone_at - at < 1.0
    for tab in (first, second):
        tab.wait(f"{STATUS} === 'Stopped.'")
    partial = first.run(ANSWER)
    assert partial == second.run(ANSWER)
    assert TRUTH.startswith(partial)
    assert 400 < len(partial) < len(TRUTH)
    first.reload()
    first.wait(f"{STATUS} === 'Stopped.'")
    assert first.run(ANSWER) == partial


def test_the_page_fits_a_phone_and_is_dark_where_the_reader_likes_that(tmp_path):
    browser = Browser(tmp_path / "home")
    with closing(browser):
        tab = browser.open((EXAMPLES / "fastapi_chat/index.html").as_uri())
        tab.run(
            f"answer.append({json.dumps(TRUTH + 'x' * 300)}); question.append('?'); show('…', 1)"
        )
        papers = set()
        for width, dark in ((390, False), (390, True), (1200, False), (1200, True)):
            tab.picture(tmp_path / f"{width}{dark}.png", width, dark=dark)  # to be looked at
            assert tab.run("document.documentElement.scrollWidth") <= width
            papers.add(tab.run("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a program without a key; returns what it prints."""

    def run(path):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            runpy.run_path(str(EXAMPLES / path), run_name="__main__")
        return capsys.readouterr().out

    for name in ("HOLYSHEEP_API_KEY", "HOLYSHEEP_BASE_URL"):  # they set them
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return run


def test_the_query_engine_answers_from_its_documents_through_two_cuts(run):
    printed = run("rag_llamaindex/main.py")
    assert (
        "are shorn in May. 양털은 대구에서 매달 첫째 월요일에 팔린다: their wool is sold" in printed
    )
    assert "- The north meadow has 17 sheep." in printed
    assert "goats" not in printed
    assert "resumed: 2\n" in printed


def test_the_agent_calls_its_tool_whole_and_keeps_its_conversation(run):
    printed = run("agent_langgraph/main.py")
    said = "There are 17 sheep on the north meadow, and one of them is black."
    assert printed.count(f"[count_sheep: {said}]\n") == 2
    assert printed.count("The north meadow has 17 sheep, and one of them is black.") == 4
    assert printed.count("(resumed: 1)") == 2, "a text, and a tool call"
    assert printed.endswith("messages kept: 8\n")


def test_the_file_of_questions_goes_on_after_a_kill(play, tmp_path, monkeypatch):
    script = play(None, delay=0.02)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", script.base_url)
    questions, out = EXAMPLES / "bulk_batch/questions.jsonl", tmp_path / "answers.jsonl"
    command = ["batch", str(questions), str(out), "--resume"]
    with subprocess.Popen(
        [sys.executable, "-m", "holysheep_core.cli", *command, "--concurrency", "1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.DEVNULL,
    ) as first:
        wait_until(lambda: out.exists() and out.read_text().count("\n") >= 3, 30)
        first.kill()
    assert CliRunner().invoke(app, command).exit_code == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    asked = [json.loads(line) for line in questions.read_text().splitlines()]
    names = sorted(answer["custom_id"] for answer in answers)
    assert names == [each["custom_id"] for each in asked]
    assert all(answer["response"] for answer in answers)
    assert len(script.requests) <= len(asked) + 1, "only what the kill broke off is asked again"


# -- many processes -------------------------------------------------------------------------

COMPOSE = yaml.safe_load((EXAMPLES / "docker-compose.yml").read_text("utf-8"))["services"]


def test_the_composition_has_the_processes_it_promises():
    assert set(COMPOSE) == {"simulator", "redis", "web1", "web2", "worker"}
    assert (
        len({each["environment"]["JOURNAL"] for each in COMPOSE.values() if "build" in each}) == 1
    )


@pytest.mark.parametrize("name", ["simulator", "worker"])
def test_its_commands_are_those_of_the_program(name):
    _, command, *arguments = COMPOSE[name]["command"]
    get_command(app).commands[command].make_context(command, arguments)


def test_one_web_process_shows_what_another_one_began(play, server, tmp_path):
    script = play(text=TRUTH, piece=12, delay=0.02, faults=[cut(200)])
    first, second = (
        Web(script.base_url, tmp_path, server.url, COMPOSE[name]["command"])
        for name in ("web1", "web2")
    )
    first.wait()
    second.wait()
    call_id = str(uuid.uuid4())
    httpx.post(f"{first.url}/answers/{call_id}", json={"text": "go"}).raise_for_status()
    with httpx.stream("GET", f"{second.url}/answers/{call_id}/events", timeout=40) as response:
        got = response.iter_bytes()
        pieces = [next(got) for _ in range(4)]
        first.end()
        pieces += got
    second.end()
    events = parse(pieces)
    assert text_of(events) == TRUTH
    assert events[-1][0] == "done"


@pytest.mark.parametrize("page", sorted(EXAMPLES.rglob("README.md")), ids=lambda p: p.parent.name)
def test_a_readme_is_short_and_its_links_work(page):
    written = page.read_text("utf-8")
    assert len(written.splitlines()) <= 16
    for target in re.findall(r"\]\((?![a-z]+:)([^)]+)\)", written):
        assert (page.parent / target).exists(), target
