"""A journal whose file shows no prompt and no answer."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from holysheep_core import ConfigurationError, Journal, JournalError
from holysheep_core.journal.encrypted import EncryptedStore
from holysheep_core.journal.sqlite import SQLiteStore
from support.journal_contract import StoreContract
from support.journals import handler, journal

KEY, OTHER = Fernet.generate_key(), Fernet.generate_key()
TEXT = "비밀스러운 양 한 마리, a secret sheep"
ASK = [{"role": "user", "content": "a secret question"}]


class TestContract(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return EncryptedStore(SQLiteStore(str(tmp_path / "answers.db")), [KEY])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.db"


def complete(play, file, **settings):
    client = handler(play(text=TEXT, reasoning="a secret thought"), journal(at(file), **settings))
    return client, client.complete("gpt-4.1", ASK, call_id="a").text


def at(file):
    return f"sqlite:///{file}"


def written(file):
    return b"".join(each.read_bytes() for each in Path(file).parent.glob("answers.db*"))


def test_nothing_of_a_conversation_is_in_the_file(play, file):
    client, text = complete(play, file, key=KEY)
    assert text == TEXT
    assert "".join(client.follow("a")) == TEXT
    assert b"secret" not in written(file)
    assert "양".encode() not in written(file)


def test_an_answer_is_resumed_with_the_key(play, file):
    script = play(text=TEXT * 20, delay=0.001)
    stream = handler(script, journal(at(file), key=KEY)).stream_with_retry(
        "gpt-4.1", ASK, call_id="a"
    )
    for _ in range(20):
        next(stream)
    stream.close()
    again = handler(script, journal(at(file), key=[KEY.decode()]))
    assert "".join(again.resume("a")) == TEXT * 20


@pytest.mark.parametrize("key", [None, OTHER], ids=["none", "another"])
def test_with_another_key_or_none_it_is_an_error_and_nothing_is_shown(play, file, key):
    complete(play, file, key=KEY)
    with pytest.raises(JournalError) as refused:
        list(handler(play(), journal(at(file), key=key)).follow("a"))
    assert "secret" not in str(refused.value)


def test_keys_can_be_changed(play, file):
    complete(play, file, key=KEY)
    new = Fernet.generate_key()
    assert "".join(handler(play(), journal(at(file), key=[new, KEY])).follow("a")) == TEXT


@pytest.mark.parametrize("key", ["short", b"", 5, [5], []])
def test_what_is_no_key_is_refused_without_showing_it(file, key):
    with pytest.raises(ConfigurationError, match="needs Fernet keys") as refused:
        Journal(at(file), key=key)
    assert "short" not in str(refused.value)
