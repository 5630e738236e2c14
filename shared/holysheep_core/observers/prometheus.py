"""Calls as metrics for Prometheus, by its own client library."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, ClassVar

from holysheep_core import events
from holysheep_core.errors import ConfigurationError
from holysheep_core.observers.measures import ALL, SECONDS, Measure, Meter
from holysheep_core.observers.observer import Observer
from holysheep_core.process import Shared
from holysheep_core.types import CallRecord, ChatRequest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from typing_extensions import Self


class PrometheusMetrics(Observer):
    """Counts calls for Prometheus.

    >>> from prometheus_client import start_http_server
    >>> from holysheep_core import PrometheusMetrics
    >>> from langchain_holysheep import ChatHolySheep
    >>> llm = ChatHolySheep(model="gpt-4.1", observers=[PrometheusMetrics()])
    >>> server, thread = start_http_server(9464)  # http://localhost:9464/metrics
    >>> server.shutdown()
    >>> server.server_close()

    It only counts: how the metrics are served is up to the application (`start_http_server`,
    `make_asgi_app`, `make_wsgi_app` of `prometheus_client`). With several processes, as under
    gunicorn, set `PROMETHEUS_MULTIPROC_DIR` and serve a `MultiProcessCollector`. Any number of
    models may have an observer, or share one: those of one registry count into the same metrics.

    Labels are names of models, of providers and of classes of errors; never an id, a URL, a key
    or a text. From the hundredth model or provider on, the label is "other".

    Args:
        registry: The registry of the metrics; `prometheus_client.REGISTRY` if None.

    Raises:
        ConfigurationError: The library is not installed (extra "prometheus"), or the registry has
            metrics of these names already that are not these.
    """

    _by_registry: ClassVar[Shared[Meter]] = Shared(keep=True)

    def __init__(self, *, registry: CollectorRegistry | None = None) -> None:
        if importlib.util.find_spec("prometheus_client") is None:
            raise ConfigurationError(
                "PrometheusMetrics needs its library: pip install 'holysheep[prometheus]'."
            )
        from prometheus_client import REGISTRY  # noqa: PLC0415 - an extra

        found = REGISTRY if registry is None else registry
        self._meter = self._by_registry.get(found, lambda: Meter(_Metrics(found)))

    def call_began(self, call_id: str, request: ChatRequest) -> None:
        """Count a call that begins."""
        self._meter.call_began(call_id, request)

    def happened(self, event: events.Event) -> None:
        """Count an event."""
        self._meter.happened(event)

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - no text here
        """Count a call that has ended."""
        self._meter.call_ended(record)

    def __deepcopy__(self, memo: object) -> Self:
        return self  # it counts into one registry, whatever copies there are


class _Metrics:
    """Adds to the metrics of a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415 - an extra

        kinds: dict[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
        # The calls under way of all living processes together; the other kinds know no modes.
        options: dict[str, dict[str, Any]] = {
            "gauge": {"multiprocess_mode": "livesum"},
            "histogram": {"buckets": SECONDS},
        }
        self._metrics: dict[Measure, Any] = {}
        try:
            for each in ALL:
                labels = [label.replace(".", "_") for label in each.labels]
                given = {"registry": registry, **options.get(each.kind, {})}
                make = kinds[each.kind]
                self._metrics[each] = make(each.prometheus_name, each.about, labels, **given)
        except ValueError as error:  # two metrics of one name
            for metric in self._metrics.values():
                registry.unregister(metric)
            raise ConfigurationError(f"PrometheusMetrics: {error}.") from None

    def __call__(self, measure: Measure, amount: float, labels: tuple[str, ...]) -> None:
        metric = self._metrics[measure].labels(*labels)
        if measure.kind == "histogram":
            metric.observe(amount)
        else:
            metric.inc(amount)
