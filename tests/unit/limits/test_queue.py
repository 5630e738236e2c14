"""First come, first served."""

import pytest

from holysheep_core.limits.queue import FairQueue


@pytest.fixture
def joined():
    queue, woken = FairQueue(), []
    wakes = [lambda at=at: woken.append(at) for at in range(4)]
    for wake in wakes:
        queue.join(wake)
    return queue, wakes, woken


def test_the_first_has_its_turn_and_its_leaving_wakes_the_next(joined):
    queue, wakes, woken = joined
    for at in range(4):
        assert [queue.is_first(wake) for wake in wakes[at:]] == [True] + [False] * (3 - at)
        queue.leave(wakes[at])
    assert woken == [1, 2, 3]


def test_a_caller_that_leaves_from_the_middle_wakes_nobody_and_is_skipped(joined):
    queue, wakes, woken = joined
    queue.leave(wakes[1])
    queue.leave(wakes[1])  # no harm in a second time
    assert woken == []
    queue.leave(wakes[0])
    assert woken == [2]


def test_a_caller_that_cannot_be_woken_is_skipped(joined):
    queue, wakes, woken = joined

    def gone():
        raise RuntimeError("Event loop is closed")

    for wake in wakes[1:]:
        queue.leave(wake)
    queue.join(gone)
    queue.join(wakes[3])
    queue.leave(wakes[0])
    assert woken == [3]
    assert queue.is_first(wakes[3])
