"""The journal object: its URL, one per URL, and who may write an answer."""

import copy

import pytest

from holysheep_core import ChatRequest, ConfigurationError, Journal, JournalError
from holysheep_core.journal.journal import completion_of, request_of
from holysheep_core.types import Completion, Usage

REQUEST = ChatRequest("gpt-4.1", [{"role": "user", "content": "go"}], {"temperature": 0.5})
WHOLE = Completion("whole", "stop", "m", "m", "p", Usage(1, 2), ())


@pytest.mark.parametrize("bad", ["", "answers.db", "sqlite:///", "postgres://x", 7])
def test_a_url_without_a_meaning_is_refused(bad):
    with pytest.raises(ConfigurationError, match="journal"):
        Journal(bad)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/answers.db"


def test_a_url_has_one_journal_for_as_long_as_somebody_holds_it(url):
    assert Journal.at(url) is Journal.at(url)
    assert Journal.at(None) is None
    mine = Journal(url)
    assert Journal.at(mine) is mine
    assert copy.deepcopy(mine) is mine


def test_a_relative_file_is_another_one_in_another_folder(tmp_path, monkeypatch):
    held = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        held.append(Journal.at("sqlite:///answers.db"))
        with held[-1].begin("a", REQUEST) as writer:
            writer.finish(WHOLE)
    assert held[0] is not held[1]
    assert Journal.at(f"sqlite:///{tmp_path}/other/answers.db") is held[1]


@pytest.mark.parametrize("wrong", [{"interval": -1}, {"lease": 0}, {"keep": 0}])
def test_a_setting_of_no_sense_is_refused_by_name(url, wrong):
    with pytest.raises(ConfigurationError, match=f"^{next(iter(wrong))}="):
        Journal(url, **wrong)


def test_an_answer_is_taken_over_with_its_request_when_nobody_writes_it(url):
    journal = Journal(url, lease=0.2)
    with pytest.raises(JournalError, match="no answer called 'a'"):
        journal.take_over("a")
    with journal.begin("a", REQUEST):
        assert journal.take_over("a") is None
        with pytest.raises(JournalError, match="has an answer called 'a'"):
            journal.begin("a", REQUEST)
    writer, kept = journal.take_over("a")
    assert request_of(kept) == REQUEST
    writer.finish(WHOLE)
    writer, kept = journal.take_over("a")
    assert (writer, completion_of(kept)) == (None, WHOLE)
