"""The connection to Redis: accepted URLs, and the time while Redis does not answer."""

import logging
import time
import traceback

import pytest
import redis

from holysheep_core import ConfigurationError, Journal, StreamingRetryHandler
from holysheep_core.store.redis_client import REST_SECONDS, RedisClient, is_redis_url
from holysheep_core.store.store import Store

LOG = "holysheep.store"


@pytest.fixture
def client():
    """A client of a Redis that nothing is asked of."""
    return RedisClient("redis://user:hunter2@localhost:1/3", "tests")


@pytest.fixture
def later(monkeypatch):
    """Let seconds pass."""
    now = time.monotonic

    def later(seconds):
        monkeypatch.setattr(time, "monotonic", lambda: now() + seconds)

    return later


def fail(client, error):
    with client.tolerating_redis_errors():
        raise error


def test_the_name_identifies_a_redis_and_has_no_password(client):
    assert client.name == "redis://localhost:1/3"


def test_rate_limits_have_keys_of_the_namespace(client):
    assert client.storage.key_prefix == "tests:limits"


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), redis.TimeoutError(), OSError()])
def test_an_error_of_redis_is_ignored_and_limits_are_not_counted_there_for_a_while(
    client, later, error
):
    assert client.limits() is client.storage
    fail(client, error)
    assert client.limits() is None
    later(REST_SECONDS - 0.5)
    assert client.limits() is None
    later(REST_SECONDS + 0.5)
    assert client.limits() is client.storage


def test_once_redis_answers_it_is_asked_again_at_once(client):
    fail(client, redis.ConnectionError("gone"))
    client.answered()
    assert client.limits() is client.storage


def test_another_error_is_raised(client):
    with pytest.raises(ZeroDivisionError):
        fail(client, ZeroDivisionError())
    assert client.limits() is client.storage


def test_each_outage_is_one_warning_and_one_note_of_its_end(client, caplog):
    caplog.set_level(logging.INFO, LOG)
    for _ in range(2):
        for _ in range(3):
            fail(client, redis.ConnectionError("gone"))
        for _ in range(3):
            with client.tolerating_redis_errors():
                pass
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2
    assert "redis://localhost:1/3 does not answer (ConnectionError: gone)" in caplog.messages[0]
    assert "hunter2" not in caplog.text


# -- URLs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["redis://localhost", "rediss://:p%40@[::1]:6379/0", "unix:///s"])
def test_the_url_of_a_redis_is_one(url):
    assert is_redis_url(url)


@pytest.mark.parametrize("url", [None, 7, "", "localhost", "http://x", "redis://x:y", "redis://[x"])
def test_what_is_no_url_of_a_redis_is_none(url):
    assert not is_redis_url(url)


@pytest.mark.parametrize("wrong", ["localhost:6379", "http://localhost", 7, ""])
def test_a_url_that_is_none_is_refused_at_once(wrong):
    with pytest.raises(ConfigurationError, match="redis://"):
        Store.at(wrong)


def as_store(url):
    return StreamingRetryHandler("k", store=url)


@pytest.mark.parametrize("take", [as_store, Journal])
@pytest.mark.parametrize("sign", ["/", "#", "?", "/b@", "#b@", "[", "[b]"])
@pytest.mark.parametrize("begin", ["redis://:{}", "rediss://me:{}", "unix://:{}"])
@pytest.mark.parametrize("word", ["hunter2", "1234"])  # a number is read as a port
def test_no_part_of_a_password_that_is_not_escaped_is_in_an_error(take, begin, word, sign):
    url = f"{begin.format(f'{word}{sign}secret')}@localhost:6379/0"
    with pytest.raises(ConfigurationError, match="%2F") as caught:
        take(url)
    shown = f"{caught.value!r} {''.join(traceback.format_exception(caught.value))}"
    assert word not in shown
    assert "secret" not in shown


@pytest.mark.parametrize("take", [as_store, Journal])
def test_a_query_that_cannot_be_read_is_not_in_an_error_either(take):
    url = "redis://localhost/0?db=hunter2"
    with pytest.raises(ConfigurationError, match="%2F") as caught:
        take(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        *("redis://:a%2Fb%23c%40d%3F@localhost:6379/0", "redis://:a@b@localhost/0"),
        *("redis://localhost/0?password=a@b", "unix:///run/a@b.sock", "rediss://[::1]:6379"),
    ],
)
def test_a_url_that_can_be_read_is_taken(url):
    assert Store(url).client.name.startswith(url.partition(":")[0])
