"""When listeners get an event because a quiet call is alive."""

from holysheep_core import StillWaiting, Timeouts
from holysheep_core.catalog import Catalog
from holysheep_core.engine.clocks import HEARTBEAT, Clocks
from holysheep_core.engine.heartbeat import Heartbeat
from holysheep_core.engine.ledger import Ledger


def made():
    told = []
    clocks = Clocks(Timeouts(), 100.0)
    return Heartbeat(clocks, Ledger("c", 100.0, 0.0, told.append, Catalog())), told


def test_a_call_that_had_news_a_moment_ago_sends_no_event():
    heartbeat, told = made()
    heartbeat.beat("content", None, 100.0 + HEARTBEAT - 0.1)
    assert told == []


def test_a_quiet_call_sends_one_event_for_each_interval_and_says_what_came():
    heartbeat, told = made()
    heartbeat.receiving = "comments"
    now = 100.0 + HEARTBEAT
    heartbeat.beat("content", now + 5, now)
    heartbeat.beat("content", now + 5, now + 0.1)
    heartbeat.beat("the next request", None, now + HEARTBEAT)
    first, second = told
    assert all(isinstance(each, StillWaiting) for each in told)
    assert (first.what, first.wait, first.receiving) == ("content", 5, "comments")
    assert (second.what, second.wait, second.receiving) == ("the next request", None, "")
