"""The time limits of one call."""

import pytest

from holysheep_core import (
    DeadlineExceededError,
    FirstTokenTimeoutError,
    StreamStalledError,
    Timeouts,
)
from holysheep_core.engine.clocks import HEARTBEAT, LINGER, Clocks


def clocks(**limits):
    made = Clocks(Timeouts(**{"first_token": 20, "stall": 10, **limits}), 100.0)
    made.sent(105.0)
    return made


@pytest.mark.parametrize(
    ("finished", "has_content", "total", "late"),
    [
        (False, False, None, 125),
        (False, True, None, 115),
        (True, True, None, 105 + LINGER),
        (False, False, 12, 112),
        (False, True, 60, 115),
        (True, True, 5.2, 105.2),
    ],
)
def test_the_limit_that_ends_first_is_the_deadline(finished, has_content, total, late):
    made = clocks(total=total)
    assert made.deadline(finished=finished, has_content=has_content) == pytest.approx(late)


def test_without_limits_only_a_finished_answer_has_one():
    made = clocks(first_token=None, stall=None, read=None)
    assert made.deadline(finished=False, has_content=True) is None
    assert made.deadline(finished=True, has_content=True) == 105 + LINGER


@pytest.mark.parametrize(
    ("now", "has_content", "kind", "says"),
    [
        (125, False, FirstTokenTimeoutError, "within 20 s"),
        (115, True, StreamStalledError, "for 10 s in mid-answer"),
        (130, True, DeadlineExceededError, "longer than its 30 s"),
    ],
)
def test_lateness_is_the_error_of_the_limit_that_passed(now, has_content, kind, says):
    error = clocks(total=30).lateness(now, has_content=has_content)
    assert type(error) is kind
    assert says in str(error)


def test_a_call_is_quiet_a_heartbeat_after_the_last_sign_of_life():
    made = clocks()
    assert not made.is_quiet(105 + HEARTBEAT - 0.01)
    assert made.is_quiet(105 + HEARTBEAT)


def test_a_request_has_shorter_limits_if_that_is_said():
    made = clocks()
    made.limit(8.0, 4.0)
    assert made.deadline(finished=False, has_content=False) == 113
    assert made.deadline(finished=False, has_content=True) == 109
    assert "8 s" in str(made.lateness(113, has_content=False))
    assert "4 s" in str(made.lateness(109, has_content=True))
    made.limit(99.0, None)
    assert made.deadline(finished=False, has_content=False) == 125
    assert made.deadline(finished=False, has_content=True) == 115
