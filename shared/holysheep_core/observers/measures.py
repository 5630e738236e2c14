"""What is measured of calls, for every system of metrics: names, labels, and how each is counted.

The names are OpenTelemetry's, by its conventions for generative AI where those have one. In
Prometheus a metric has the name that OpenTelemetry's exporter for Prometheus gives it (dots become
underscores, the unit is appended), so that one board fits both.

Counting happens a few times per request and never per token. What the metadata of a call has
(requests, resumes, waits, tokens, cost) is taken from its record when it ends, and equals it; cuts,
retries and fallbacks are counted when they happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from holysheep_core import events
from holysheep_core.secrets import redact_line
from holysheep_core.types import CallRecord, ChatRequest

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bucket boundaries of times, which the conventions ask for."""
MOST_NAMES = 100
"""Names of models, and of providers, that get a label of their own; all others are "other"."""
_LONGEST_NAME = 100

PROVIDER, MODEL, ERROR = "gen_ai.provider.name", "gen_ai.request.model", "error.type"
OUTCOME, TECHNIQUE = "holysheep.outcome", "holysheep.technique"
TOKEN_TYPE, WAIT_TYPE = "gen_ai.token.type", "holysheep.wait.type"
FROM, TO, REASON = "holysheep.from", "holysheep.to", "holysheep.reason"


@dataclass(frozen=True, eq=False)
class Measure:
    """A metric.

    Attributes:
        name: Its name in OpenTelemetry.
        unit: Its unit, in OpenTelemetry's notation.
        about: What it is, in a sentence.
        labels: Names of its labels (OpenTelemetry: attributes).
        kind: "counter" only grows, "gauge" also falls, "histogram" counts values by size.
    """

    name: str
    unit: str
    about: str
    labels: tuple[str, ...]
    kind: Literal["counter", "gauge", "histogram"] = "counter"

    @property
    def prometheus_name(self) -> str:
        """Its name in Prometheus, without the ending `_total` of counters."""
        unit = {"s": "_seconds"}.get(self.unit, "")
        return self.name.replace(".", "_") + unit


IN_FLIGHT = Measure(
    "holysheep.streams.in_flight", "{call}", "Calls that have not ended.", (MODEL,), "gauge"
)
CALLS = Measure(
    "holysheep.calls",
    "{call}",
    "Calls that ended, by outcome: completed, closed by the reader, or the class of the error.",
    (PROVIDER, MODEL, OUTCOME),
)
DURATION = Measure(
    "gen_ai.client.operation.duration",
    "s",
    "How long calls take, retries and continuations included.",
    (PROVIDER, MODEL, ERROR),
    "histogram",
)
FIRST_CHUNK = Measure(
    "gen_ai.client.operation.time_to_first_chunk",
    "s",
    "Time from the beginning of a call to its first content.",
    (PROVIDER, MODEL),
    "histogram",
)
REQUESTS = Measure(
    "holysheep.requests",
    "{request}",
    "HTTP requests of ended calls, by how they were asked and how they ended.",
    (PROVIDER, MODEL, TECHNIQUE, OUTCOME),
)
CUTS = Measure(
    "holysheep.stream.cuts",
    "{cut}",
    "Answers that broke off after their first content.",
    (PROVIDER, MODEL, ERROR),
)
RESUMES = Measure(
    "holysheep.resumes", "{resume}", "Times that a cut answer was continued.", (PROVIDER, MODEL)
)
RETRIES = Measure(
    "holysheep.retries",
    "{retry}",
    "Requests that failed and are followed by another one, at any route.",
    (PROVIDER, MODEL, ERROR),
)
FALLBACKS = Measure(
    "holysheep.fallbacks", "{move}", "Moves of a call to another model.", (FROM, TO, REASON)
)
SWITCHES = Measure(
    "holysheep.provider.switches",
    "{move}",
    "Moves of a call to another provider.",
    (FROM, TO, REASON),
)
WAITED = Measure(
    "holysheep.wait.time",
    "s",
    "Seconds that calls waited: backoff (between requests) or admission (own rate limits).",
    (MODEL, WAIT_TYPE),
)
TOKENS = Measure(
    "holysheep.tokens",
    "{token}",
    "Tokens of requests, cut ones included: input, output, cached (a part of the input).",
    (PROVIDER, MODEL, TOKEN_TYPE),
)
COST = Measure(
    "holysheep.cost.usd", "", "Price in US$ of requests whose price is known.", (PROVIDER, MODEL)
)
UNPRICED = Measure(
    "holysheep.unpriced.requests",
    "{request}",
    "Requests whose price is not known.",
    (PROVIDER, MODEL),
)
ALL = (
    *(IN_FLIGHT, CALLS, DURATION, FIRST_CHUNK, REQUESTS, CUTS, RESUMES, RETRIES, FALLBACKS),
    *(SWITCHES, WAITED, TOKENS, COST, UNPRICED),
)
"""Every metric."""

Add = Callable[[Measure, float, tuple[str, ...]], None]
"""(metric, amount, values of its labels): adds to a counter or a gauge, or records a value."""


