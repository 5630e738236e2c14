"""Totals of calls by model, provider and tag."""

import copy
import dataclasses
import pickle

import pytest

from holysheep_core import (
    Attempt,
    CallRecord,
    Catalog,
    ModelCard,
    StreamingRetryHandler,
    Totals,
    Usage,
)
from holysheep_core.types import total_cost

ASK = [{"role": "user", "content": "go"}]


def record(*attempts, tags=(), outcome="completed", **changes):
    usage = sum((each.usage for each in attempts), Usage())
    facts = {
        "call_id": "c",
        "began": 0.0,
        "duration": 1.0,
        "requested_model": "m",
        "model": "m",
        "provider": "p",
        "first_token": 0.1,
        "characters": 10,
        "saved_characters": 4,
        "resumes": 1,
        "downgrades": (),
        "waited": 0.0,
    }
    facts |= changes
    return CallRecord(
        **facts,
        outcome=outcome,
        usage=usage,
        cost_usd=total_cost(attempts),
        attempts=attempts,
        tags=tags,
    )


def attempt(model="m", provider="p", cost=1.0, outcome="completed"):
    return Attempt(
        1, provider, model, "request", 0.0, usage=Usage(10, 20), cost_usd=cost, outcome=outcome
    )


def test_calls_add_up_by_tag_and_requests_by_model_and_provider():
    totals = Totals()
    totals.call_ended(record(attempt(outcome="StreamCutError"), attempt(), tags=("a", "b")), "")
    totals.call_ended(record(attempt("other", "q", 0.5), tags=("b",), outcome="closed"), "")
    assert (totals.all.calls, totals.all.completed, totals.all.resumes) == (2, 1, 2)
    assert totals.all.cost_usd == pytest.approx(2.5)
    assert totals.all.usage == Usage(30, 60)
    assert totals.all.saved_characters == 8
    assert {name: total.calls for name, total in totals.by_model.items()} == {"m": 2, "other": 1}
    assert totals.by_provider["q"].cost_usd == 0.5
    assert {name: total.calls for name, total in totals.by_tag.items()} == {"a": 1, "b": 2}
    assert totals.by_model["m"].completed == 1


def test_an_unknown_price_is_said_and_not_taken_for_nothing():
    totals = Totals()
    totals.call_ended(record(attempt(), attempt("odd", cost=None)), "")
    assert (totals.all.cost_usd, totals.all.unpriced) == (1.0, 1)
    assert totals.all.saving("gpt-4.1") is None
    assert totals.by_model["m"].unpriced == 0


def test_a_saving_is_against_the_same_tokens_on_another_model():
    totals = Totals()
    totals.call_ended(record(attempt(cost=0.0001)), "")
    dear = Catalog({"dear": ModelCard(input_price=10.0, output_price=100.0)})
    assert totals.all.saving("dear", dear) == pytest.approx(10 * 1e-5 + 20 * 1e-4 - 0.0001)
    assert totals.all.saving("unheard-of") is None


def test_a_saving_is_priced_by_the_catalog_of_the_client(play):
    mine, prices = Totals(), {"other": ModelCard(input_price=1e3, output_price=1e3)}
    with StreamingRetryHandler("k", base_url=play().base_url, catalog=Catalog(prices)) as handler:
        handler.complete("gpt-4.1", ASK)
        total = handler.totals.all
        cost = prices["other"].cost(total.usage)
        assert total.saving("other") == pytest.approx(cost - total.cost_usd)
    # Totals of one's own, given to two clients: each client asks its own catalog.
    settings = {"base_url": play().base_url, "observers": [mine]}
    with (
        StreamingRetryHandler("k", catalog=Catalog(prices), **settings) as first,
        StreamingRetryHandler("k", catalog=Catalog(), **settings) as second,
    ):
        assert first.totals is mine
        for each in (first, second):
            each.complete("gpt-4.1", ASK)
        assert first.totals.all == second.totals.all == mine.all
        assert mine.all.calls == 2
        assert first.totals.all.saving("other") > 0
        assert second.totals.all.saving("other") is None


def test_without_a_client_the_catalog_is_the_environments(monkeypatch, tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"other": {"input_price": 1000, "output_price": 1000}}')
    totals = Totals()
    totals.call_ended(record(attempt(cost=0.0)), "")
    assert totals.all.saving("other") is None
    monkeypatch.setenv("HOLYSHEEP_CATALOG", str(path))
    assert totals.all.saving("other") == pytest.approx(30 * 1e-3)


def test_a_catalog_is_no_field_of_a_total():
    totals = Totals()
    totals.call_ended(record(attempt()), "")
    priced = totals.priced_by(Catalog()).all
    assert priced == totals.all
    assert "catalog" not in repr(priced) + str(dataclasses.asdict(priced))
    assert priced.plus(attempt()).saving("unheard-of") is None
    assert pickle.loads(pickle.dumps(priced)) == priced


def test_copies_share_a_count_and_other_processes_begin_their_own():
    totals = Totals()
    assert copy.deepcopy(totals) is totals
    totals.call_ended(record(attempt()), "")
    assert pickle.loads(pickle.dumps(totals)).all.calls == 0
