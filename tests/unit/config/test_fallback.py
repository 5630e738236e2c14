"""`FallbackConfig(on=…)`: the errors after which another route may be asked."""

import pytest

from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.errors import (
    APIConnectionError,
    APIError,
    BudgetExceededError,
    ConfigurationError,
    ContextLengthError,
    HolySheepError,
    LocalRateLimitError,
    RateLimitError,
    ServerError,
    TLSError,
)


def test_without_on_the_table_of_failures_decides():
    assert FallbackConfig().moves_after(ServerError())
    assert FallbackConfig().avoids_cooling


def test_classes_and_their_names_are_the_same_and_mean_subclasses():
    assert FallbackConfig(on=["RateLimitError"]) == FallbackConfig(on=[RateLimitError])
    assert FallbackConfig(on=[RateLimitError]).moves_after(LocalRateLimitError())
    assert FallbackConfig(on=["APIConnectionError"]).moves_after(TLSError())
    assert not FallbackConfig(on=[RateLimitError]).moves_after(ServerError())


def test_what_the_call_itself_did_leads_nowhere_else():
    assert not FallbackConfig(on=[HolySheepError]).moves_after(BudgetExceededError())
    with pytest.raises(ConfigurationError, match=r"'BudgetExceededError'.*RateLimitError"):
        FallbackConfig(on=["BudgetExceededError"])


@pytest.mark.parametrize(
    ("kinds", "avoids"),
    [
        ([RateLimitError], True),
        ([APIError], True),
        ([APIConnectionError], True),
        ([ContextLengthError], False),
        ([], False),
    ],
)
def test_a_cooling_model_is_avoided_only_if_its_errors_may_lead_elsewhere(kinds, avoids):
    assert FallbackConfig(on=kinds).avoids_cooling is avoids
