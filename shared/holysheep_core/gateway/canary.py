"""A new provider or model gets a small share of the traffic first, and more if it does well.

Pure: requests, times and health are handed in. A conversation stays on its side: what decides
is a hash of its key, and a share that grows keeps those it had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.errors import ConfigurationError
from holysheep_core.routing.circuit import Health
from holysheep_core.types import ChatRequest

_FEW = 5
_MOSTLY = 0.5
_FULL = 100.0


@dataclass(frozen=True)
class Canary:
    """Traffic for a new provider or a new model, in steps.

    >>> Canary(provider="new", steps=[1, 10, 50, 100])  # moves on by itself
    >>> Canary(model="gpt-5.4", instead_of="gpt-4.1", steps=[10])  # a fixed weight
    >>> Canary(provider="green", steps=[0, 100])  # blue/green: `advance` switches over

    Attributes:
        provider: Name of the gateway's provider that is new; None for the one in use.
        model: Model that is new; None for the one asked for.
        instead_of: The model in whose place `model` answers.
        steps: Shares of the traffic in percent, rising.
        hold: Seconds a step lasts at least.
        min_requests: Requests of the new side that are needed to judge a step.
        max_error_excess: How much higher its error rate may be than the other side's, 0 to 1.
        max_latency_ratio: How many times as long its first token may take (95th percentile).
        automatic: Move on and roll back without being told to.
        key: Names the conversation of a request; by default its `prompt_cache_key` or `user`,
            else its first user message, which stays the same from turn to turn.
    """

    provider: str | None = None
    model: str | None = None
    instead_of: str | None = None
    steps: Sequence[float] = (1.0, 10.0, 50.0, 100.0)
    hold: float = 300.0
    min_requests: int = 50
    max_error_excess: float = 0.05
    max_latency_ratio: float = 1.5
    automatic: bool = True
    key: Callable[[ChatRequest], str] | None = None

    def __post_init__(self) -> None:
        if not self.provider and not self.model:
            raise ConfigurationError("Canary: needs the provider or the model that is new.")
        if bool(self.model) != bool(self.instead_of):
            raise ConfigurationError(
                "Canary: model and instead_of go together: the new model, and the one whose "
                "place it takes."
            )
        if not isinstance(self.steps, (list, tuple)) or not self.steps:
            raise ConfigurationError(f"steps={self.steps!r}: needs a list of percentages.")
        for step in self.steps:
            check_number("steps", step, maximum=_FULL)
        if list(self.steps) != sorted(set(self.steps)):
            raise ConfigurationError(f"steps={self.steps!r}: each has to be more than the last.")
        check_number("hold", self.hold)
        check_count("min_requests", self.min_requests, minimum=1)
        check_number("max_error_excess", self.max_error_excess, maximum=1.0)
        check_number("max_latency_ratio", self.max_latency_ratio, minimum=1.0)

    @property
    def name(self) -> str:
        """The new side, in a word."""
        return "/".join(part for part in (self.provider, self.model) if part)


class Rollout:
    """Where a canary stands.

    Args:
        canary: The plan.
        now: The time.

    Attributes:
        step: Index in `Canary.steps`; -1 once it was rolled back.
        since: When this step began.
    """

    def __init__(self, canary: Canary, now: float) -> None:
        self.canary = canary
        self.step = 0
        self.since = now
        self._other: Health | None = None  # the other side when it was last seen

    @property
    def percent(self) -> float:
        """Share of the traffic."""
        return self.canary.steps[self.step] if self.step >= 0 else 0.0

    def takes(self, request: ChatRequest) -> bool:
        """Tell whether a request goes to the new side."""
        canary = self.canary
        if canary.instead_of is not None and request.model != canary.instead_of:
            return False
        key = canary.key(request) if canary.key is not None else conversation(request)
        digest = hashlib.blake2b(f"{canary.name}\n{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 * _FULL < self.percent

    def move(self, step: int, now: float) -> None:
        """Go to a step; -1 rolls back."""
        self.step = max(-1, min(step, len(self.canary.steps) - 1))
        self.since = now

    def judge(self, new: Health, other: Health, now: float) -> tuple[int, str] | None:
        """Say which step should follow and why; None to stay.

        Args:
            new: Health of the new side since this step began.
            other: Health of the other side since then.
            now: The time.
        """
        if self.step < 0 or not self.percent:
            return None
        if other.requests >= _FEW:
            self._other = other
        trouble = self._trouble(new)
        if trouble:
            return -1, trouble
        last = self.step + 1 == len(self.canary.steps)
        if last or new.requests < self.canary.min_requests or now - self.since < self.canary.hold:
            return None
        return self.step + 1, f"{new.requests} requests went well"

    def _trouble(self, new: Health) -> str:
        seen, enough = self._other, new.requests >= self.canary.min_requests
        excess = new.error_rate - (seen.error_rate if seen else 0.0)
        disaster = new.requests >= _FEW and excess >= _MOSTLY
        if disaster or (enough and excess > self.canary.max_error_excess):
            return f"{new.error_rate:.0%} of its requests did not end well"
        slower = _ratio(new.first_token_p95, seen.first_token_p95 if seen else None)
        if enough and slower > self.canary.max_latency_ratio:
            return f"its first token took {slower:.1f} times as long"
        return ""


def conversation(request: ChatRequest) -> str:
    """Return what names the conversation of a request."""
    for name in ("prompt_cache_key", "user"):
        if request.params.get(name):
            return str(request.params[name])
    first: Any = next((m.get("content") for m in request.messages if m.get("role") == "user"), "")
    return str(first)


def _ratio(new: float | None, other: float | None) -> float:
    return new / other if new is not None and other else 1.0
