"""The settings of your own rate limits: checked at once, and read from a tier's name."""

import pytest

from holysheep_core import ConfigurationError, RateLimits, SpendLimit
from holysheep_core.config.limits import TIERS


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "tokens_per_day"])
@pytest.mark.parametrize("bad", [0, -1, 1.5, "60", True])
def test_a_limit_that_cannot_be_is_refused_by_name(name, bad):
    with pytest.raises(ConfigurationError, match=f"^{name}="):
        RateLimits(**{name: bad})


@pytest.mark.parametrize("wrong", [{"expected_tokens": -1}, {"max_wait": float("nan")}])
def test_so_is_any_other_setting(wrong):
    with pytest.raises(ConfigurationError, match=f"^{next(iter(wrong))}="):
        RateLimits(**wrong)


def test_limits_are_none_a_tiers_name_or_ones_own():
    mine = RateLimits(requests_per_minute=7)
    assert RateLimits.coerce(None) is None
    assert RateLimits.coerce(mine) is mine
    assert RateLimits.coerce("starter") == RateLimits(200, None, 1_000_000)
    assert set(TIERS) == {"free", "starter", "pro"}


@pytest.mark.parametrize("bad", ["gold", "", 5, {}, ["pro"]])
def test_any_other_is_refused_with_the_tiers_there_are(bad):
    with pytest.raises(ConfigurationError, match="'free', 'starter', 'pro'"):
        RateLimits.coerce(bad)


@pytest.mark.parametrize("wrong", [{}, {"usd": -1}, {"usd": "5"}, {"tokens": 0}, {"tokens": 1.5}])
def test_a_spend_limit_needs_a_number_of_one_kind_at_least(wrong):
    with pytest.raises(ConfigurationError):
        SpendLimit(**wrong)


def test_a_spend_limit_reads_as_a_sentence_says_it():
    assert str(SpendLimit(usd=0.5)) == "US$ 0.5"
    assert str(SpendLimit(tokens=12_000)) == "12,000 tokens"
    assert str(SpendLimit(usd=2, tokens=5)) == "US$ 2 and 5 tokens"
