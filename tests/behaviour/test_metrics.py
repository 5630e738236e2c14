"""Metrics equal the metadata of the answers: both plugins, every way to ask, when streams break."""

import asyncio
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest
from limits import RateLimitItemPerMinute
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from holysheep_core import (
    Catalog,
    HolySheepError,
    ModelCard,
    Observer,
    OpenTelemetry,
    PrometheusMetrics,
    RateLimits,
    Throttled,
)
from holysheep_core.observers.measures import ALL
from holysheep_core.simulator import Simulator, cut, refuse
from support.metrics import of_text, sums
from support.models import GO, OF_MODELS, every_way_of_models, langchain, llamaindex
from support.waiting import wait_until

CARD = ModelCard(input_price=1.0, output_price=10.0)
PRICES = Catalog({"gpt-4.1": CARD, "gemini-2.5-flash": CARD})
FAULTS = {
    "no fault": [],
    "a cut": [cut(at=20)],
    "cuts": [cut(at=20), cut(at=9, by="fin")],
    "a short 429": [refuse(429, retry_after=0.05)],
    "a long 429": [refuse(429, retry_after=60, model="gpt-4.1", times=None)],
    "a cut, then a long 429": [
        cut(at=20),
        refuse(429, retry_after=60, model="gpt-4.1", times=None),
    ],
    "503s": [refuse(503), refuse(503)],
    "401": [refuse(401)],
}


class Seen(Observer):
    def __init__(self):
        self.records, self.events = [], []

    def happened(self, event):
        self.events.append(event)

    def call_ended(self, record, answer):
        self.records.append(record)

    def count(self, kind):
        return sum(type(each).__name__ == kind for each in self.events)


def otel_sums(reader):
    """Return the sum of each counter."""
    data = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    return {
        metric.name: sum(point.value for point in metric.data.data_points)
        for metric in data
        if not hasattr(metric.data.data_points[0], "bucket_counts")
    }


@pytest.mark.real_waits
@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
@every_way_of_models
def test_figures_equal_the_calls_metadata(play, ask, faults):
    seen, registry, reader = Seen(), CollectorRegistry(), InMemoryMetricReader()
    otel = OpenTelemetry(
        tracer_provider=TracerProvider(), meter_provider=MeterProvider(metric_readers=[reader])
    )
    settings = {
        "observers": [seen, PrometheusMetrics(registry=registry), otel],
        "catalog": PRICES,
        "fallback_models": ["gemini-2.5-flash"],
        "retry": {"base_delay": 0.01},
    }
    try:
        ask(play(faults=faults), **settings)
    except HolySheepError as error:
        assert type(error).__name__.startswith("AuthenticationError")
    [record] = seen.records
    got = sums(registry)
    figures = {
        "holysheep.streams.in_flight": 0,
        "holysheep.calls": 1,
        "holysheep.requests": len(record.attempts),
        "holysheep.stream.cuts": seen.count("StreamCut"),
        "holysheep.resumes": record.resumes,
        "holysheep.retries": seen.count("RetryScheduled"),
        "holysheep.fallbacks": len(record.downgrades),
        "holysheep.provider.switches": 0,
        "holysheep.wait.time": record.waited,
        "holysheep.tokens": record.usage.total_tokens + record.usage.cached_tokens,
        "holysheep.cost.usd": record.cost_usd,
        "holysheep.unpriced.requests": 0,
    }
    counted = otel_sums(reader)
    for each in ALL:
        if each.kind != "histogram":
            ending = "_total" if each.kind == "counter" else ""
            expected = pytest.approx(figures[each.name])
            assert got(each.prometheus_name + ending) == expected, each.name
            assert counted.get(each.name, 0) == expected, each.name
    assert got("holysheep_requests_total") == 1 + got("holysheep_retries_total")
    assert got("holysheep_calls_total", holysheep_outcome=record.outcome) == 1
    assert got("gen_ai_client_operation_duration_seconds_sum") == pytest.approx(record.duration)
    first = got("gen_ai_client_operation_time_to_first_chunk_seconds_sum")
    assert first == pytest.approx(record.first_token or 0)
    for model in {each.model for each in record.attempts}:
        mine = [each for each in record.attempts if each.model == model]
        output = {"gen_ai_request_model": model, "gen_ai_token_type": "output"}
        assert got("holysheep_tokens_total", **output) == sum(a.usage.output_tokens for a in mine)


