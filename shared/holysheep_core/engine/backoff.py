"""When to try again: the arithmetic of waits and stops, and nothing else.

tenacity lends its vocabulary: `wait_*` and `stop_*` objects are plain callables of a
`RetryCallState`, and any of them may be passed in `RetryConfig`. Its loop is not used: a loop
around a generator starts the text over, and a `Retrying` object stepped from several threads
at once breaks (https://github.com/jd/tenacity/issues/507).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from holysheep_core.config.retry import RetryConfig, RetryStrategy

if TYPE_CHECKING:
    import tenacity

WITHOUT_WAITS: list[object] = []
"""One entry for each `testing.no_waiting` that is entered; empty outside of tests."""


def shortened(seconds: float) -> float:
    """Return the seconds to really wait: as given, but 0 inside `no_waiting`."""
    return 0.0 if WITHOUT_WAITS else seconds


def retry_state(
    failures: int, error: BaseException, started: float, now: float
) -> tenacity.RetryCallState:
    """Describe where a call stands, in tenacity's terms.

    Args:
        failures: Failed attempts so far, the last one included; at least 1.
        error: The last failure.
        started: When the call began, on the caller's clock.
        now: The time on that clock.
    """
    import tenacity  # noqa: PLC0415 - 40 ms, for which a program that never fails need not wait

    # `Retrying` only names the state's owner; it is never stepped.
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = failures
    state.set_exception((type(error), error, None))
    # After set_exception, which reads the real clock: this one may be a test's.
    state.start_time = started
    state.outcome_timestamp = now
    return state


def backoff(config: RetryConfig, state: tenacity.RetryCallState, rng: Callable[[], float]) -> float:
    """Return the seconds to wait before the next attempt; 0 inside `testing.no_waiting`.

    Args:
        config: Strategy, delays and jitter, or the user's own `wait`.
        state: From `retry_state`.
        rng: Returns a number from 0 up to 1, as `random.random` does.
    """
    if WITHOUT_WAITS:
        return 0.0
    if config.wait is not None:
        return max(0.0, config.wait(state))
    import tenacity  # noqa: PLC0415 - see above

    base, cap = config.base_delay, config.max_delay
    if config.strategy is RetryStrategy.EXPONENTIAL_BACKOFF:
        delay = tenacity.wait_exponential(multiplier=base, max=cap)(state)
    elif config.strategy is RetryStrategy.LINEAR_BACKOFF:
        delay = tenacity.wait_incrementing(start=base, increment=base, max=cap)(state)
    else:
        delay = min(tenacity.wait_fixed(base)(state), cap)
    return delay * (1.0 - config.jitter * rng())


def exhausted(config: RetryConfig, state: tenacity.RetryCallState) -> bool:
    """Tell whether the failures so far are all that are allowed."""
    if config.stop is not None:
        return config.stop(state)
    return state.attempt_number > config.max_retries
