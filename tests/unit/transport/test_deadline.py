"""A time limit for reads that moves while a response is read."""

from holysheep_core.clock import clock
from holysheep_core.transport.deadline import Deadline


def test_a_deadline_is_a_float_to_those_who_know_no_better():
    session = Watched(clock() + 1)
    deadline = Deadline(session)
    assert 0.9 < deadline <= 1.0
    assert deadline.slice() == 0.2
    assert not deadline.is_over()
    assert session.silences == 1
    session.deadline = clock() - 5
    assert deadline.slice() == 0.001
    assert deadline.is_over()
    assert session.silences == 1
    assert Deadline(Watched(None)) > 1e8


class Watched:
    """What a deadline asks of a session."""

    heartbeat = 0.2

    def __init__(self, deadline):
        self.deadline = deadline
        self.silences = 0

    def receive_silence(self, now):
        self.silences += 1
