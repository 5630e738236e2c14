"""The retry budget: costs, earnings, and exact counts with many threads."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.errors import ConfigurationError
from holysheep_core.retry_budget import PROCESS_BUDGET, RetryBudget


def test_a_full_budget_pays_for_50_retries_and_then_for_none():
    budget = RetryBudget()
    assert [budget.take() for _ in range(52)] == [True] * 50 + [False] * 2
    assert budget.tokens == 0


def test_a_retry_that_cannot_be_paid_costs_nothing():
    budget = RetryBudget(capacity=15, cost=10)
    assert [budget.take(), budget.take(), budget.tokens] == [True, False, 5]


def test_retries_that_worked_come_back_and_a_call_without_any_adds_one_token():
    budget = RetryBudget(capacity=100, cost=10)
    for _ in range(4):
        budget.take()
    budget.succeeded(3)
    assert budget.tokens == 90
    budget.succeeded(0)
    assert budget.tokens == 91


def test_refill_fills_to_the_brim():
    budget = RetryBudget(capacity=20, cost=10)
    budget.take()
    budget.refill()
    assert budget.tokens == 20


@pytest.mark.parametrize("name", ["capacity", "cost"])
@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), True, "9", None])
def test_a_budget_of_no_sense_is_refused_by_name(name, wrong):
    with pytest.raises(ConfigurationError, match=f"^{name}="):
        RetryBudget(**{name: wrong})


@given(
    st.floats(0, 1000),
    st.floats(0, 100),
    st.lists(st.sampled_from(["take", "refill"]) | st.integers(0, 100)),
)
def test_no_course_of_events_leaves_the_bounds_of_the_bucket(capacity, cost, course):
    budget = RetryBudget(capacity, cost)
    for step in course:
        budget.succeeded(step) if isinstance(step, int) else getattr(budget, step)()
        assert 0 <= budget.tokens <= capacity


def in_threads(work, count=8):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_eight_threads_together_get_what_the_bucket_holds_and_no_more():
    budget, paid = RetryBudget(capacity=5000, cost=1), []
    in_threads(lambda: paid.extend(budget.take() for _ in range(1000)))
    assert (sum(paid), budget.tokens) == (5000, 0)


def test_eight_threads_that_pay_and_earn_lose_no_token():
    budget = RetryBudget(capacity=8, cost=1)
    in_threads(lambda: [budget.succeeded(1) for _ in range(500) if budget.take()])
    assert budget.tokens == 8


def test_the_process_has_one_full_budget():
    assert PROCESS_BUDGET.tokens == 500


def test_one_sick_provider_uses_up_its_own_retries_and_nobody_elses():
    budget = RetryBudget()
    assert [budget.take("sick") for _ in range(60)].count(True) == 50
    assert [budget.take("well") for _ in range(60)].count(True) == 50


def test_all_providers_together_have_four_times_the_retries_of_one():
    budget = RetryBudget()
    taken = [budget.take(f"provider {n % 10}") for n in range(1000)]
    assert taken.count(True) == 200


def test_what_is_given_back_goes_to_the_provider_it_was_taken_from():
    budget = RetryBudget(capacity=10)
    assert budget.take("sick")
    assert budget.take("well")
    budget.succeeded(1, "well")
    assert (budget.take("sick"), budget.take("well")) == (False, True)
