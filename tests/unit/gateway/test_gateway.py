"""Several providers as one: switch, rollback, failover, health checks, canary."""

import gc
import threading

import pytest

from holysheep_core import (
    ActiveProviderChanged,
    APIGateway,
    Canary,
    CanaryMoved,
    CircuitConfig,
    ConfigurationError,
    HealthCheck,
    Provider,
    ProviderHealthChanged,
    RouteCooled,
)
from holysheep_core.simulator import cut, refuse
from support.calls import CALL
from support.gateways import client, gateway_of
from support.waiting import wait_until


def threads():
    return [each.name for each in threading.enumerate() if each.name == "holysheep-health"]


def test_the_first_provider_answers_until_another_is_switched_to_and_back(play):
    gateway = gateway_of(play(), play())
    with client(gateway) as handler:
        assert handler.complete(*CALL).provider == "holysheep"
        gateway.switch_to("openai")
        assert (gateway.active, handler.complete(*CALL).provider) == ("openai", "openai")
        assert gateway.rollback() == "holysheep"
        assert handler.complete(*CALL).provider == "holysheep"
        assert gateway.rollback() == "holysheep"  # there is nothing before the first


def test_an_unknown_name_is_answered_with_the_known_ones(play):
    with pytest.raises(ConfigurationError, match="'holysheep', 'openai'"):
        gateway_of(play(), play()).switch_to("opnai")


def test_a_cut_answer_is_resumed_at_the_next_provider(play, text):
    first = play(faults=[cut(at=20), refuse(503, times=None)])
    with client(gateway_of(first, play())) as handler:
        completion = handler.complete(*CALL)
    assert completion.text == text
    assert completion.provider == "openai"
    assert completion.resumes == 1


def test_all_models_of_a_gateway_know_what_one_of_them_found_out(play):
    first = play(faults=[refuse(503, times=None)])
    gateway = gateway_of(first, play())
    with client(gateway) as one, client(gateway) as other:
        one.complete(*CALL)
        asked = len(first.requests)
        assert other.complete(*CALL).provider == "openai"
        assert len(first.requests) == asked


def test_failures_of_any_kind_open_the_circuit_and_the_rate_shows_in_the_health(play):
    first = play(faults=[refuse(500, times=None)])
    gateway = gateway_of(first, play(), circuit=CircuitConfig(failures=3))
    with client(gateway) as handler:
        for _ in range(3):
            assert handler.complete(*CALL).provider == "openai"
        assert len(first.requests) == 3
        assert gateway.health("holysheep").error_rate == 1.0
        healthy = gateway.health("openai", model="gpt-4.1")
        assert (healthy.requests, healthy.errors) == (3, 0)
        assert healthy.first_token_p50 > 0


def test_an_open_circuit_is_told_with_the_providers_name(play):
    heard = []
    gateway = gateway_of(play(faults=[refuse(429, retry_after=60)]), play(), on_event=heard.append)
    with client(gateway, fallback_models=[]) as handler:
        handler.complete(*CALL)
    [cooled] = [each for each in heard if isinstance(each, RouteCooled)]
    assert cooled.provider == "holysheep"
    assert str(cooled).startswith("circuit of holysheep/gpt-4.1 open for")


def test_the_gateway_excludes_what_would_contradict_it(play):
    gateway = gateway_of(play())
    for name, value in (
        ("store", "redis://localhost"),
        ("rate_limits", "free"),
        ("circuit", CircuitConfig()),
        ("providers", [Provider("k")]),
    ):
        with pytest.raises(ConfigurationError, match=name):
            client(gateway, **{name: value})


