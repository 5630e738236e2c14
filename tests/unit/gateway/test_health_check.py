"""Health checks: healthy responses, and the number of results that change the state."""

import pytest

from holysheep_core import HealthCheck, Provider
from holysheep_core.gateway.health_check import HealthState, ask
from holysheep_core.simulator import refuse
from holysheep_core.transport.httpx_client import make_client


def pulse(*results, **config):
    made = HealthState(HealthCheck(**config), 0.0)
    return made, [made.checked(float(at), well=well) for at, well in enumerate(results)]


def test_two_failures_in_a_row_take_a_provider_out_and_two_successes_bring_it_back():
    made, changes = pulse(False, False, False, True, True)
    assert changes == [False, True, False, False, True]
    assert made.up


def test_one_lost_packet_moves_nobody():
    made, changes = pulse(False, True, False, True, False, True)
    assert not any(changes)
    assert made.up


def test_in_doubt_it_asks_again_soon_and_otherwise_rarely():
    made, _ = pulse(True, interval=60, recheck=5)
    assert made.due == 60.0
    made.checked(60.0, well=False)
    assert made.due == 65.0
    made.checked(65.0, well=False)
    assert (made.up, made.due) == (False, 70.0)
    made.checked(70.0, well=True)
    assert made.due == 75.0
    made.checked(75.0, well=True)
    assert (made.up, made.due) == (True, 135.0)


@pytest.mark.parametrize("model", [None, "gpt-4.1"])
def test_a_server_that_answers_is_well(play, model):
    script = play()
    with make_client() as client:
        assert ask(Provider("k", script.base_url), client, HealthCheck(model=model))[0]
    assert [record.body.get("max_tokens") for record in script.requests] == [1] * bool(model)


@pytest.mark.parametrize(
    ("status", "well"), [(500, False), (503, False), (401, False), (429, True)]
)
def test_a_refusal_is_not_but_a_busy_server_is(play, status, well):
    script = play(faults=[refuse(status, times=None)])
    with make_client() as client:
        check = HealthCheck(model="gpt-4.1")
        assert ask(Provider("k", script.base_url), client, check) == (well, f"status {status}")


def test_a_server_without_a_list_of_models_is_well(play, simulator):
    url = play().base_url.replace("/v1", "/nothing")
    with make_client() as client:
        assert ask(Provider("k", url), client, HealthCheck()) == (True, "status 404")


def test_no_server_at_all_is_not():
    with make_client() as client:
        well, reason = ask(Provider("k", "http://127.0.0.1:9"), client, HealthCheck(timeout=2))
    assert not well
    assert "No connection" in reason
