"""Counters of an account: exact, in memory or in Redis, and corrected."""

import pytest

from holysheep_core import RateLimits
from holysheep_core.clock import clock
from holysheep_core.limits.counters import Availability, Counters, Spent
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.store.store import Store

FREE = Availability()


def counters(store=None, account="one", **limits):
    return Counters(account, RateLimits(**limits), store)


def left(requests=None, tokens=None, seconds=30):
    return Allowance(requests, tokens, clock() + seconds)


def test_requests_up_to_the_limit_are_free_and_the_next_has_to_wait():
    made = counters(requests_per_minute=3)
    assert [made.take(0, None) for _ in range(3)] == [FREE] * 3
    refused = made.take(0, None)
    assert refused.limit == "3 requests per minute"
    assert 58 < refused.wait <= 61


@pytest.mark.parametrize(
    ("limits", "wait"), [({"tokens_per_minute": 1000}, 60), ({"tokens_per_day": 1000}, 24 * 3600)]
)
def test_tokens_are_counted_in_their_window(limits, wait):
    made = counters(**limits)
    assert made.take(600, None) == FREE
    refused = made.take(600, None)
    assert refused.limit == "1,000 tokens"
    assert 0 < refused.wait <= wait + 1
    assert made.take(400, None) == FREE  # the refused request has taken nothing


def test_a_request_that_one_limit_refuses_takes_nothing_of_the_others():
    made = counters(requests_per_minute=1, tokens_per_minute=1000)
    made.take(100, None)
    for _ in range(20):
        assert made.take(100, None).limit == "1 requests per minute"
    made.settle(0, 900)  # exactly what is left
    assert made._memory.get(made._tokens[0].key_for("one")) == 1000


def test_accounts_are_counted_apart():
    one, two = (counters(account=name, requests_per_minute=1) for name in ("one", "two"))
    assert (one.take(0, None), two.take(0, None)) == (FREE, FREE)


def test_a_reservation_is_corrected_in_both_directions():
    made = counters(tokens_per_day=1000)
    made.take(900, None)
    made.settle(900, 100)
    assert made.take(800, None) == FREE
    made.settle(800, 900)
    assert made.take(1, None).wait


def test_a_request_larger_than_the_limit_counts_as_the_limit():
    made = counters(tokens_per_minute=100)
    assert made.take(5000, None) == FREE
    made.settle(5000, 4000)
    assert made._memory.get(made._tokens[0].key_for("one")) == 100


def test_counting_starts_at_nothing_again():
    made = counters(requests_per_minute=1)
    made.take(0, None)
    made.renew()
    assert made.take(0, None) == FREE


@pytest.mark.parametrize(
    ("limits", "limited"), [({"requests_per_minute": 1}, False), ({"tokens_per_day": 1}, True)]
)
def test_whether_tokens_are_limited(limits, limited):
    assert counters(**limits).tokens_are_limited is limited


# -- the server's own count -----------------------------------------------------------------


def test_no_more_requests_pass_than_the_server_says_are_left():
    made, said = counters(requests_per_minute=100), left(requests=2)
    assert [made.take(0, said) for _ in range(2)] == [FREE] * 2
    refused = made.take(0, said)
    assert refused.limit == "requests, as the server counts them"
    assert 29 < refused.wait <= 30
    assert made.take(0, left(requests=1)) == FREE  # a newer word of the server


def test_no_more_tokens_pass_than_the_server_says_are_left():
    made, said = counters(tokens_per_day=10_000), left(tokens=500)
    assert made.take(300, said) == FREE
    assert made.take(300, said).limit == "tokens, as the server counts them"
    assert made.take(200, said) == FREE


def test_what_the_server_said_of_a_window_that_is_over_does_not_count():
    assert counters(requests_per_minute=9).take(0, left(requests=0, seconds=-1)) == FREE


def test_a_request_adds_itself_and_its_tokens():
    assert Spent(1, 10).plus(5) == Spent(2, 15)


# -- many processes -------------------------------------------------------------------------


def test_processes_of_one_store_share_one_count(server):
    one, two = (counters(Store(server.url), requests_per_minute=2) for _ in range(2))
    assert [one.take(0, None), two.take(0, None)] == [FREE] * 2
    assert one.take(0, None).wait
    assert two.take(0, None).wait


def test_without_redis_the_count_of_this_process_holds(server, monkeypatch):
    store = Store(server.url)
    made = counters(store, requests_per_minute=3)
    made.take(0, None)
    monkeypatch.setattr(store.client, "limits", lambda: None)
    assert [made.take(0, None) for _ in range(2)] == [FREE] * 2
    assert made.take(0, None).wait


def test_while_redis_fails_this_process_counts_by_itself(server, monkeypatch):
    store = Store(server.url)
    made = counters(store, requests_per_minute=1, tokens_per_day=100)

    def fail(*_):
        raise OSError("gone")

    monkeypatch.setattr(store.client.storage, "incr", fail)
    assert made.take(10, None) == FREE
    assert made.take(10, None).limit == "1 requests per minute"


def test_a_correction_reaches_the_store(server):
    store = Store(server.url)
    one, two = (counters(store, tokens_per_day=1000) for _ in range(2))
    one.take(900, None)
    assert two.take(200, None).wait
    one.settle(900, 100)
    store.exchange()
    assert two.take(900, None) == FREE
