"""The states of a call, and which may follow which."""

import pytest

from holysheep_core.engine.state import MOVES, State

ENDS = {State.FINISHED, State.FAILED, State.CLOSED}


def reachable(state, without=()):
    seen, todo = set(), [state]
    while todo:
        following = MOVES[todo.pop()] - seen - set(without)
        seen |= following
        todo += following
    return seen


def test_every_state_is_in_the_table_and_can_be_reached():
    assert set(MOVES) == set(State)
    assert reachable(State.SCHEDULED) == set(State)


@pytest.mark.parametrize("state", State)
def test_a_call_that_goes_on_may_fail_or_be_left_and_one_that_is_over_stays_so(state):
    if state in ENDS:
        assert not MOVES[state]
    else:
        assert {State.FAILED, State.CLOSED} <= MOVES[state]
        assert State.FINISHED in reachable(state)


def test_nothing_is_read_that_was_not_sent_and_nothing_is_finished_that_was_not_read():
    assert State.READING not in reachable(State.SCHEDULED, without=[State.SENT])
    assert State.FINISHED not in reachable(State.SCHEDULED, without=[State.READING])
    assert State.ADMITTED not in reachable(State.SCHEDULED, without=[State.ASKING])
