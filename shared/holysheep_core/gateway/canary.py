"""A canary: a new provider or model gets a small share of the traffic, then more if it does well.

Pure: requests, times and health are arguments. A hash of the conversation's key selects the side,
so a conversation stays on its side, and a growing share keeps its conversations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import ConfigurationError
from holysheep_core.routing.circuit import Health
from holysheep_core.types import ChatRequest

_FEW = 5
_MOSTLY = 0.5
_FULL = 100.0


@refuses_unknown()
@dataclass(frozen=True)
class Canary:
    """Traffic for a new provider or a new model, in steps.

    >>> from holysheep_core import Canary
    >>> automatic = Canary(provider="new", steps=[1, 10, 50, 100])
    >>> fixed_share = Canary(model="gpt-5.4", instead_of="gpt-4.1", steps=[10])
    >>> blue_green = Canary(provider="green", steps=[0, 100])  # `advance` switches over

    Attributes:
        provider: Name of the new provider in the gateway; None for the active provider.
        model: The new model; None for the requested model.
        instead_of: The model that `model` replaces.
        steps: Shares of the traffic in percent, increasing.
        hold: Shortest duration of a step, in seconds.
        min_requests: Requests of the new side that are needed to judge a step.
        max_error_excess: Most by which its error rate may exceed the other side's, 0 to 1.
        max_latency_ratio: Most by which its time to the first token (95th percentile) may exceed
            the other side's, as a factor.
        automatic: Whether the canary advances and rolls back automatically.
        key: Returns the conversation's key of a request; by default its `prompt_cache_key` or
            `user`, else its first user message, which is the same in every turn.

    Raises:
        ConfigurationError: A setting is invalid.
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
            raise ConfigurationError("Canary: needs the new provider or the new model.")
        if bool(self.model) != bool(self.instead_of):
            raise ConfigurationError(
                "Canary: give model and instead_of together: the new model, and the model that it "
                "replaces."
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
        """Name of the new side: "provider", "model" or "provider/model"."""
        return "/".join(part for part in (self.provider, self.model) if part)


class Rollout:
    """The current step of a canary.

    Args:
        canary: The settings.
        now: The time.

    Attributes:
        step: Index in `Canary.steps`; -1 after a rollback.
        since: Time of the last change of step.
    """

    def __init__(self, canary: Canary, now: float) -> None:
        self.canary = canary
        self.step = 0
        self.since = now
        self._other: Health | None = None  # the last health of the other side with enough requests

    @property
    def percent(self) -> float:
        """Share of the traffic in percent; 0 after a rollback."""
        return self.canary.steps[self.step] if self.step >= 0 else 0.0

    def takes(self, request: ChatRequest) -> bool:
        """Return whether a request goes to the new side."""
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
        """Return the next step and the reason; None to stay.

        Args:
            new: Health of the new side since the step began.
            other: Health of the other side in the same time.
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
        return self.step + 1, f"{new.requests} request{'' if new.requests == 1 else 's'} went well"

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
    """Return the key of a request's conversation."""
    for name in ("prompt_cache_key", "user"):
        if request.params.get(name):
            return str(request.params[name])
    first: Any = next((m.get("content") for m in request.messages if m.get("role") == "user"), "")
    return str(first)


def _ratio(new: float | None, other: float | None) -> float:
    return new / other if new is not None and other else 1.0
