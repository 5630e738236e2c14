"""Canaries: exact shares, conversations that stay on their side, steps forward and back."""

import pytest

from holysheep_core import Canary, ConfigurationError, Health
from holysheep_core.gateway.canary import Rollout, conversation
from holysheep_core.types import ChatRequest


def ask(text, **params):
    return ChatRequest("gpt-4.1", [{"role": "user", "content": text}], params)


REQUESTS = [ask(f"conversation {i}") for i in range(20_000)]


def rollout(**plan):
    return Rollout(Canary(**{"provider": "new", "hold": 60.0, **plan}), 0.0)


def health(requests, errors=0, p95=1.0):
    return Health(requests, errors, p95, p95, p95)


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 100])
def test_it_gets_its_share(percent):
    made = rollout(steps=[percent])
    share = sum(map(made.takes, REQUESTS)) / len(REQUESTS)
    assert share == pytest.approx(percent / 100, abs=0.01)
    if percent in (0, 100):
        assert share == percent / 100


def test_a_conversation_stays_on_its_side_as_the_share_grows():
    made, taken = rollout(steps=[1, 10, 50, 100]), set()
    for step in range(4):
        made.move(step, 0.0)
        now = {i for i, request in enumerate(REQUESTS[:3000]) if made.takes(request)}
        assert taken <= now
        taken = now
    assert len(taken) == 3000


def test_the_turns_of_a_conversation_are_one_conversation():
    first = {"role": "user", "content": "Hi"}
    later = [first, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Go"}]
    assert conversation(ChatRequest("m", later)) == conversation(ChatRequest("m", [first]))
    assert conversation(ask("a", user="kim")) == conversation(ask("b", user="kim"))
    assert conversation(ask("a", prompt_cache_key="x", user="kim")) == "x"
    own = rollout(steps=[50], key=lambda request: "always the same")
    assert len({own.takes(request) for request in REQUESTS[:100]}) == 1


def test_one_that_does_well_moves_on_when_its_step_has_lasted():
    made = rollout()
    assert made.judge(health(50), health(5000), 59.0) is None
    assert made.judge(health(49), health(5000), 60.0) is None
    assert made.judge(health(50), health(5000), 60.0)[0] == 1


def test_the_last_step_is_the_end():
    made = rollout(steps=[10])
    assert made.judge(health(5000), health(5000), 1e6) is None


@pytest.mark.parametrize(
    ("new", "other", "why"),
    [
        (health(50, errors=5), health(5000), "did not end well"),
        (health(5, errors=3), health(5000), "did not end well"),  # a disaster is seen early
        (health(50, p95=1.6), health(5000, p95=1.0), "1.6 times"),
        (health(5, errors=5), health(0), "did not end well"),  # nothing to compare with
    ],
)
def test_one_that_does_worse_is_rolled_back(new, other, why):
    step, reason = rollout().judge(new, other, 1.0)
    assert step == -1
    assert why in reason


@pytest.mark.parametrize(
    ("new", "other"),
    [
        (health(4, errors=4), health(5000)),  # four requests are an accident
        (health(50, errors=4), health(5000, errors=200)),  # 8 % against 4 %
        (health(50, errors=30), health(5000, errors=3000)),  # all are ill alike
        (health(50, p95=1.4), health(5000, p95=1.0)),
    ],
)
def test_one_that_is_not_much_worse_is_not(new, other):
    assert rollout().judge(new, other, 1.0) is None


def test_the_full_share_is_judged_by_what_the_other_side_was_like():
    made = rollout(steps=[50, 100])
    assert made.judge(health(50), health(50, p95=1.0), 60.0)[0] == 1
    made.move(1, 60.0)
    assert made.judge(health(50, p95=2.0), health(0), 61.0)[0] == -1


def test_one_that_was_rolled_back_gets_nothing_and_is_not_judged_again():
    made = rollout(steps=[50])
    made.move(-1, 0.0)
    assert not any(map(made.takes, REQUESTS[:100]))
    assert made.judge(health(50), health(50), 1e6) is None


def test_a_canary_model_takes_the_place_of_one_model_only():
    made = rollout(provider=None, model="gpt-5.4", instead_of="gpt-4.1", steps=[100])
    assert made.takes(ask("a"))
    assert not made.takes(ChatRequest("deepseek-v3.2", [], {}))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({}, "new provider or the new model"),
        ({"model": "m"}, "instead_of"),
        ({"provider": "new", "instead_of": "m"}, "instead_of"),
        ({"provider": "new", "steps": []}, "steps"),
        ({"provider": "new", "steps": 10}, "steps"),
        ({"provider": "new", "steps": [50, 10]}, "steps"),
        ({"provider": "new", "steps": [101]}, "steps"),
        ({"provider": "new", "max_latency_ratio": 0.5}, "max_latency_ratio"),
    ],
)
def test_an_invalid_canary_raises_an_error_at_once(wrong, named):
    with pytest.raises(ConfigurationError, match=named):
        Canary(**wrong)
