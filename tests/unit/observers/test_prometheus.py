"""Prometheus, read back by the parser of its own client."""

import copy
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from holysheep_core import ConfigurationError, PrometheusMetrics, StreamingRetryHandler
from holysheep_core.observers.measures import ALL
from holysheep_core.simulator import cut, refuse
from support.metrics import families, sums
from support.services import service

ASK = [{"role": "user", "content": "A question nobody should find."}]


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def client(play, registry):
    def make(key="sk-secret", **scenario):
        observers = [PrometheusMetrics(registry=registry)]
        url = play(**scenario).base_url
        return StreamingRetryHandler(key, base_url=url, observers=observers, fallback_models=[])

    return make


def test_every_metric_is_there_with_its_type_and_help(client, registry):
    client().complete("gpt-4.1", ASK)
    found = families(registry)
    named = {name for name in found if not name.endswith("_created")}
    assert named == {each.prometheus_name for each in ALL}
    for each in ALL:
        assert found[each.prometheus_name].type == each.kind
        assert found[each.prometheus_name].documentation == each.about


def test_promtool_finds_nothing_to_object_to(client, registry):
    promtool = service("promtool")
    client(faults=[cut(at=20)]).complete("gpt-4.1", ASK)
    text = generate_latest(registry)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_cut_answer_in_figures(client, registry):
    client(faults=[cut(at=20)]).complete("gpt-4.1", ASK)
    route = {"gen_ai_provider_name": "holysheep", "gen_ai_request_model": "gpt-4.1"}
    got = sums(registry)
    assert got("holysheep_stream_cuts_total", **route, error_type="StreamCutError") == 1
    assert got("holysheep_resumes_total", **route) == 1
    assert got("holysheep_retries_total", **route) == 1
    assert got("holysheep_requests_total", **route) == 2
    assert got("holysheep_requests_total", holysheep_outcome="completed") == 1
    assert got("holysheep_calls_total", **route, holysheep_outcome="completed") == 1
    assert got("holysheep_streams_in_flight") == 0
    assert got("gen_ai_client_operation_duration_seconds_count", **route, error_type="") == 1
    assert got("gen_ai_client_operation_time_to_first_chunk_seconds_count", **route) == 1


def test_streams_are_in_flight_while_they_are_read(client, registry):
    streams = [client().stream_with_retry("gpt-4.1", ASK) for _ in range(3)]
    assert [next(stream) for stream in streams]
    assert sums(registry)("holysheep_streams_in_flight") == 3
    for stream in streams:
        stream.close()
    assert sums(registry)("holysheep_streams_in_flight") == 0
    assert sums(registry)("holysheep_calls_total", holysheep_outcome="closed") == 3


def test_no_label_has_a_key_a_url_an_id_or_text(client, registry, text):
    handler = client(faults=[cut(at=20)])
    handler.complete("gpt-4.1", ASK)
    with pytest.raises(Exception, match="refused"):
        client(faults=[refuse(400)]).complete("gpt-4.1", ASK)
    exposed = generate_latest(registry).decode()
    for secret in ("sk-secret", "127.0.0.1", "http", "nobody should find", text[:8]):
        assert secret not in exposed.replace("HTTP requests", "")


def test_observers_of_one_registry_count_together_and_copies_too(registry):
    first, second = PrometheusMetrics(registry=registry), PrometheusMetrics(registry=registry)
    assert first._meter is second._meter
    assert copy.deepcopy(first) is first
    assert PrometheusMetrics(registry=CollectorRegistry())._meter is not first._meter


def test_without_a_registry_it_is_the_librarys_own():
    from prometheus_client import REGISTRY

    PrometheusMetrics()
    names = {
        family.name for family in text_string_to_metric_families(generate_latest(REGISTRY).decode())
    }
    assert "holysheep_streams_in_flight" in names


def test_a_name_that_is_taken_is_an_error_that_leaves_the_registry_as_it_was(registry):
    taken = Counter("holysheep_tokens", "Somebody else's.", registry=registry)
    with pytest.raises(ConfigurationError, match="holysheep_tokens"):
        PrometheusMetrics(registry=registry)
    registry.unregister(taken)
    PrometheusMetrics(registry=registry)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"holysheep\[prometheus\]"):
        PrometheusMetrics()
