"""What is known of a route from earlier answers."""

import pytest

from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates

KEY = "sk-very-secret"


ONE, TWO = Provider(KEY, name="one"), Provider("sk-2", name="two")


A, B, C = (Route(ONE, model) for model in ("deepseek-v3.2", "gemini-2.5-flash", "unheard-of"))


A2, B2 = (Route(TWO, model) for model in ("deepseek-v3.2", "gemini-2.5-flash"))


@pytest.mark.parametrize(("now", "cooling"), [(0, True), (9.9, True), (10, False), (11, False)])
def test_a_route_cools_until_its_time_and_no_longer(now, cooling):
    route_states = RouteStates()
    route_states.cool(A, 0.0, 10)
    assert (route_states.state(A, now) == "open") is cooling
    assert route_states.state(B, now) == "closed"
    assert route_states.state(A2, now) == "closed"


def test_a_shorter_cooldown_does_not_end_a_longer_one_but_a_success_does():
    route_states = RouteStates()
    route_states.cool(A, 0.0, 10)
    route_states.cool(A, 0.0, 5)
    assert route_states.state(A, 7) == "open"
    for _ in range(2):
        route_states.succeeded(A, sent=6)
    assert route_states.state(A, 7) == "closed"
