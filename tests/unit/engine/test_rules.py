"""The rule of a failure, whoever was asked."""

import pytest

from holysheep_core import (
    BadRequestError,
    FallbackConfig,
    NotFoundError,
    PermissionDeniedError,
    Provider,
    RateLimitError,
    RetryConfig,
    ServerError,
)
from holysheep_core.engine.rules import Move, rule_at, rule_for
from holysheep_core.routing.providers import Route

ROUTE = Route(Provider("key-1234", models={"gpt-4.1": "vendor/gpt4"}), "gpt-4.1")


def move(failure, route=ROUTE):
    return rule_at(route, failure, RetryConfig(), FallbackConfig()).move


@pytest.mark.parametrize("kind", [BadRequestError, NotFoundError, PermissionDeniedError])
def test_a_refusal_that_names_the_model_by_either_name_may_be_its_own(kind):
    assert move(kind("no gpt-4.1 here")) is Move.NEXT
    assert move(kind("no vendor/gpt4 here")) is Move.NEXT
    assert move(kind("", code="model_not_found")) is Move.NEXT
    assert move(kind("nothing here")) is rule_for(kind(), RetryConfig()).move


@pytest.mark.parametrize(
    ("words", "too_large"),
    [
        ("Limit 30000, Requested 40000.", True),
        ("Limit: 30,000 / Requested: 40,000", True),
        ("Limit 30000, Used 29000, Requested 4000.", False),
        ("Limit 30000, Requested 4000.", False),
        ("Rate limit reached.", False),
    ],
)
def test_a_request_larger_than_the_limit_never_fits(words, too_large):
    rule = rule_at(ROUTE, RateLimitError(words, status_code=429), RetryConfig(), FallbackConfig())
    assert (rule.again == 0) is too_large


def test_a_servers_failure_is_not_the_models_though_it_names_it():
    failure = ServerError("gpt-4.1 is not well", status_code=500)
    assert rule_at(ROUTE, failure, RetryConfig(), FallbackConfig()) == rule_for(
        failure, RetryConfig()
    )
