"""The journal's store in Redis."""

import pytest

from holysheep_core import JournalError
from holysheep_core.journal.redis import RedisStore
from support.journal_contract import ONE, StoreContract


@pytest.fixture
def store(server):
    return RedisStore(server.url, 60.0)


class TestContract(StoreContract):
    pass


def test_every_key_of_an_answer_goes_by_itself_after_its_time(server):
    store = RedisStore(server.url, 60.0)
    store.begin("a", "me", b"", 5)
    store.append("a", "me", ONE, 5)
    lasting = {key: server.client.ttl(key) for key in server.client.keys("{holysheep:journal}:a*")}
    assert len(lasting) == 2
    assert all(0 < seconds <= 60 for seconds in lasting.values())


def test_a_redis_that_is_away_is_a_typed_error(own_server):
    store = RedisStore(own_server.url, 60.0)
    own_server.stop()
    with pytest.raises(JournalError, match="does not answer"):
        store.read("a", 0)
