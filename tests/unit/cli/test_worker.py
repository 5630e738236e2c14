"""`holysheep worker` takes up what is orphaned, and only that."""

import io
import signal
import subprocess
import threading

import pytest
from rich.console import Console

from holysheep_core import Journal, JournalError
from holysheep_core.cli import worker
from holysheep_core.types import ChatRequest
from support.cli import HOLYSHEEP
from support.journals import ASK, LONG, handler, journal
from support.waiting import wait_until


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/answers.db"


def left(url, name, *, detached=True):
    """An answer whose process died after a few words."""
    kept = journal(url, lease=0.2)
    request = ChatRequest("gpt-4.1", ASK, call_id=name, detached=detached)
    entry = kept.begin(name, request)
    entry.add(LONG[:100])
    kept.release(entry)  # nobody renews its lease


def run(script, url, until, **settings):
    stop, kept, out = threading.Event(), journal(url), io.StringIO()
    thread = threading.Thread(
        target=lambda: worker.work(handler(script, kept), kept, Console(file=out), stop, **settings)
    )
    thread.start()
    try:
        wait_until(until)
    finally:
        stop.set()
        thread.join(10)
    return out.getvalue()


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(worker, "EVERY", 0.05)


def test_an_orphan_is_completed_and_named(play, url):
    script = play(text=LONG)
    left(url, "a")
    said = run(script, url, lambda: journal(url).status("a").state == "done")
    assert said == "resumed: a\n"
    assert "".join(handler(script, journal(url)).follow("a")) == LONG
    assert len(script.requests) == 1


def test_answers_that_had_a_reader_are_left_unless_all_are_asked_for(play, url):
    script = play(text=LONG)
    left(url, "with a reader", detached=False)
    left(url, "detached")
    run(script, url, lambda: journal(url).status("detached").state == "done")
    assert journal(url).status("with a reader").state == "orphaned"
    done = lambda: journal(url).status("with a reader").state == "done"  # noqa: E731
    run(script, url, done, detached=False)


def test_a_stopped_answer_is_never_taken_up(play, url):
    script = play(text=LONG)
    left(url, "stopped")
    left(url, "detached")
    journal(url).stop("stopped")
    run(script, url, lambda: journal(url).status("detached").state == "done")
    assert journal(url).status("stopped").state == "stopped"
    assert len(script.requests) == 1


def test_a_journal_that_is_away_is_said_once_and_asked_again(play, url, monkeypatch):
    calls = []

    def away(self, **_):
        calls.append(1)
        raise JournalError("Redis is away.")

    monkeypatch.setattr(Journal, "orphans", away)
    said = run(play(), url, lambda: len(calls) >= 3)
    assert said.count("Redis is away.") == 1


def test_the_command_runs_until_it_is_told_to_stop(play, url):
    script = play(text=LONG)
    left(url, "a")
    command = [*HOLYSHEEP, "worker", "--journal", url, "--base-url", script.base_url]
    env = {"HOLYSHEEP_API_KEY": "k-12345678", "PATH": "/usr/bin"}
    with subprocess.Popen([*command, "--lease", "0.5"], env=env, stdout=subprocess.PIPE) as process:
        wait_until(lambda: journal(url).status("a").state == "done", seconds=30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert b"resumed: a" in process.stdout.read()
