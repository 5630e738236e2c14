"""What is counted of calls, without a system of metrics."""

from collections import Counter

import pytest

from holysheep_core import Attempt, CallRecord, ChatRequest, Usage, events
from holysheep_core.observers import measures
from holysheep_core.observers.measures import ALL, Meter

ROUTE = ("holysheep", "gpt-4.1")


class Sums(Counter):
    def add(self, measure, amount, labels):
        assert len(labels) == len(measure.labels)
        self[measure.name, labels] += amount

    def of(self, measure):
        return {labels: v for (name, labels), v in self.items() if name == measure.name}


@pytest.fixture
def sums():
    return Sums()


@pytest.fixture
def meter(sums):
    return Meter(sums.add)


def record(outcome="completed", attempts=(), model="gpt-4.1", **facts):
    given = {
        "call_id": "a",
        "began": 0.0,
        "duration": 3.0,
        "requested_model": model,
        "model": "named-by-server",
        "provider": "holysheep",
        "outcome": outcome,
        "first_token": 0.5,
        "characters": 1,
        "saved_characters": 0,
        "usage": Usage(),
        "cost_usd": None,
        "resumes": 0,
        "downgrades": (),
        "waited": 0.0,
        "attempts": attempts,
    }
    return CallRecord(**{**given, **facts})


def test_every_metric_has_its_own_name_and_every_label_the_engines_vocabulary():
    assert len({each.name for each in ALL}) == len(ALL)
    assert all(
        label.startswith(("gen_ai.", "holysheep.", "error.")) for m in ALL for label in m.labels
    )
    assert measures.WAITED.prometheus_name == "holysheep_wait_time_seconds"
    assert measures.TOKENS.prometheus_name == "holysheep_tokens"


def test_a_call_is_in_flight_until_it_ends(meter, sums):
    meter.call_began("a", ChatRequest("gpt-4.1", []))
    assert sums.of(measures.IN_FLIGHT) == {("gpt-4.1",): 1}
    meter.call_ended(record())
    assert sums.of(measures.IN_FLIGHT) == {("gpt-4.1",): 0}
    assert sums.of(measures.CALLS) == {(*ROUTE, "completed"): 1}
    assert sums.of(measures.DURATION) == {(*ROUTE, ""): 3.0}


def test_a_reader_who_leaves_is_no_error_and_an_error_is_one_by_its_class(meter, sums):
    meter.call_ended(record("closed"))
    meter.call_ended(record("ServerError", first_token=None))
    assert sums.of(measures.CALLS) == {(*ROUTE, "closed"): 1, (*ROUTE, "ServerError"): 1}
    assert sums.of(measures.DURATION) == {(*ROUTE, ""): 3.0, (*ROUTE, "ServerError"): 3.0}
    assert sums.of(measures.FIRST_CHUNK) == {ROUTE: 0.5}


def test_cuts_and_retries_have_the_route_of_their_request_also_beside_a_second_one(meter, sums):
    meter.call_began("a", ChatRequest("gpt-4.1", []))
    meter.happened(events.RequestSent("a", 0.0, 1, "holysheep", "gpt-4.1", "request"))
    meter.happened(events.RequestSent("a", 0.1, 2, "other", "m", "hedge"))
    meter.happened(events.StreamCut("a", 0.2, 2, "StreamCutError", 7))
    meter.happened(events.RetryScheduled("a", 0.2, 2, "StreamCutError", "other", "m", 0.0))
    assert sums.of(measures.CUTS) == {("other", "m", "StreamCutError"): 1}
    assert sums.of(measures.RETRIES) == {("other", "m", "StreamCutError"): 1}


def test_fallbacks_are_counted_by_both_models_and_the_reason(meter, sums):
    meter.call_began("a", ChatRequest("gpt-4.1", []))
    meter.happened(events.ModelDowngraded("a", 0.1, "gpt-4.1", "small", "RateLimitError"))
    meter.happened(events.ProviderSwitched("a", 0.1, "one", "two", "AuthenticationError"))
    assert sums.of(measures.FALLBACKS) == {("gpt-4.1", "small", "RateLimitError"): 1}
    assert sums.of(measures.SWITCHES) == {("one", "two", "AuthenticationError"): 1}