@dataclass
class _Running:
    """A call that has not ended: what its events do not say of its requests."""

    model: str
    routes: list[tuple[str, str]] = field(default_factory=list)  # of its requests, in order
    held: float | None = None  # since when admission control holds a request


class Meter:
    """Counts calls.

    Args:
        add: Receives what is counted, from any thread.
    """

    def __init__(self, add: Add) -> None:
        self._add = add
        self._running: dict[str, _Running] = {}
        self._models: dict[str, str] = {}
        self._providers: dict[str, str] = {}
        self._reactions: dict[type[events.Event], Callable[[_Running, Any], None]] = {
            events.RequestSent: self._sent,
            events.StreamCut: self._cut,
            events.RetryScheduled: self._retried,
            events.ModelDowngraded: self._downgraded,
            events.ProviderSwitched: self._switched,
            events.Throttled: self._throttled,
            events.StreamFailed: self._released,
        }

    def call_began(self, call_id: str, request: ChatRequest) -> None:
        """Count a call that begins."""
        model = self._model(request.model)
        self._running[call_id] = _Running(model)
        self._add(IN_FLIGHT, 1, (model,))

    def happened(self, event: events.Event) -> None:
        """Count an event."""
        react = self._reactions.get(type(event))
        if react is not None:
            call = self._running.get(event.call_id)
            if call is not None:
                react(call, event)

    def call_ended(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        call = self._running.pop(record.call_id, None)
        model, provider = self._model(record.requested_model), self._provider(record.provider)
        if call is not None:
            self._release(call, record.duration)
            self._add(IN_FLIGHT, -1, (call.model,))
        error = record.outcome if has_failed(record) else ""
        self._add(CALLS, 1, (provider, model, record.outcome))
        self._add(DURATION, record.duration, (provider, model, error))
        if record.first_token is not None:
            self._add(FIRST_CHUNK, record.first_token, (provider, model))
        # Zeros too: Prometheus sees no growth in a series that begins with its first event.
        self._add(RESUMES, record.resumes, (provider, model))
        self._add(WAITED, record.waited, (model, "backoff"))
        for each in record.attempts:
            route = (self._provider(each.provider), self._model(each.model))
            self._add(REQUESTS, 1, (*route, each.technique, each.outcome))
            self._add(TOKENS, each.usage.input_tokens, (*route, "input"))
            self._add(TOKENS, each.usage.output_tokens, (*route, "output"))
            self._add(TOKENS, each.usage.cached_tokens, (*route, "cached"))
            self._add(COST, each.cost_usd or 0.0, route)
            self._add(UNPRICED, each.cost_usd is None, route)

    # -- events -----------------------------------------------------------------------------

    def _sent(self, call: _Running, event: events.RequestSent) -> None:
        self._release(call, event.at)
        call.routes.append((self._provider(event.provider), self._model(event.model)))

    def _cut(self, call: _Running, event: events.StreamCut) -> None:
        self._add(CUTS, 1, (*self._route(call, event.attempt), event.error))

    def _retried(self, call: _Running, event: events.RetryScheduled) -> None:
        self._release(call, event.at)
        self._add(RETRIES, 1, (*self._route(call, event.attempt), event.error))

    def _downgraded(self, call: _Running, event: events.ModelDowngraded) -> None:  # noqa: ARG002 - one signature
        names = (self._model(event.from_model), self._model(event.to_model))
        self._add(FALLBACKS, 1, (*names, event.reason))

    def _switched(self, call: _Running, event: events.ProviderSwitched) -> None:  # noqa: ARG002 - one signature
        names = (self._provider(event.from_provider), self._provider(event.to_provider))
        self._add(SWITCHES, 1, (*names, event.reason))

    def _throttled(self, call: _Running, event: events.Throttled) -> None:
        if call.held is None:
            call.held = event.at

    def _released(self, call: _Running, event: events.StreamFailed) -> None:
        self._release(call, event.at)

    def _release(self, call: _Running, now: float) -> None:
        if call.held is not None:
            self._add(WAITED, max(0.0, now - call.held), (call.model, "admission"))
            call.held = None

    @staticmethod
    def _route(call: _Running, attempt: int) -> tuple[str, str]:
        # A request that admission control refused was never sent: no route is known for it.
        return call.routes[attempt - 1] if 0 < attempt <= len(call.routes) else ("", call.model)

    # -- labels -----------------------------------------------------------------------------

    def _model(self, name: str) -> str:
        return _bounded(name, self._models)

    def _provider(self, name: str) -> str:
        return _bounded(name, self._providers)


def has_failed(record: CallRecord) -> bool:
    """Whether a call ended with an error; a reader who leaves early is none."""
    return record.outcome not in ("completed", "closed")


def _bounded(name: str, known: dict[str, str]) -> str:
    # An application may let its users choose the model: each name would be a time series for ever.
    label = known.get(name)
    if label is None:
        if len(known) >= MOST_NAMES:
            return "other"
        label = known[name] = redact_line(name, limit=_LONGEST_NAME)
    return label
