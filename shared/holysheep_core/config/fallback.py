"""Fallback models: which may answer, after which errors, with which parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holysheep_core import errors
from holysheep_core.config.checks import check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import (
    APIConnectionError,
    BudgetExceededError,
    ConfigurationError,
    DeadlineExceededError,
    HolySheepError,
    InvalidJSONOutputError,
    JournalError,
    OverloadedError,
    RateLimitError,
    ServerError,
    StreamingRetryExhausted,
    TokenLimitError,
    UpstreamError,
)


@refuses_unknown()
@dataclass(frozen=True)
class FallbackConfig:
    """Which fallback models may answer instead of the requested model.

    Attributes:
        models: Models to try in order, or None for the default table (every model falls back
            to "gemini-2.5-flash"). An empty list never changes the model.
        cooldown: Seconds a model cools down after an overload or a 429 without a hint, or when
            it fails and the retry budget is used up.
        params: Parameters of single fallback models, by model id: {"gpt-5": {"reasoning_effort":
            "low"}}. Of the call's own, a model of another family is given those only that all
            families know.
        hedge: Seconds without a first token after which the next route is asked too, once in a
            call; whichever has content first answers, and the other request is closed. Its prompt
            is paid for. None: never. Calls with a `SpendLimit` or your own rate limits have one
            request.
        on: Errors after which another model or provider may be asked: classes, or their names;
            subclasses are included. None for those of the table of failures (docs/failures.md).
            Errors that are not among them are retried on the same route, if they are retried at
            all. Without `RateLimitError`, `OverloadedError`, `ServerError` and
            `APIConnectionError`, a model that cools down is still used.
    """

    models: Sequence[str] | None = None
    cooldown: float = 10.0
    params: Mapping[str, Mapping[str, Any]] | None = None
    on: Collection[type[HolySheepError] | str] | None = None
    hedge: float | None = None

    def __post_init__(self) -> None:
        check_number("cooldown", self.cooldown)
        if self.hedge is not None:
            check_number("hedge", self.hedge, minimum=0.001)
        if self.on is not None:
            object.__setattr__(self, "on", _error_classes(self.on))
        given = {} if self.params is None else self.params
        if not isinstance(given, Mapping) or not all(
            isinstance(model, str) and isinstance(params, Mapping)
            for model, params in given.items()
        ):
            raise ConfigurationError(
                f"fallback params={self.params!r}: needs a dict of parameters for each model's id."
            )
        if self.models is not None:
            wrong = (
                isinstance(self.models, str)
                or not isinstance(self.models, Sequence)
                or not all(isinstance(model, str) and model.strip() for model in self.models)
            )
            if wrong:
                raise ConfigurationError(
                    f"fallback models={self.models!r}: needs a list of model names."
                )

    def moves_after(self, failure: HolySheepError) -> bool:
        """Tell whether another route may be asked after this error, as far as `on` says."""
        cause = failure.__cause__ if isinstance(failure, UpstreamError) else None
        kinds = tuple(each for each in self.on or () if not isinstance(each, str))
        listed = self.on is None or isinstance(failure, kinds) or isinstance(cause, kinds)
        return listed and not isinstance(failure, _OF_THE_CALL)

    @property
    def avoids_cooling(self) -> bool:
        """Whether a call begins elsewhere while its model cools down, as far as `on` says."""
        return self.on is None or any(
            isinstance(each, type) and (issubclass(each, _COOLING) or issubclass(cooling, each))
            for each in self.on
            for cooling in _COOLING
        )


_COOLING = (APIConnectionError, RateLimitError, OverloadedError, ServerError)
_OF_THE_CALL = (
    *(ConfigurationError, DeadlineExceededError, BudgetExceededError, JournalError),
    *(InvalidJSONOutputError, TokenLimitError, StreamingRetryExhausted),
)
"""Errors that no other route can help, or whose answer was shown already."""


def _error_classes(given: object) -> tuple[type[HolySheepError], ...]:
    known = {name: each for name, each in vars(errors).items() if _is_helped(each)}
    listed = given if isinstance(given, Collection) and not isinstance(given, str) else [given]
    found: list[Any] = [known.get(each, each) if isinstance(each, str) else each for each in listed]
    for each in found:
        if not _is_helped(each):
            raise ConfigurationError(
                f"fallback on={each!r}: needs errors of holysheep_core that another model or "
                f"provider can help: {', '.join(sorted(known))}."
            )
    return tuple(found)


def _is_helped(each: object) -> bool:
    return (
        isinstance(each, type)
        and issubclass(each, HolySheepError)
        and not issubclass(each, _OF_THE_CALL)
    )


def of_call(models: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the fallback models of a call, checked; None for the client's.

    Raises:
        ConfigurationError: They are no list of names.
    """
    return None if models is None else tuple(FallbackConfig(models=models).models or ())
