"""The journal's store in an SQLite file."""

import time

import pytest

from holysheep_core import ConfigurationError, JournalError
from holysheep_core.journal.sqlite import SQLiteStore
from support.journal_contract import ONE, StoreContract


@pytest.fixture
def store(tmp_path):
    return SQLiteStore(f"{tmp_path}/answers.db")


class TestContract(StoreContract):
    pass


def test_old_answers_and_their_pieces_are_forgotten_and_new_ones_stay(store):
    store.begin("old", "me", b"", 5)
    store.append("old", "me", ONE, 5)
    time.sleep(0.2)
    store.begin("new", "me", b"", 5)
    store.forget(0.1)
    assert store.read("old", 0) is None
    assert store.read("new", 0) is not None
    store.begin("old", "me", b"", 5)
    assert store.read("old", 0).pieces == []


def test_a_file_that_cannot_be_is_refused_at_once(tmp_path):
    with pytest.raises(ConfigurationError, match="needs a file"):
        SQLiteStore("")
    with pytest.raises(ConfigurationError, match="nowhere does not exist"):
        SQLiteStore(f"{tmp_path}/nowhere/answers.db")


def test_a_file_that_is_gone_wrong_is_a_typed_error_with_its_cause(store, tmp_path):
    (tmp_path / "answers.db").write_bytes(b"no database" * 999)
    with pytest.raises(JournalError, match="does not answer") as caught:
        store.read("a", 0)
    assert caught.value.__cause__ is not None


def test_a_clock_set_forward_lets_another_take_over_and_never_two_write(store, monkeypatch):
    store.begin("x", "me", b"", 5)
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + 3600)
    assert store.claim("x", "you", 5)
    assert not store.append("x", "me", ONE, 5)
    assert store.append("x", "you", ONE, 5)


def test_a_clock_set_back_keeps_others_waiting_and_not_the_owner(store, monkeypatch):
    store.begin("x", "me", b"", 5)
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() - 60)
    assert not store.claim("x", "you", 5)
    assert store.read("x", 0).lease > 60
    assert store.append("x", "me", ONE, 5)
    assert store.read("x", 0).lease <= 5, "a lease that is renewed is right again"
