"""What a journal deletes by itself."""

import time

import pytest

from holysheep_core import AnswerExistsError, ConfigurationError, Journal, JournalError
from holysheep_core.journal import retention
from holysheep_core.journal.backend import StoredPiece
from holysheep_core.journal.journal import as_json
from holysheep_core.journal.redis import RedisStore
from holysheep_core.journal.retention import Retention
from holysheep_core.journal.sqlite import SQLiteStore
from holysheep_core.types import ChatRequest
from support.journals import ASK, LONG, handler, journal
from support.waiting import wait_until

REQUEST = as_json(ChatRequest("gpt-4.1", ASK))


@pytest.fixture(params=["sqlite", "redis"])
def store(request, tmp_path):
    if request.param == "sqlite":
        return SQLiteStore(str(tmp_path / "answers.db"))
    return RedisStore(request.getfixturevalue("server").url, 3600)


def answer(store, name, text, *, state="done"):
    store.begin(name, "me", REQUEST, 60)
    store.append(name, "me", StoredPiece(0, text, ""), 60)
    if state != "open":
        store.end(name, "me", state, b'"an end"')


def test_the_oldest_of_too_many_answers_are_deleted_and_no_running_one(store):
    answer(store, "running", "x" * 4000, state="open")
    for name in "abc":
        answer(store, name, "x" * 4000)
        time.sleep(0.01)
    most = store.size("running") + store.size("c") + 1000
    Retention(3600, most, contents=True).apply(store)
    assert store.names() == ["running", "c"]
    assert store.size("nobody") == 0


@pytest.mark.parametrize("state", ["done", "failed", "stopped"])
def test_without_contents_an_ended_answer_keeps_its_name_alone(store, state, monkeypatch):
    monkeypatch.setattr(retention, "AFTER_THE_END", -1.0)
    answer(store, "a", "a secret sheep", state="failed" if state == "stopped" else state)
    if state == "stopped":
        store.stop("a", b'"stopped"')
    answer(store, "running", "a secret sheep", state="open")
    Retention(3600, None, contents=False).apply(store)
    kept = store.read("a", 0)
    assert (kept.state, kept.pieces, kept.ending) == (state, [], b"")
    assert b"secret" not in kept.request
    assert ASK[0]["content"].encode() not in kept.request
    assert len(store.read("running", 0).pieces) == 1


def test_readers_have_some_seconds_for_the_end(store):
    answer(store, "a", "text")
    Retention(3600, None, contents=False).apply(store)
    assert len(store.read("a", 0).pieces) == 1


def test_a_journal_without_contents_as_a_user_has_it(play, tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "AFTER_THE_END", 0.1)
    monkeypatch.setattr("holysheep_core.journal.journal._FORGET", 0.05)
    url = f"sqlite:///{tmp_path}/answers.db"
    kept = journal(url, contents=False)
    client = handler(play(text=LONG, delay=0.001), kept)
    name = client.start("gpt-4.1", ASK)
    assert "".join(client.follow(name)) == LONG  # it is there while somebody reads
    running = client.start("gpt-4.1", ASK)
    wait_until(lambda: not kept.read(name).pieces)
    assert client.status(name).state == "done"
    with pytest.raises(JournalError, match="contents=False"):
        list(client.follow(name))
    with pytest.raises(JournalError, match="contents=False"):
        list(client.resume(name))
    with pytest.raises(AnswerExistsError):
        client.start("gpt-4.1", ASK, call_id=name)
    with pytest.raises(JournalError):
        client.start("gpt-4.1", ASK, call_id=name, if_exists="resume")
    assert "".join(client.follow(running)) == LONG


def test_a_limit_of_bytes_is_checked_before_a_file_is_made(tmp_path):
    with pytest.raises(ConfigurationError, match="max_bytes=0"):
        Journal(f"sqlite:///{tmp_path}/x.db", max_bytes=0)
    assert not list(tmp_path.iterdir())
