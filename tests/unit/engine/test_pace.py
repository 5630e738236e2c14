"""How fast a response's text comes."""

import pytest

from holysheep_core.engine.pace import WINDOW, Pace


def said(characters):
    return [("x" * characters, "")]


def test_a_window_below_the_share_of_the_usual_rate_is_slow():
    pace = Pace(0.2, 100.0)  # at least 20 a second
    assert not pace.add(said(10), WINDOW - 0.1)  # not over yet
    assert pace.add(said(89), 0.1)
    assert not pace.add(said(100), WINDOW)  # each window is judged by itself


def test_thoughts_count_like_text():
    assert not Pace(0.2, 100.0).add([("", "x" * 100)], WINDOW)


def test_without_a_usual_rate_nothing_is_slow():
    assert not Pace(1.0, None).add(said(0), 100 * WINDOW)


@pytest.mark.parametrize(("seconds", "rate"), [(0.4, None), (2.0, 15.0)])
def test_a_short_response_has_no_rate(seconds, rate):
    pace = Pace(0.5, None)
    pace.add(said(30), seconds)
    assert pace.rate == rate