def test_the_answers_own_metadata_has_the_same_figures(play):
    registry = CollectorRegistry()
    observers, faults = [PrometheusMetrics(registry=registry)], FAULTS["a cut, then a long 429"]
    answer = langchain(
        play(faults=faults),
        observers=observers,
        catalog=PRICES,
        fallback_models=["gemini-2.5-flash"],
    ).invoke("go")
    told, got = answer.response_metadata["resilience"], sums(registry)
    assert got("holysheep_resumes_total") == told["resumes"] == 1
    assert got("holysheep_fallbacks_total", holysheep_to="gemini-2.5-flash") == 1
    assert told["downgrades"] == ["gemini-2.5-flash"]
    assert got("holysheep_requests_total") == len(told["attempts"]) == 3
    assert got("holysheep_cost_usd_total") == pytest.approx(told["cost_usd"])
    usage = answer.usage_metadata
    assert got("holysheep_tokens_total", gen_ai_token_type="input") == usage["input_tokens"]
    assert got("holysheep_tokens_total", gen_ai_token_type="output") == usage["output_tokens"]


@pytest.mark.real_waits
@pytest.mark.parametrize("ask", [OF_MODELS[0], OF_MODELS[3], OF_MODELS[4], OF_MODELS[6]])
def test_a_call_that_ones_own_limits_refuse_is_counted_by_its_error(play, ask):
    script, registry = play(), CollectorRegistry()
    settings = {
        "observers": [PrometheusMetrics(registry=registry)],
        "rate_limits": RateLimits(requests_per_minute=1, max_wait=0),
        "fallback_models": [],
        "max_retries": 0,
    }
    ask(script, **settings)
    with pytest.raises(HolySheepError):
        ask(script, **settings)
    got = sums(registry)
    assert got("holysheep_calls_total", holysheep_outcome="completed") == 1
    assert got("holysheep_calls_total", holysheep_outcome="LocalRateLimitError") == 1
    assert got("holysheep_streams_in_flight") == 0


@pytest.mark.parametrize("ask", [OF_MODELS[0], OF_MODELS[3], OF_MODELS[4], OF_MODELS[6]])
def test_waits_for_ones_own_limits_are_counted_as_admission(play, ask, monkeypatch):
    brief = RateLimitItemPerMinute.GRANULARITY._replace(seconds=1)
    monkeypatch.setattr(RateLimitItemPerMinute, "GRANULARITY", brief)
    script, registry, seen = play(), CollectorRegistry(), Seen()
    observers = [seen, PrometheusMetrics(registry=registry)]
    for _ in range(2):
        ask(script, observers=observers, rate_limits=RateLimits(requests_per_minute=1))
    [held] = [each for each in seen.events if isinstance(each, Throttled)]
    [waiting] = [each for each in seen.records if each.call_id == held.call_id]
    waited = sums(registry)("holysheep_wait_time_seconds_total", holysheep_wait_type="admission")
    assert waited > 0
    assert waited == pytest.approx(waiting.attempts[0].started - held.at)