@pytest.mark.parametrize(
    "end",
    [
        events.RequestSent("a", 2.5, 1, "holysheep", "gpt-4.1", "request"),
        events.RetryScheduled("a", 2.5, 0, "LocalRateLimitError", "holysheep", "small", 0.0),
        events.StreamFailed("a", 2.5, "LocalRateLimitError", 0, 0),
    ],
    ids=lambda event: type(event).__name__,
)
def test_admission_lasts_from_the_first_word_of_it_to_the_request_or_its_refusal(meter, sums, end):
    meter.call_began("a", ChatRequest("gpt-4.1", []))
    meter.happened(events.Throttled("a", 1.0, "holysheep", "requests", 1.0))
    meter.happened(events.Throttled("a", 2.0, "holysheep", "tokens", 0.5))
    meter.happened(end)
    meter.call_ended(record(waited=4.0))
    waits = {("gpt-4.1", "admission"): 1.5, ("gpt-4.1", "backoff"): 4.0}
    assert sums.of(measures.WAITED) == waits


def test_a_reader_who_leaves_during_admission_has_waited_until_then(meter, sums):
    meter.call_began("a", ChatRequest("gpt-4.1", []))
    meter.happened(events.Throttled("a", 1.0, "holysheep", "requests", 9.0))
    meter.call_ended(record("closed"))
    assert sums.of(measures.WAITED)["gpt-4.1", "admission"] == 2.0


def test_tokens_and_cost_are_those_of_requests_at_their_own_routes(meter, sums):
    def attempt(number, model, outcome, cost):
        usage = Usage(100, 50, 40)
        return Attempt(
            number, "holysheep", model, "request", 0.0, outcome=outcome, usage=usage, cost_usd=cost
        )

    cut = attempt(1, "gpt-4.1", "StreamCutError", 0.25)
    meter.call_ended(record(attempts=(cut, attempt(2, "small", "completed", None)), resumes=1))
    assert sums.of(measures.TOKENS) == {
        (provider, model, kind): count
        for provider, model in (ROUTE, ("holysheep", "small"))
        for kind, count in (("input", 100), ("output", 50), ("cached", 40))
    }
    assert sums.of(measures.COST) == {ROUTE: 0.25, ("holysheep", "small"): 0}
    assert sums.of(measures.UNPRICED) == {ROUTE: 0, ("holysheep", "small"): 1}
    assert sums.of(measures.RESUMES) == {ROUTE: 1}
    assert sums.of(measures.REQUESTS) == {
        (*ROUTE, "request", "StreamCutError"): 1,
        ("holysheep", "small", "request", "completed"): 1,
    }


def test_a_series_begins_at_zero_where_its_labels_are_known(meter, sums):
    meter.call_ended(record(attempts=(Attempt(1, *ROUTE, "request", 0.0, cost_usd=0.0),)))
    assert sums.of(measures.RESUMES) == sums.of(measures.COST) == {ROUTE: 0}
    assert sums.of(measures.WAITED) == {("gpt-4.1", "backoff"): 0}


def test_events_of_a_gateway_and_of_calls_that_are_over_are_no_calls(meter, sums):
    meter.happened(events.RouteCooled("", 0.0, "holysheep-1/gpt-4.1", 60.0))
    meter.happened(events.StreamCut("gone", 0.2, 1, "StreamCutError", 7))
    assert not sums


def test_models_that_users_invent_do_not_make_endless_series(meter, sums):
    for number in range(10 * measures.MOST_NAMES):
        meter.call_ended(record(model=f"invented-{number}"))
    models = {model for _, model, _ in sums.of(measures.CALLS)}
    assert len(models) == measures.MOST_NAMES + 1
    assert sums.of(measures.CALLS)["holysheep", "other", "completed"] == 9 * measures.MOST_NAMES


def test_a_label_is_one_line_without_control_characters_and_not_long(meter, sums):
    meter.call_ended(record(model="a\x1b[31m\nb" + "c" * 500))
    [(_, model, _)] = sums.of(measures.CALLS)
    assert model.startswith("a b")
    assert len(model) <= 101
