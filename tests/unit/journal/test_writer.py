"""The writer of one answer: order and time of writes, and a store that does not answer."""

import msgspec
import pytest

from holysheep_core import AnswerInUseError, JournalError, StreamCutError
from holysheep_core.journal.sqlite import SQLiteStore
from holysheep_core.journal.writer import AnswerWriter, Claim


class Keeper:
    """A journal without a thread."""

    interval, lease, thread, is_failing = 0.0, 30.0, None, False

    def __init__(self, store):
        self.store = store
        self.complaints = []

    def complain(self, error):
        self.complaints.append(error)

    def release(self, entry):
        self.released = entry


class Call:
    def __init__(self):
        self.texts, self.stopped = [], None

    def pieces_since(self, texts, reasonings):
        return self.texts[texts:], []

    def stop(self, error):
        self.stopped = error


@pytest.fixture
def store(tmp_path):
    return SQLiteStore(f"{tmp_path}/answers.db")


@pytest.fixture
def begun(store):
    """A writer of the answer "a", and the call that it watches."""
    store.begin("a", "me", b"{}", 30)
    writer, call = AnswerWriter(Keeper(store), Claim("a", "me", b"{}")), Call()
    writer.watch(call)
    return writer, call


def texts(store):
    return "".join(text for text, _ in store.read("a", 0).pieces)


def test_what_came_since_the_last_time_is_one_piece(begun, store):
    writer, call = begun
    call.texts += ["one ", "two "]
    assert writer.flush()
    call.texts += ["three"]
    assert writer.flush()
    assert writer.flush()
    assert [text for text, _ in store.read("a", 0).pieces] == ["one two ", "three"]


def test_what_the_call_has_when_it_is_first_watched_is_written_already(store):
    store.begin("a", "me", b"{}", 30)
    writer, call = AnswerWriter(Keeper(store), Claim("a", "me", b"{}")), Call()
    call.texts = ["old "]
    writer.watch(call)
    call.texts += ["new"]
    writer.flush()
    assert texts(store) == "new"


def test_a_block_that_is_left_without_an_end_is_a_failure_that_can_be_resumed(begun, store):
    writer, call = begun
    with pytest.raises(StreamCutError), writer:
        call.texts += ["half"]
        raise StreamCutError("gone")
    kept = store.read("a", 0)
    assert (kept.state, kept.pieces) == ("failed", [("half", "")])
    assert msgspec.json.decode(kept.ending) == "StreamCutError: gone"
    assert store.claim("a", "you", 5)


def test_a_piece_the_store_did_not_answer_for_is_written_once_when_it_answers(
    begun, store, monkeypatch
):
    writer, call = begun
    really = SQLiteStore.append

    def written_but_not_said(self, *given):
        really(self, *given)
        raise JournalError("no answer")

    call.texts += ["one "]
    monkeypatch.setattr(SQLiteStore, "append", written_but_not_said)
    assert not writer.flush()
    assert [str(error) for error in writer._journal.complaints] == ["no answer"]
    monkeypatch.setattr(SQLiteStore, "append", really)
    call.texts += ["two"]
    assert writer.flush()
    assert texts(store) == "one two"


def test_a_writer_whose_lease_was_taken_stops_its_call(begun, store):
    writer, call = begun
    store.append("a", "me", None, -1)  # its lease is over
    assert store.claim("a", "you", 30)
    call.texts += ["late"]
    writer.flush()
    assert isinstance(call.stopped, AnswerInUseError)
    assert texts(store) == ""


def test_in_a_forked_process_nothing_is_written(begun, store):
    writer, call = begun
    call.texts += ["of the parent"]
    writer.leave_to_the_parent()
    assert writer.flush()
    assert texts(store) == ""