WORKER = """
    import os, sys
    from prometheus_client import CollectorRegistry, generate_latest, multiprocess
    from holysheep_core import PrometheusMetrics, StreamingRetryHandler

    url, number = sys.argv[1], int(sys.argv[2])
    observers = [PrometheusMetrics()]  # before the fork, as gunicorn --preload does
    children = []
    for _ in range(number):
        child = os.fork()
        if child == 0:
            with StreamingRetryHandler("any-key", base_url=url, observers=observers) as handler:
                handler.complete("gpt-4.1", [{"role": "user", "content": "go"}])
                stream = handler.stream_with_retry("gpt-4.1", [{"role": "user", "content": "go"}])
                next(stream)
                os._exit(0)  # killed in mid-answer
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
        multiprocess.mark_process_dead(child)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    print(generate_latest(registry).decode())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_workers_are_added_up_and_a_dead_one_has_nothing_in_flight(tmp_path):
    with Simulator() as simulator:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(WORKER), simulator.base_url, "3"],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = of_text(done.stdout)
    calls = found["holysheep_calls"].samples
    assert {each.labels["holysheep_outcome"]: each.value for each in calls} == {"completed": 3}
    assert "holysheep_streams_in_flight" not in found


APPLICATION = """
    from prometheus_client import CollectorRegistry, generate_latest, multiprocess

    from holysheep_core import PrometheusMetrics, StreamingRetryHandler

    handler = StreamingRetryHandler(observers=[PrometheusMetrics()])


    def app(environ, start_response):
        start_response("200 OK", [("content-type", "text/plain")])
        if environ["PATH_INFO"] == "/metrics":
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            return [generate_latest(registry)]
        return (
            token.encode()
            for token in handler.stream_with_retry("gpt-4.1", [{"role": "user", "content": "go"}])
        )
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="gunicorn needs fork")
@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["each", "preload"])
def test_gunicorns_workers_are_added_up_whichever_is_asked(tmp_path, play, text, preload):
    page = (Path(__file__).parents[2] / "docs/how-to/monitoring.md").read_text("utf-8")
    [hook] = re.findall(
        r"^```python\n(from prometheus_client import multiprocess\n.*?)^```",
        page,
        re.DOTALL | re.MULTILINE,
    )
    (tmp_path / "gunicorn.conf.py").write_text(hook)
    (tmp_path / "application.py").write_text(textwrap.dedent(APPLICATION))
    (tmp_path / "figures").mkdir()
    script = play(faults=[cut(at=20)])
    env = {
        **os.environ,
        "HOLYSHEEP_API_KEY": "k",
        "HOLYSHEEP_BASE_URL": script.base_url,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "figures"),
    }
    socket = tmp_path / "s"
    command = [sys.executable, "-m", "gunicorn", "application:app", "-w", "2", *preload]
    with subprocess.Popen([*command, "-b", f"unix:{socket}"], cwd=tmp_path, env=env) as process:
        try:
            wait_until(socket.exists)
            transport = httpx.HTTPTransport(uds=str(socket))
            with httpx.Client(transport=transport, base_url="http://app") as client:
                # A connection each, so that both workers get some.
                close = {"connection": "close"}
                for _ in range(8):
                    assert client.get("/", headers=close).text == text
                seen = [of_text(client.get("/metrics", headers=close).text) for _ in range(4)]
        finally:
            process.terminate()
    for found in seen:
        assert [each.value for each in found["holysheep_calls"].samples] == [8]
        assert sum(each.value for each in found["holysheep_stream_cuts"].samples) == 1
        assert sum(each.value for each in found["holysheep_streams_in_flight"].samples) == 0


@pytest.mark.parametrize("make", [langchain, llamaindex])
async def test_a_cancelled_call_is_in_flight_no_more(play, make):
    registry = CollectorRegistry()
    llm = make(play(delay=0.05), observers=[PrometheusMetrics(registry=registry)])
    arrived = asyncio.Event()

    async def read():
        stream = llm.astream("go") if make is langchain else await llm.astream_chat(GO)
        async for _ in stream:
            arrived.set()

    task = asyncio.create_task(read())
    await arrived.wait()
    assert sums(registry)("holysheep_streams_in_flight") == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    got = sums(registry)
    assert got("holysheep_streams_in_flight") == 0
    assert got("holysheep_calls_total", holysheep_outcome="closed") == 1
