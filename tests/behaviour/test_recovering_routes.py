"""A primary that fails and comes back: every call served, few probes, no thundering back.

On virtual time, which the pure session allows: minutes pass in milliseconds.
"""

import pytest

from holysheep_core import APIError, FallbackConfig, Provider
from holysheep_core.catalog import Catalog
from holysheep_core.engine.actions import Finish, Wait
from holysheep_core.engine.session import Session
from holysheep_core.engine.settings import Settings
from holysheep_core.retry_budget import RetryBudget
from holysheep_core.routing.circuit import PROBE_SECONDS
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import build_chain
from holysheep_core.types import ChatRequest

M, F = "gpt-4.1", "gemini-2.5-flash"
ASK = ChatRequest(M, [{"role": "user", "content": "go"}])
ANSWER = (
    b'data: {"choices":[{"delta":{"content":"Baa."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
COOLDOWN = 10.0


class World:
    """One client whose primary refuses until `healthy_at`."""

    def __init__(self, healthy_at, status=503, models=None):
        self.healthy_at, self.status = healthy_at, status
        self.settings = Settings(
            budget=RetryBudget(), fallback=FallbackConfig(models=models, cooldown=COOLDOWN)
        )
        self.route_states = RouteStates()
        self.primary = []  # when it was asked
        self.served = []  # (when, by whom)

    def session(self, now):
        chain = build_chain(
            ASK, [Provider("k")], self.settings.fallback, self.route_states, Catalog()
        )
        return Session(ASK, chain, self.settings, now=now, rng=lambda: 0.5)

    def step(self, session, now):
        """Do the session's next action; returns the time after it, None when it is served."""
        action = session.next_action(now)
        if isinstance(action, Finish):
            self.served.append((now, action.completion.attempts[-1].model))
            return None
        if isinstance(action, Wait):
            return now + action.seconds
        ill = False
        if M.encode() in action.body:
            self.primary.append(now)
            ill = now < self.healthy_at
        session.receive_response(self.status if ill else 200, {}, now + 0.01)
        if not ill:
            session.receive_data(ANSWER, now + 0.01)
        session.receive_eof(now + 0.01)
        return now + 0.02

    def call(self, now):
        session = self.session(now)
        while now is not None:
            now = self.step(session, now)


@pytest.mark.parametrize("status", [503, 529, 429])
def test_a_flapping_primary_serves_every_request_with_few_probes_and_is_back_within_a_cooldown(
    status,
):
    world = World(healthy_at=60.0, status=status)
    for second in range(0, 120, 4):
        world.call(float(second))
    assert len(world.served) == 30
    outage = [at for at in world.primary if at < 60]
    assert len(outage) <= 2 * (1 + 60 / COOLDOWN)  # one probe per cooldown, asked twice at most
    first_back = min(at for at, model in world.served if model == M)
    assert first_back <= 60 + COOLDOWN + 4  # a call comes every 4 s
    assert all(model == M for at, model in world.served if at > first_back)


def test_no_thundering_back_one_of_a_hundred_calls_probes():
    world = World(healthy_at=1e9)
    world.call(0.0)
    before = len(world.primary)
    now = 30.0  # long after the cooldown
    sessions = [world.session(now) for _ in range(100)]
    for session in sessions:
        world.step(session, now)
    assert len(world.primary) - before == 1


def test_a_probe_that_ends_well_lets_everybody_back_at_once():
    world = World(healthy_at=20.0)
    world.call(0.0)
    world.call(30.0)
    assert world.served[-1][1] == M
    for _ in range(10):
        world.call(31.0)
    assert [model for _, model in world.served[-10:]] == [M] * 10


def test_a_caller_that_went_away_in_its_probe_does_not_close_the_route_for_ever():
    world = World(healthy_at=20.0)
    world.call(0.0)
    world.session(30.0)  # takes the probe, and is never seen again
    world.call(31.0)
    assert world.served[-1][1] == F
    world.call(30.0 + PROBE_SECONDS)
    assert world.served[-1][1] == M


def test_without_another_route_the_only_one_is_asked_however_it_cools():
    world = World(healthy_at=1e9, models=[])
    with pytest.raises(APIError):
        world.call(0.0)
    world.healthy_at = 0.0
    world.call(1.0)  # within the cooldown
    assert world.served[-1][1] == M
