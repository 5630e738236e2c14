"""Calls as OpenTelemetry spans and metrics, by the conventions for generative AI.

https://github.com/open-telemetry/semantic-conventions-genai (in development there; the names here
are those of 2026). A call is one span, "chat gpt-4.1", however many requests it took; each of
those, each cut, resume, downgrade and wait is an event of the span. Metrics are those of the
conventions (duration of calls, time to the first chunk, tokens) and those of `measures`. Prompts
and answers are left out unless you ask for them.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from holysheep_core import events
from holysheep_core.errors import ConfigurationError
from holysheep_core.observers import measures
from holysheep_core.observers.observer import Observer
from holysheep_core.process import renew_after_fork
from holysheep_core.types import CallRecord, ChatRequest

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Meter, MeterProvider, UpDownCounter
    from opentelemetry.trace import Span, TracerProvider

_SCOPE = "holysheep"
_PARAMS = {
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_tokens": "gen_ai.request.max_tokens",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
}
_TOKENS = tuple(4**power for power in range(14))
"""Bucket boundaries of tokens, which the conventions ask for."""


class OpenTelemetry(Observer):
    """Traces and measures calls.

    >>> from holysheep_core import OpenTelemetry
    >>> from langchain_holysheep import ChatHolySheep
    >>> llm = ChatHolySheep(model="gpt-4.1", observers=[OpenTelemetry()])

    Args:
        tracer_provider: Where spans go; the global one if None.
        meter_provider: Where metrics go; the global one if None.
        capture_content: Put prompts and answers into the spans.

    Raises:
        ConfigurationError: The API is not installed (extra "otel").
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        capture_content: bool = False,
    ) -> None:
        if importlib.util.find_spec("opentelemetry") is None:
            raise ConfigurationError(
                "OpenTelemetry needs its API: pip install 'holysheep[otel]', and an SDK."
            )
        from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra

        self._client = trace.SpanKind.CLIENT
        self._failed = trace.StatusCode.ERROR
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._meter = measures.Meter(_Instruments(meter))
        self._duration, self._first = (
            meter.create_histogram(
                each.name,
                unit=each.unit,
                description=each.about,
                explicit_bucket_boundaries_advisory=measures.SECONDS,
            )
            for each in (measures.DURATION, measures.FIRST_CHUNK)
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of a call, those of cut requests included.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._content = capture_content
        self._spans: dict[str, Span] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock: a thread of the parent may have held it."""
        self._lock = threading.Lock()

    def call_began(self, call_id: str, request: ChatRequest) -> None:
        """Begin a span, in the context the call is made in."""
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": request.model,
            **_known_params(request.params),
        }
        if request.tags:
            attributes["holysheep.tags"] = request.tags
        if self._content:
            attributes["gen_ai.input.messages"] = _messages(request)
        span = self._tracer.start_span(
            f"chat {request.model}", kind=self._client, attributes=attributes
        )
        with self._lock:
            self._spans[call_id] = span
        self._meter.call_began(call_id, request)

    def happened(self, event: events.Event) -> None:
        """Add an event to its call's span, and count it."""
        self._meter.happened(event)
        span = self._spans.get(event.call_id)
        if span is not None:
            fields = msgspec.to_builtins(event)
            del fields["call_id"], fields["at"]
            given = {f"holysheep.{k}": v for k, v in fields.items() if v is not None}
            span.add_event(f"holysheep.{type(event).__name__}", {**given, "message": str(event)})

    def call_ended(self, record: CallRecord, answer: str) -> None:
        """End the span, and record the metrics."""
        with self._lock:
            span = self._spans.pop(record.call_id, None)
        self._meter.call_ended(record)
        failed = measures.has_failed(record)
        common: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": record.provider,
            "gen_ai.request.model": record.requested_model,
            "gen_ai.response.model": record.model,
        }
        error = {"error.type": record.outcome} if failed else {}
        self._duration.record(record.duration, {**common, **error})
        if record.first_token is not None:
            self._first.record(record.first_token, common)
        usage = record.usage
        counts = (("input", usage.input_tokens), ("output", usage.output_tokens))
        for kind, tokens in counts:
            if tokens:
                self._tokens.record(tokens, {**common, "gen_ai.token.type": kind})
        if span is None:
            return
        facts = {
            **common,
            **error,
            "gen_ai.response.finish_reasons": record.finish_reason and [record.finish_reason],
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None,
            "holysheep.outcome": record.outcome,
            "holysheep.requests": len(record.attempts),
            "holysheep.resumes": record.resumes,
            "holysheep.downgrades": record.downgrades,
            "holysheep.waited": record.waited,
            "holysheep.cost_usd": record.cost_usd,
        }
        span.set_attributes({name: fact for name, fact in facts.items() if fact is not None})
        if self._content:
            span.set_attribute("gen_ai.output.messages", _answer(answer, record.finish_reason))
        if failed:
            span.set_status(self._failed, record.outcome)
        span.end()


class _Instruments:
    """Adds to counters. Histograms have more attributes here: the observer records them."""

    def __init__(self, meter: Meter) -> None:
        makers: dict[str, Callable[..., Counter | UpDownCounter]] = {
            "counter": meter.create_counter,
            "gauge": meter.create_up_down_counter,
        }
        self._of: dict[measures.Measure, Counter | UpDownCounter] = {
            each: makers[each.kind](each.name, unit=each.unit, description=each.about)
            for each in measures.ALL
            if each.kind in makers
        }

    def __call__(self, measure: measures.Measure, amount: float, labels: tuple[str, ...]) -> None:
        counter = self._of.get(measure)
        if counter is not None:
            counter.add(amount, dict(zip(measure.labels, labels, strict=True)))


def _known_params(params: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: params[key] for key, name in _PARAMS.items() if params.get(key) is not None}
    stop = params.get("stop")
    if stop:
        known["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    return known


def _messages(request: ChatRequest) -> str:
    # Media stay out of traces; what they were is told.
    messages = [
        {"role": message.get("role"), "parts": _parts(message.get("content"))}
        for message in request.messages
    ]
    return msgspec.json.encode(messages).decode()


def _parts(content: object) -> list[dict[str, Any]]:
    pieces = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    return [
        {"type": "text", "content": str(piece["text"])}
        if isinstance(piece, Mapping) and "text" in piece
        else {"type": piece.get("type", "unknown") if isinstance(piece, Mapping) else "unknown"}
        for piece in pieces
    ]


def _answer(text: str, finish_reason: str | None) -> str:
    part = {"type": "text", "content": text}
    message = {"role": "assistant", "parts": [part], "finish_reason": finish_reason or "error"}
    return msgspec.json.encode([message]).decode()
