"""The simulator's server plays its scenarios."""

import threading

import httpx
import pytest

from holysheep_core import StreamingRetryHandler
from holysheep_core.simulator import Scenario, Simulator, cut
from support.calls import CALL
from support.posting import post


def test_a_port_that_is_taken_is_an_error_at_once(simulator):
    port = int(simulator.base_url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="in use"):
        Simulator(port=port).start()


@pytest.mark.parametrize(
    ("host", "port", "error"),
    [("127.0.0.1", 99999, OverflowError), ("127.0.0.1", "x", OSError), (5, 0, TypeError)],
)
def test_whatever_keeps_it_from_listening_is_raised_by_start(host, port, error):
    before = threading.active_count()
    broken = Simulator(host=host, port=port)
    with pytest.raises(error):
        broken.start()
    broken.stop()
    assert threading.active_count() == before


@pytest.mark.parametrize("path", ["/nowhere/v1/chat/completions", "/v1/embeddings", "/"])
def test_what_it_does_not_have_is_a_404(simulator, path):
    root = simulator.base_url.removesuffix("/v1")
    assert httpx.post(root + path, json={}).status_code == 404


def test_stopping_leaves_no_thread_behind():
    before = threading.active_count()
    with Simulator(scenario=Scenario(text="a")) as running:
        assert httpx.get(f"{running.base_url}/models").json()["data"]
    assert threading.active_count() == before


def test_each_response_is_told_when_it_is_over():
    told = []
    with Simulator(scenario=Scenario(faults=[cut(at=2)]), on_response=told.append) as simulator:
        client = StreamingRetryHandler("any-key", base_url=simulator.base_url)
        client.complete(*CALL)
        client.close()
    what = [(each.model, each.status, each.what, each.faulty) for each in told]
    assert what == [
        ("gpt-4.1", 200, "cut (rst) after 2 characters", True),
        ("gpt-4.1", 200, "whole answer", False),
    ]


def test_a_fault_of_a_stream_is_none_of_an_answer_that_is_no_stream():
    told = []
    with Simulator(scenario=Scenario(faults=[cut(at=2)]), on_response=told.append) as simulator:
        assert post(simulator.default, stream=False).status_code == 200
    [(what, faulty)] = [(each.what, each.faulty) for each in told]
    assert (what, faulty) == ("whole answer", False)
