"""The book of a call: every request, move and wait is noted, told, and priced."""

import json

import pytest

from holysheep_core import events
from holysheep_core.catalog import Catalog
from holysheep_core.engine.ledger import Ledger
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.types import ChatRequest, Usage

ROUTE = Route(Provider("sk-1", name="one"), "gpt-4.1")
OTHER = Route(Provider("sk-2", name="two"), "gemini-2.5-flash")
REQUEST = ChatRequest("gpt-4.1", [{"role": "user", "content": "a" * 400}])


@pytest.fixture
def told():
    return []


@pytest.fixture
def ledger(told):
    return Ledger("call", 100.0, 0.0, told.append, Catalog())


def decoder(text="", usage=None, status=200) -> ResponseDecoder:
    answer = ResponseDecoder()
    answer.receive_response(status, {"x-request-id": "r-1", "content-type": "text/event-stream"})
    chunk = {"choices": [{"delta": {"content": text}}], "usage": usage}
    answer.receive_data(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    return answer


def test_a_request_is_noted_and_told_when_it_goes_out(ledger, told):
    ledger.begin(ROUTE, "request", 101.5)
    (attempt,) = ledger.attempts
    assert (attempt.number, attempt.provider, attempt.model) == (1, "one", "gpt-4.1")
    assert (attempt.technique, attempt.started, attempt.outcome) == ("request", 1.5, "")
    assert told == [events.RequestSent("call", 1.5, 1, "one", "gpt-4.1", "request")]


def test_the_first_token_is_noted_once_per_attempt(ledger, told):
    ledger.begin(ROUTE, "request", 101.0)
    ledger.first_token(101.25)
    ledger.first_token(105.0)
    assert ledger.attempts[0].first_token == 0.25
    assert told[1:] == [events.FirstToken("call", 1.25, 1, 0.25)]


def test_the_end_of_an_attempt_completes_its_record(ledger):
    ledger.begin(ROUTE, "request", 101.0)
    usage = {"prompt_tokens": 7, "completion_tokens": 1_000_000}
    ledger.end(decoder("안녕", usage), REQUEST, "안녕", "completed", 103.0)
    (attempt,) = ledger.attempts
    assert (attempt.duration, attempt.status_code, attempt.request_id) == (2.0, 200, "r-1")
    assert (attempt.outcome, attempt.characters) == ("completed", 2)
    assert (attempt.usage, attempt.cost_usd) == (Usage(7, 1_000_000), 8.0 + 7 * 2.0 / 1e6)


def test_a_cut_attempt_is_estimated_and_marked_so(ledger):
    ledger.begin(ROUTE, "request", 101.0)
    ledger.end(decoder("b" * 40), REQUEST, "b" * 40, "StreamCutError", 102.0)
    (attempt,) = ledger.attempts
    assert attempt.usage == Usage(104, 10, estimated=True)
    assert attempt.cost_usd == pytest.approx((104 * 2.0 + 10 * 8.0) / 1e6)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({}, Usage(104, 10, estimated=True)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(104, 10, estimated=True)),
        ({"prompt_tokens": 7}, Usage(7, 10, estimated=True)),
        ({"completion_tokens": 9}, Usage(104, 9, estimated=True)),
        ({"prompt_tokens": 7, "completion_tokens": 5}, Usage(7, 5)),
        ({"prompt_tokens": 7, "completion_tokens": 1}, Usage(7, 10, estimated=True)),
    ],
)
def test_what_a_report_leaves_out_is_estimated(ledger, usage, counted):
    ledger.begin(ROUTE, "request", 101.0)
    ledger.end(decoder("b" * 40, usage), REQUEST, "b" * 40, "completed", 102.0)
    (attempt,) = ledger.attempts
    assert attempt.usage == counted
    assert attempt.cost_usd > 0


def test_an_attempt_without_content_costs_nothing(ledger):
    ledger.begin(ROUTE, "request", 101.0)
    ledger.end(ResponseDecoder(), REQUEST, "", "APIConnectionError", 102.0)
    (attempt,) = ledger.attempts
    assert (attempt.usage, attempt.cost_usd, attempt.status_code) == (Usage(), 0.0, None)


def test_a_model_without_a_known_price_has_no_cost(ledger):
    ledger.begin(Route(ROUTE.provider, "unheard-of"), "request", 101.0)
    ledger.end(decoder("hi"), REQUEST, "hi", "completed", 102.0)
    assert ledger.attempts[0].cost_usd is None


def test_usage_is_that_of_all_attempts_cut_ones_included(ledger):
    ledger.begin(ROUTE, "request", 101.0)
    ledger.end(decoder("b" * 40), REQUEST, "b" * 40, "StreamCutError", 102.0)
    ledger.begin(ROUTE, "continuation", 102.0)
    usage = {"prompt_tokens": 6, "completion_tokens": 2}
    ledger.end(decoder("x", usage), REQUEST, "x", "completed", 103.0)
    assert ledger.usage == Usage(110, 12, estimated=True)
    assert [attempt.number for attempt in ledger.attempts] == [1, 2]


def test_a_book_without_attempts_is_empty(ledger):
    assert (ledger.attempts, ledger.downgrades, ledger.usage) == ((), (), Usage())


def test_malformed_events_are_told_one_by_one_and_then_forgotten(ledger, told):
    sizes = [3, 9]
    ledger.begin(ROUTE, "request", 100.0)
    ledger.malformed(sizes, 101.0)
    ledger.malformed(sizes, 102.0)
    assert [(event.attempt, event.size) for event in told[1:]] == [(1, 3), (1, 9)]


@pytest.mark.parametrize(
    ("new", "kinds", "downgrades"),
    [
        (ROUTE, [], ()),
        (Route(ROUTE.provider, "m"), [events.ModelDowngraded], ("m",)),
        (Route(OTHER.provider, "gpt-4.1"), [events.ProviderSwitched], ()),
        (OTHER, [events.ProviderSwitched, events.ModelDowngraded], ("gemini-2.5-flash",)),
    ],
)
def test_every_move_is_told_as_what_it_is(ledger, told, new, kinds, downgrades):
    ledger.moved(ROUTE, new, "RateLimitError", 104.0)
    assert [type(event) for event in told] == kinds
    assert all((event.reason, event.at) == ("RateLimitError", 4.0) for event in told)
    assert ledger.downgrades == downgrades


def test_a_return_to_the_requested_model_is_no_fallback(ledger, told):
    small, elsewhere = Route(ROUTE.provider, "m"), Route(OTHER.provider, ROUTE.model)
    for old, new in [(ROUTE, small), (small, elsewhere), (elsewhere, OTHER)]:
        ledger.moved(old, new, "ServerError", 104.0)
    assert ledger.downgrades == ("m", OTHER.model)
    moves = [type(event) for event in told]
    assert moves.count(events.ModelDowngraded) == 2
    assert moves.count(events.ProviderSwitched) == 1


def test_every_event_carries_the_call_and_the_time_since_it_began(ledger, told):
    ledger.begin(ROUTE, "request", 100.5)
    ledger.moved(ROUTE, OTHER, "x", 101.0)
    assert {event.call_id for event in told} == {"call"}
    assert [event.at for event in told] == [0.5, 1.0, 1.0]
