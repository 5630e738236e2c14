"""`holysheep journal`, as a user runs it."""

import sqlite3
from contextlib import closing

import pytest

from support.cli import run
from support.journals import LONG, handler, journal

ASK = [{"role": "user", "content": "go"}]


@pytest.fixture
def url(tmp_path, play):
    kept = f"sqlite:///{tmp_path}/answers.db"
    client = handler(play(text=LONG + "\x1b[31m"), journal(kept))
    client.complete("gpt-4.1", ASK, call_id="story-1")
    client.complete("gpt-4.1", ASK, call_id="story-2")
    return kept


def test_ls_lists_the_answers(url):
    shown = run("journal", "ls", "--journal", url).stdout
    assert shown.index("story-1") < shown.index("story-2")
    assert "done" in shown
    assert "gpt-4.1" in shown


def test_show_prints_the_text_without_control_characters(url):
    shown = run("journal", "show", "story-1", "--journal", url).stdout
    assert LONG.splitlines()[0] in shown
    assert "\x1b" not in shown


def test_stop_says_what_was_done(url):
    assert "was complete already" in run("journal", "stop", "story-1", "--journal", url).stdout


def test_prune_deletes_what_is_old(url):
    assert run("journal", "prune", "--journal", url).stdout == "0 deleted\n"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE answers SET written = written - 7200")
    assert run("journal", "prune", "--older-than", "1h", "--journal", url).stdout == "2 deleted\n"
    assert "story-1" not in run("journal", "ls", "--journal", url).stdout


@pytest.mark.parametrize("command", [["show", "nobody"], ["stop", "nobody"]])
def test_an_unknown_answer_is_an_error(url, command):
    ended = run("journal", *command, "--journal", url)
    assert ended.returncode == 2
    assert "no answer called" in ended.stderr


@pytest.mark.parametrize("command", [["ls"], ["show", "a"], ["stop", "a"], ["prune"]])
def test_a_file_that_does_not_exist_is_not_made(tmp_path, command):
    file = tmp_path / "no.db"
    ended = run("journal", *command, "--journal", f"sqlite:///{file}")
    assert ended.returncode == 2
    assert "there is no journal" in " ".join(ended.stderr.replace("│", " ").split())
    assert not file.exists()


def test_a_journal_that_cannot_be_opened_is_an_error():
    ended = run("journal", "ls", "--journal", "mysql://x")
    assert ended.returncode == 2
    assert "needs a URL such as" in ended.stderr
