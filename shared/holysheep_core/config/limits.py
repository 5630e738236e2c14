"""The settings of your own limits on requests and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import ConfigurationError


@refuses_unknown()
@dataclass(frozen=True)
class RateLimits:
    """Limits on the requests and tokens sent to an account, so that the server need not reject any.

    All clients of a process that use the same key share them; with a `store`, all machines do.
    Every request counts, retries and continuations too. Tokens are reserved before a request
    (its estimated prompt and `max_tokens`) and corrected by the usage when it has ended.

    Attributes:
        requests_per_minute: Requests in any 60 s; None for no limit.
        tokens_per_minute: Tokens, prompt and answer, in a minute that begins with the first.
        tokens_per_day: Tokens, prompt and answer, in 24 hours that begin with the first.
        expected_tokens: Tokens of an answer that are reserved where the request names no
            `max_tokens`.
        max_wait: Longest wait in seconds for the limits; a longer one is not begun, but raises
            `LocalRateLimitError` at once. 0 never waits.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    expected_tokens: int = 500
    max_wait: float = 60.0

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute", "tokens_per_day"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name), minimum=1)
        check_count("expected_tokens", self.expected_tokens)
        check_number("max_wait", self.max_wait)

    @classmethod
    def coerce(cls, value: object) -> RateLimits | None:
        """Read the `rate_limits` keyword: a `RateLimits`, a tier's name, or None."""
        if value is None or isinstance(value, RateLimits):
            return value
        if isinstance(value, str) and value in TIERS:
            return TIERS[value]
        known = ", ".join(map(repr, TIERS))
        raise ConfigurationError(f"rate_limits={value!r}: needs a RateLimits, or one of {known}.")


TIERS: Mapping[str, RateLimits] = MappingProxyType(
    {
        "free": RateLimits(requests_per_minute=60, tokens_per_day=100_000),
        "starter": RateLimits(requests_per_minute=200, tokens_per_day=1_000_000),
        "pro": RateLimits(requests_per_minute=500),
    }
)
"""HolySheep's published tiers."""


@refuses_unknown()
@dataclass(frozen=True)
class SpendLimit:
    """A cap on one call; beyond it the call ends with `BudgetExceededError` and the partial.

    Tokens are counted while they stream, before the server reports them: one for each delta, or
    one for four characters where that is more. So a call may end some tokens early or late.

    Attributes:
        usd: US$ for all requests of the call together, prompts included. The price of every model
            that may be asked must be known (see `Catalog`).
        tokens: Input and output tokens of all requests of the call together.
    """

    usd: float | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if self.usd is not None:
            check_number("usd", self.usd)
        if self.tokens is not None:
            check_count("tokens", self.tokens, minimum=1)
        if self.usd is None and self.tokens is None:
            raise ConfigurationError("SpendLimit: needs usd=… or tokens=….")

    def __str__(self) -> str:
        usd = None if self.usd is None else f"US$ {self.usd:g}"
        tokens = None if self.tokens is None else f"{self.tokens:,} tokens"
        return " and ".join(filter(None, (usd, tokens)))
