"""Waits and stops to the second, and a budget that no number of threads can overdraw."""

import subprocess
import sys

import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.config.retry import RetryConfig, RetryStrategy
from holysheep_core.engine.backoff import Failures, _as_tenacity, backoff, exhausted
from holysheep_core.errors import RateLimitError, ServerError

ERROR = ServerError("no")


def state(failures=1, *, error=ERROR, started=100.0, now=103.0):
    return Failures(failures, error, started, now)


def waits(count, draw=0.0, **settings):
    config = RetryConfig(**{"jitter": 0, **settings})
    return [backoff(config, state(n), lambda: draw) for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (RetryStrategy.EXPONENTIAL_BACKOFF, [1, 2, 4, 8, 16, 32, 60, 60]),
        (RetryStrategy.LINEAR_BACKOFF, [1, 2, 3, 4, 5, 6, 7, 8]),
        (RetryStrategy.FIXED_INTERVAL, [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_each_strategy_waits_exactly_as_it_says(strategy, expected):
    assert waits(8, strategy=strategy) == expected
    assert waits(8, strategy=strategy.value) == expected


@pytest.mark.parametrize("strategy", RetryStrategy)
def test_every_wait_scales_with_the_base_and_ends_at_the_cap(strategy):
    plain = waits(6, strategy=strategy)
    assert waits(6, strategy=strategy, base_delay=0.5) == [wait / 2 for wait in plain]
    assert waits(6, strategy=strategy, max_delay=3) == [min(wait, 3) for wait in plain]
    assert waits(6, strategy=strategy, base_delay=0) == [0] * 6


@pytest.mark.parametrize("strategy", RetryStrategy)
def test_the_ten_thousandth_wait_is_still_the_cap_at_most(strategy):
    config = RetryConfig(strategy=strategy, jitter=0)
    assert 1 <= backoff(config, state(10_000), lambda: 0.0) <= 60


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_at_a_jitter_of_a_half_a_wait_of_4_becomes_2_to_4(draw, wait):
    assert waits(3, draw, jitter=0.5)[2] == wait


@given(
    st.sampled_from(RetryStrategy),
    st.integers(1, 50),
    st.floats(0, 100),
    st.floats(0, 100),
    st.floats(0, 1),
    st.floats(0, 1, exclude_max=True),
)
def test_jitter_only_shortens_a_wait_and_by_its_share_at_most(kind, n, base, cap, jitter, draw):
    settings = {"strategy": kind, "base_delay": base, "max_delay": cap}
    full = waits(n, **settings)[-1]
    wait = waits(n, draw, jitter=jitter, **settings)[-1]
    assert 0 <= full <= cap
    assert full * (1 - jitter) <= wait * (1 + 1e-9) + 1e-300
    assert wait <= full


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (tenacity.wait_none(), [0, 0, 0]),
        (tenacity.wait_fixed(7), [7, 7, 7]),
        (tenacity.wait_fixed(1) + tenacity.wait_fixed(2), [3, 3, 3]),
        (tenacity.wait_incrementing(start=5, increment=-2), [5, 3, 1]),
        (tenacity.wait_chain(tenacity.wait_fixed(3), tenacity.wait_fixed(9)), [3, 9, 9]),
        (tenacity.wait_exponential(multiplier=10, max=25), [10, 20, 25]),
        (tenacity.wait_exponential_jitter(jitter=0), [1, 2, 4]),
        (tenacity.wait_random(min=4, max=4), [4, 4, 4]),
        (lambda state: state.attempt_number * 100, [100, 200, 300]),
        (lambda _state: -1, [0, 0, 0]),
        (lambda state: state.outcome.exception().retry_after, [9, 9, 9]),
    ],
)
def test_any_tenacity_wait_takes_the_place_of_strategy_cap_and_jitter(wait, expected):
    config = RetryConfig(wait=wait, max_delay=1, jitter=1)
    error = RateLimitError(retry_after=9)
    assert [backoff(config, state(n, error=error), lambda: 0.9) for n in (1, 2, 3)] == expected


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (tenacity.stop_never, [False, False, False]),
        (tenacity.stop_after_attempt(2), [False, True, True]),
        (tenacity.stop_after_delay(3), [True, True, True]),
        (tenacity.stop_after_delay(3.5), [False, False, False]),
        (tenacity.stop_before_delay(3), [True, True, True]),
        (tenacity.stop_after_attempt(3) | tenacity.stop_after_delay(9), [False, False, True]),
        (tenacity.stop_after_attempt(2) & tenacity.stop_after_delay(9), [False, False, False]),
        (lambda state: isinstance(state.outcome.exception(), ServerError), [True, True, True]),
    ],
)
def test_any_tenacity_stop_takes_the_place_of_max_retries(stop, expected):
    config = RetryConfig(stop=stop, max_retries=0)
    assert [exhausted(config, state(n)) for n in (1, 2, 3)] == expected


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_max_retries_counts_the_requests_beyond_the_first(retries):
    config = RetryConfig(max_retries=retries)
    assert [exhausted(config, state(n)) for n in range(1, 8)] == [n > retries for n in range(1, 8)]


@pytest.mark.parametrize("now", [0.0, 5.0, 1e9])
def test_a_retry_state_uses_the_given_clock_and_not_the_real_one(now):
    described = _as_tenacity(state(4, started=now - 2.5, now=now))
    assert described.seconds_since_start == 2.5
    assert (described.start_time, described.outcome_timestamp) == (now - 2.5, now)


def test_a_retry_state_holds_the_failure_and_the_count():
    described = _as_tenacity(state(4))
    assert (described.attempt_number, described.outcome.exception()) == (4, ERROR)
    assert described.outcome.failed


def test_a_call_that_fails_and_is_retried_does_not_import_tenacity():
    code = (
        "import sys; from holysheep_core import *\n"
        "from holysheep_core.simulator import Scenario, Simulator, refuse\n"
        "with Simulator() as server:\n"
        "    url = server.add(Scenario(text='whole', faults=[refuse(500)])).base_url\n"
        "    retry = RetryConfig(base_delay=0.001)\n"
        "    handler = StreamingRetryHandler('k', base_url=url, config=retry)\n"
        "    assert handler.complete('m', [{'role': 'user', 'content': 'go'}]).text == 'whole'\n"
        "assert 'tenacity' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
