"""When to try again: the arithmetic of waits and stops.

tenacity lends its vocabulary: `wait_*` and `stop_*` objects are plain callables of a
`RetryCallState`, and any of them may be passed in `RetryConfig`; only then is it imported. Its
loop is not used: a loop around a generator starts the text over, and a `Retrying` object stepped
from several threads at once breaks (https://github.com/jd/tenacity/issues/507).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from holysheep_core.config.retry import RetryConfig

if TYPE_CHECKING:
    import tenacity


WITHOUT_WAITS: list[object] = []
"""One entry for each `testing.no_waiting` that is entered; empty outside of tests."""


def shortened(seconds: float) -> float:
    """Return the seconds to really wait: as given, but 0 inside `no_waiting`."""
    return 0.0 if WITHOUT_WAITS else seconds


class Failures(NamedTuple):
    """Where a call stands.

    Attributes:
        number: Failed attempts so far, the last one included; at least 1.
        error: The last failure.
        started: When the call began, on the caller's clock.
        now: The time on that clock.
    """

    number: int
    error: BaseException
    started: float
    now: float


def backoff(config: RetryConfig, failures: Failures, rng: Callable[[], float]) -> float:
    """Return the seconds to wait before the next attempt; 0 inside `testing.no_waiting`.

    Args:
        config: Strategy, delays and jitter, or the user's own `wait`.
        failures: Where the call stands.
        rng: Returns a number from 0 up to 1, as `random.random` does.
    """
    if WITHOUT_WAITS:
        return 0.0
    if config.wait is not None:
        return max(0.0, config.wait(_as_tenacity(failures)))
    delay = config.calculate_delay(failures.number - 1)
    return delay * (1.0 - config.jitter * rng())


def exhausted(config: RetryConfig, failures: Failures) -> bool:
    """Tell whether the failures so far are all that are allowed."""
    if config.stop is not None:
        return config.stop(_as_tenacity(failures))
    return failures.number > config.max_retries


def _as_tenacity(failures: Failures) -> tenacity.RetryCallState:
    import tenacity  # noqa: PLC0415 - only for those who pass its objects

    # `Retrying` only names the state's owner; it is never stepped.
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = failures.number
    state.set_exception((type(failures.error), failures.error, None))
    # After set_exception, which reads the real clock: this one may be a test's.
    state.start_time = failures.started
    state.outcome_timestamp = failures.now
    return state