@pytest.mark.parametrize(
    ("providers", "named"),
    [
        ([], "at least one"),
        (["sk-secret-key"], "a str is not a Provider"),
        (Provider("sk-secret-key"), "needs a list"),
        ("sk-secret-key", "needs a list"),
    ],
    ids=repr,
)
def test_invalid_providers_raise_an_error_at_once_that_shows_no_key(providers, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        APIGateway(providers)
    assert "secret" not in str(caught.value)


def test_a_name_that_comes_again_is_numbered(play):
    gateway = APIGateway([Provider("a"), Provider("b"), Provider("c")], health_check=None)
    gateway.switch_to("holysheep-3")
    assert gateway.active == "holysheep-3"


def test_no_key_shows_in_a_gateway(play):
    gateway = gateway_of(play(), play())
    assert repr(gateway) == "APIGateway(holysheep, openai)"
    with pytest.raises(TypeError, match="keys"):
        gateway.__reduce_ex__(4)


# -- checks ---------------------------------------------------------------------------------

FAST = HealthCheck(interval=0.2, recheck=0.05, down_after=2, up_after=2)


def test_a_provider_whose_checks_fail_is_asked_last_and_comes_back(simulator, play):
    heard = []
    good = play()
    gone = Provider("k", "http://127.0.0.1:9", name="holysheep")
    gateway = APIGateway(
        [gone, Provider("k", good.base_url, name="openai")],
        health_check=FAST,
        on_event=heard.append,
    )
    with client(gateway) as handler:
        handler.complete(*CALL)
        wait_until(lambda: not gateway.is_up("holysheep"))
        assert gateway.active == "openai"
        completion = handler.complete(*CALL)
        assert [attempt.provider for attempt in completion.attempts] == ["openai"]
    [event] = [event for event in heard if isinstance(event, ProviderHealthChanged)]
    assert (event.provider, event.up) == ("holysheep", False)
    assert "No connection" in event.reason


def test_checks_begin_with_the_first_call_and_end_with_the_last_client(play):
    gateway = gateway_of(play(), health_check=FAST)
    before = len(threads())
    one, other = client(gateway), client(gateway)
    assert len(threads()) == before
    one.complete(*CALL)
    assert len(threads()) == before + 1
    one.close()
    assert len(threads()) == before + 1
    other.close()
    wait_until(lambda: len(threads()) == before)


def test_checks_end_when_everything_is_garbage(play):
    before = len(threads())
    used = client(gateway_of(play(), health_check=FAST))
    used.complete(*CALL)
    assert len(threads()) == before + 1
    del used
    gc.collect()
    wait_until(lambda: len(threads()) == before)


def test_checks_end_when_the_last_client_is_garbage_though_the_gateway_is_kept(play):
    before, gateway = len(threads()), gateway_of(play(), health_check=FAST)
    used = client(gateway)
    used.complete(*CALL)
    assert len(threads()) == before + 1
    del used
    gc.collect()
    wait_until(lambda: len(threads()) == before)
    client(gateway).complete(*CALL)  # and it can be used again


async def test_closing_an_async_client_ends_the_checks_too(play):
    before = len(threads())
    async with client(gateway_of(play(), health_check=FAST)) as handler:
        assert (await handler.acomplete(*CALL)).provider == "holysheep"
        assert len(threads()) == before + 1
    assert len(threads()) == before


# -- canaries -------------------------------------------------------------------------------


def test_a_canary_provider_that_fails_is_rolled_back_and_every_call_is_served(play):
    heard, bad = [], play(faults=[refuse(500, times=None)])
    gateway = gateway_of(
        play(), bad, canary=Canary(provider="openai", steps=[50]), on_event=heard.append
    )
    with client(gateway) as handler:
        for i in range(60):
            messages = [{"role": "user", "content": f"conversation {i}"}]
            assert handler.complete("gpt-4.1", messages).provider == "holysheep"
    [moved] = [event for event in heard if isinstance(event, CanaryMoved)]
    assert (moved.canary, moved.percent) == ("openai", 0)
    assert 5 <= len(bad.requests) < 10


def test_a_canary_that_does_well_gets_everything_in_the_end(play):
    heard, new = [], play()
    canary = Canary(
        provider="openai", steps=[30, 100], hold=0.0, min_requests=5, max_latency_ratio=100
    )
    gateway = gateway_of(play(), new, canary=canary, on_event=heard.append)
    with client(gateway) as handler:
        answers = [
            handler.complete("gpt-4.1", [{"role": "user", "content": f"c {i}"}]).provider
            for i in range(60)
        ]
    assert [event.percent for event in heard if isinstance(event, CanaryMoved)] == [100]
    assert answers[-10:] == ["openai"] * 10
    assert "holysheep" in answers[:10]


def test_blue_green_switches_over_and_back_on_command(play):
    plan = Canary(provider="openai", steps=[0, 100], automatic=False)
    gateway = gateway_of(play(), play(), canary=plan)
    with client(gateway) as handler:
        assert handler.complete(*CALL).provider == "holysheep"
        gateway.advance()
        assert handler.complete(*CALL).provider == "openai"
        gateway.abort_canary()
        assert handler.complete(*CALL).provider == "holysheep"


def test_a_canary_model_answers_in_the_others_place_and_the_other_stands_behind_it(play, text):
    script = play(faults=[refuse(500, times=None, model="gpt-5.4")])
    plan = Canary(model="gpt-5.4", instead_of="gpt-4.1", steps=[100])
    with client(gateway_of(script, canary=plan)) as handler:
        completion = handler.complete(*CALL)
    assert completion.text == text
    assert [attempt.model for attempt in completion.attempts][::3] == ["gpt-5.4", "gpt-4.1"]


def test_a_switch_is_an_event(play):
    heard = []
    gateway_of(play(), play(), on_event=heard.append).switch_to("openai")
    assert [(type(event), event.provider) for event in heard] == [(ActiveProviderChanged, "openai")]
