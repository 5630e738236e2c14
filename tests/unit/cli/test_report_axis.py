"""Ticks of charts."""

import time

import pytest

from holysheep_core.cli.report_axis import ticks_of_time, ticks_of_values

HOUR = 3600


@pytest.fixture(autouse=True)
def _seoul(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (37, [0, 20, 40]),
        (100, [0, 50, 100]),
        (0.0034, [0, 0.002, 0.004]),
        (1, [0, 0.5, 1]),
        (0.3, [0, 0.2, 0.4]),
        (1234567, [0, 1_000_000, 2_000_000]),
    ],
)
def test_ticks_are_round(most, ticks):
    assert ticks_of_values(most) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("most", "ticks"), [(1, [0, 1]), (2, [0, 1, 2]), (3, [0, 2, 4]), (5, [0, 3, 6])]
)
def test_calls_are_whole(most, ticks):
    assert ticks_of_values(most, whole=True) == ticks


@pytest.mark.parametrize("most", [1e-6 * 1.7**n for n in range(80)])
def test_the_last_tick_is_never_below_the_largest_value(most):
    ticks = ticks_of_values(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most * 0.9999
    assert 3 <= len(ticks) <= 4


@pytest.mark.parametrize(
    "span", [30 * 60, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 90 * 24 * HOUR]
)
def test_hours_are_local_round_and_not_many(span):
    until = 1_790_000_123.4
    found = ticks_of_time(until - span, until)
    assert 2 <= len(found) <= 7
    for at, name in found:
        assert until - span <= at <= until
        here = time.localtime(at)
        assert here.tm_sec == 0
        midnight = (here.tm_hour, here.tm_min) == (0, 0)
        assert name == time.strftime("%m-%d" if midnight else "%H:%M", here)
