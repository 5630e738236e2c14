"""The selection of a request's fault."""

from dataclasses import replace

import pytest

from holysheep_core.simulator import cut, error_event, refuse, slow, stall
from support.posting import post


def test_faults_are_dealt_out_one_a_request_and_by_model(play):
    script = play(faults=[refuse(503, times=2, model="gpt-4.1"), refuse(500)])
    models = ["gpt-4.1", "other", "gpt-4.1", "gpt-4.1"]
    assert [post(script, model=model).status_code for model in models] == [503, 500, 503, 200]


def test_a_fault_may_strike_only_each_so_manyth_request(play):
    script = play(
        faults=[replace(refuse(503, times=2), every=3), replace(refuse(500, times=None), every=2)]
    )
    # The second one counts the requests that the first leaves to it.
    statuses = [post(script).status_code for _ in range(10)]
    assert statuses == [200, 500, 503, 200, 500, 503, 200, 500, 200, 500]


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (429, "requests", "rate_limit_exceeded"),
        (401, "invalid_request_error", "invalid_api_key"),
        (503, "server_error", None),
        (500, "server_error", None),
        (418, None, None),
    ],
)
def test_a_refusal_has_the_type_and_code_of_its_status(play, status, kind, code):
    error = post(play(faults=[refuse(status)])).json()["error"]
    assert (error["type"], error["code"]) == (kind, code)
    given = post(play(faults=[refuse(status, code="insufficient_quota")])).json()["error"]
    assert (given["type"], given["code"]) == (None, "insufficient_quota")


def test_a_refusal_has_a_reason_phrase_and_whole_seconds(play):
    refused = post(play(faults=[refuse(429, retry_after=7.0)]))
    assert (refused.reason_phrase, refused.headers["retry-after"]) == ("Too Many Requests", "7")
    assert post(play(faults=[refuse(429, retry_after=0.5)])).headers["retry-after"] == "0.5"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (cut(at=5, by="fin"), "cut (fin) after 5 characters"),
        (stall(at=5), "stalled after 5 characters"),
        (error_event(at=0), "error event after 0 characters"),
        (slow(1.5), "first token after 1.5 s"),
        (refuse(429, retry_after=2), "sent application/json, Retry-After 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_a_fault_says_what_it_does(fault, said):
    assert str(fault) == said
