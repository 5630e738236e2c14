"""The values passed between the folders: frozen, addable, JSON-able."""

import dataclasses
import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.types import Attempt, ChatRequest, Completion, Delta, ToolCall, Usage

ATTEMPT = Attempt(1, "one", "m", "request", 0.0, outcome="completed", usage=Usage(3, 4))
COMPLETION = Completion("안녕", "stop", "gpt-4.1", "m", "one", Usage(3, 4), (ATTEMPT,))
VALUES = [ATTEMPT, COMPLETION, Delta("a"), ToolCall("i", "f", "{}"), Usage(), ChatRequest("m", [])]
COUNTS = st.builds(Usage, *[st.integers(0, 10**9)] * 4, st.booleans(), st.integers(0, 10**9))


def names_of(value) -> tuple[str, ...]:
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(value))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_frozen_in_every_field(value):
    for name in names_of(value):
        with pytest.raises(AttributeError):
            setattr(value, name, None)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_pickling(value):
    assert pickle.loads(pickle.dumps(value)) == value


def test_usage_adds_up_field_by_field():
    assert Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 44)
    some, more = Usage(cache_write_tokens=5), Usage(cache_write_tokens=50)
    assert (some + more).cache_write_tokens == 55
    assert Usage(1, 2).total_tokens == 3


@given(COUNTS, COUNTS, COUNTS)
def test_usage_adds_up_in_any_order_and_an_estimate_stays_one(a, b, c):
    assert (a + b) + c == a + (b + c) == (c + b) + a
    assert a + Usage() == a
    assert (a + b).estimated == (a.estimated or b.estimated)


def test_two_reports_of_one_response_give_the_largest_value_of_each_field():
    beginning, end = Usage(10, 1, 5, cache_write_tokens=2), Usage(0, 50, 0, 9)
    assert beginning.merged(end) == Usage(10, 50, 5, 9, cache_write_tokens=2)


@given(COUNTS, COUNTS, COUNTS)
def test_reports_are_merged_in_any_order_and_any_number_of_times(a, b, c):
    assert a.merged(b).merged(c) == a.merged(b.merged(c)) == c.merged(b).merged(a)
    assert a.merged(a) == a == a.merged(Usage())


@given(st.lists(COUNTS))
def test_the_total_of_a_sum_is_the_sum_of_the_totals(all_of_them):
    total = sum(all_of_them, Usage()).total_tokens
    assert total == sum(usage.total_tokens for usage in all_of_them)


def test_a_new_delta_is_empty_and_no_two_share_anything():
    assert Delta() == Delta("", "", ())
    assert ChatRequest("m", []).params is not ChatRequest("m", []).params


def test_resilience_is_the_calls_history_as_plain_json():
    history = json.loads(json.dumps(COMPLETION.resilience()))
    assert (history["requested_model"], history["model"], history["provider"]) == (
        "gpt-4.1",
        "m",
        "one",
    )
    assert history["attempts"][0]["usage"]["output_tokens"] == 4
    assert history["attempts"][0]["outcome"] == "completed"


def test_resilience_tells_of_resumes_downgrades_and_waits_but_not_of_the_text():
    moved = dataclasses.replace(COMPLETION, resumes=2, downgrades=("m",), waited=1.23456)
    history = moved.resilience()
    assert (history["resumes"], history["downgrades"], history["waited_seconds"]) == (
        2,
        ["m"],
        1.235,
    )
    assert "안녕" not in str(history)
