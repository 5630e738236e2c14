"""OpenTelemetry, read back from the SDK's own in-memory exporters."""

import json
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from holysheep_core import (
    ConfigurationError,
    HolySheepError,
    OpenTelemetry,
    StreamingRetryHandler,
)
from holysheep_core.simulator import cut, refuse

ASK = [{"role": "user", "content": "A question nobody should find."}]


class Telemetry:
    def __init__(self, **options):
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        meters = MeterProvider(metric_readers=[self.reader])
        providers = {"tracer_provider": self.tracers, "meter_provider": meters}
        self.observer = OpenTelemetry(**providers, **options)

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def metrics(self):
        data = json.loads(self.reader.get_metrics_data().to_json())
        found = data["resource_metrics"][0]["scope_metrics"][0]["metrics"]
        return {metric["name"]: metric for metric in found}


@pytest.fixture
def client(play):
    def make(telemetry, **scenario):
        settings = {"observers": [telemetry.observer], "fallback_models": []}
        return StreamingRetryHandler("sk-secret", base_url=play(**scenario).base_url, **settings)

    return make


def test_a_call_is_one_span_with_its_cut_and_resume_as_events(client):
    told = Telemetry()
    client(told, faults=[cut(at=20)]).complete(
        "gpt-4.1", ASK, temperature=0.5, max_tokens=99, stop="END", tags=["t"]
    )
    [span] = told.spans
    assert (span.name, span.kind) == ("chat gpt-4.1", trace.SpanKind.CLIENT)
    facts = dict(span.attributes)
    assert facts["gen_ai.operation.name"] == "chat"
    assert facts["gen_ai.provider.name"] == "holysheep"
    assert facts["gen_ai.request.model"] == facts["gen_ai.response.model"] == "gpt-4.1"
    assert facts["gen_ai.request.temperature"] == 0.5
    assert facts["gen_ai.request.max_tokens"] == 99
    assert facts["gen_ai.request.stop_sequences"] == ("END",)
    assert facts["gen_ai.response.finish_reasons"] == ("stop",)
    assert facts["gen_ai.usage.input_tokens"] > 0
    assert facts["holysheep.requests"] == 2
    assert facts["holysheep.resumes"] == 1
    assert facts["holysheep.tags"] == ("t",)
    names = [event.name.removeprefix("holysheep.") for event in span.events]
    expected = ["RequestSent", "FirstToken", "StreamCut", "RetryScheduled", "RequestSent"]
    assert names[:5] == expected
    assert {"Resumed", "StreamCompleted"} < set(names)
    removed = next(event for event in span.events if event.name == "holysheep.Resumed")
    assert removed.attributes["holysheep.characters"] == 20
    assert span.status.is_unset


def test_metrics_have_the_conventions_names_and_units(client):
    told = Telemetry()
    client(told).complete("gpt-4.1", ASK)
    metrics = told.metrics()
    units = {name: metric["unit"] for name, metric in metrics.items()}
    assert {name: unit for name, unit in units.items() if name.startswith("gen_ai.")} == {
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "gen_ai.client.token.usage": "{token}",
    }
    points = metrics["gen_ai.client.token.usage"]["data"]["data_points"]
    kinds = {point["attributes"]["gen_ai.token.type"]: point["sum"] for point in points}
    assert set(kinds) == {"input", "output"}
    [duration] = metrics["gen_ai.client.operation.duration"]["data"]["data_points"]
    assert duration["explicit_bounds"][0] == 0.01
    assert duration["attributes"]["gen_ai.request.model"] == "gpt-4.1"


def test_what_the_conventions_lack_is_counted_under_our_own_names(client):
    told = Telemetry()
    client(told, faults=[cut(at=20)]).complete("gpt-4.1", ASK)
    metrics = told.metrics()
    assert metrics["holysheep.streams.in_flight"]["data"]["data_points"][0]["value"] == 0
    [cuts] = metrics["holysheep.stream.cuts"]["data"]["data_points"]
    assert cuts["value"] == 1
    assert cuts["attributes"] == {
        "gen_ai.provider.name": "holysheep",
        "gen_ai.request.model": "gpt-4.1",
        "error.type": "StreamCutError",
    }


def test_a_failure_is_an_error_and_a_reader_who_leaves_is_none(client):
    told = Telemetry()
    with pytest.raises(HolySheepError):
        client(told, faults=[refuse(401)]).complete("gpt-4.1", ASK)
    stream = client(told).stream_with_retry("gpt-4.1", ASK)
    next(stream)
    stream.close()
    failed, left = told.spans
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert failed.attributes["error.type"] == "AuthenticationError"
    assert left.status.is_unset
    assert left.attributes["holysheep.outcome"] == "closed"


def test_text_is_in_a_span_only_when_asked(client, text):
    quiet, open_ = Telemetry(), Telemetry(capture_content=True)
    for told in (quiet, open_):
        client(told, faults=[cut(at=20)]).complete("gpt-4.1", ASK)
    assert "nobody should find" not in quiet.spans[0].to_json()
    assert text[:8] not in quiet.spans[0].to_json(indent=None)
    facts = open_.spans[0].attributes
    [asked] = json.loads(facts["gen_ai.input.messages"])
    assert asked["parts"] == [{"type": "text", "content": ASK[0]["content"]}]
    [said] = json.loads(facts["gen_ai.output.messages"])
    assert said["parts"][0]["content"] == text
    assert "sk-secret" not in open_.spans[0].to_json()


def test_images_stay_out_of_a_trace(client):
    told = Telemetry(capture_content=True)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    content = [{"type": "text", "text": "see"}, image]
    client(told).complete("gpt-4.1", [{"role": "user", "content": content}])
    [asked] = json.loads(told.spans[0].attributes["gen_ai.input.messages"])
    assert asked["parts"] == [{"type": "text", "content": "see"}, {"type": "image_url"}]


async def test_an_async_call_belongs_to_the_span_it_is_made_in(client):
    told = Telemetry()
    handler = client(told, faults=[cut(at=9)])
    with told.tracers.get_tracer("mine").start_as_current_span("mine") as mine:
        await handler.acomplete("gpt-4.1", ASK)
    chat = next(span for span in told.spans if span.name.startswith("chat"))
    assert chat.parent.span_id == mine.get_span_context().span_id
    await handler.aclose()


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"holysheep\[otel\]"):
        OpenTelemetry()
