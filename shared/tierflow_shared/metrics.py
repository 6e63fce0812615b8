"""Every metric of the project in one table, and the registry of one app. Labels never carry ids of people."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family


class Metric(NamedTuple):
    """One row of the table. Each metric also has the label `service`, always the first."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


_REQUEST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BATCH_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_WAIT_S: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0)
_AGE_S: Final = (0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0)
_SIZES: Final = (1, 10, 100, 500, 1_000, 5_000, 20_000, 60_000)

METRICS: Final[tuple[Metric, ...]] = (
    # HTTP: rate, errors, duration. `route` is the template ("/scoring/v1/customers/{customer_id}"), never the path.
    Metric("tierflow_http_requests_total", "counter", ("method", "route", "status"), "requests answered"),
    Metric("tierflow_http_request_seconds", "histogram", ("method", "route"), "time to the answer", _REQUEST_S),
    Metric("tierflow_http_unhandled_total", "counter", ("route",), "requests that ended in an unexpected error"),
    Metric("tierflow_tokens_total", "counter", ("outcome",), "tokens not seen before: verified or refused"),
    # Ingest (events service). `outcome` is accepted, duplicate, refused or conflict.
    Metric("tierflow_ingest_events_total", "counter", ("type", "outcome"), "events sent in"),
    Metric("tierflow_ingest_batch_events", "histogram", (), "events per request", _SIZES),
    # The consumer loop of each service. `outcome` is applied, duplicate or refused.
    Metric("tierflow_stream_records_total", "counter", ("group", "outcome"), "records consumed"),
    Metric("tierflow_stream_batch_seconds", "histogram", ("group",), "one poll's transaction", _BATCH_S),
    Metric("tierflow_stream_batch_records", "histogram", ("group",), "records in one transaction", _SIZES),
    # Freshness, observed once a transaction for its oldest record: from the log to the committed effect. All records of
    # a transaction whose oldest waited longer than the service level allows (5 s) are late. The age is the first one's,
    # from the moment at which the producer says that it happened.
    Metric("tierflow_stream_wait_seconds", "histogram", ("group",), "from the log to the effect", _WAIT_S),
    Metric("tierflow_stream_late_records_total", "counter", ("group",), "records that waited longer than 5 s"),
    Metric("tierflow_stream_event_age_seconds", "histogram", ("group",), "from the event to the effect", _AGE_S),
    Metric("tierflow_stream_lag_records", "gauge", ("group", "topic", "partition"), "records not yet consumed"),
    Metric("tierflow_stream_fenced_total", "counter", ("group",), "transactions refused because a lease was lost"),
    Metric("tierflow_stream_partitions", "gauge", ("group",), "partitions this member owns"),
    Metric("tierflow_dead_letters_total", "counter", ("reason",), "messages that could not be taken"),
    # The outbox of each service.
    Metric("tierflow_outbox_depth", "gauge", (), "messages that wait for the bus"),
    Metric("tierflow_outbox_published_total", "counter", (), "messages brought to the bus"),
    Metric("tierflow_outbox_retries_total", "counter", (), "publications that the bus did not take"),
    # What the services decide.
    Metric("tierflow_tier_changes_total", "counter", ("scheme", "direction"), "tier changes published"),
    Metric("tierflow_tier_pending_total", "counter", ("scheme", "state"), "pending downgrades opened and cleared"),
    Metric("tierflow_contacts_planned_total", "counter", ("purpose",), "contacts put into plans"),
    # Coverage of plans when they are made. `outcome` is planned, overflow (no free slot) or blocked (no consent).
    Metric("tierflow_plan_due_contacts_total", "counter", ("outcome",), "due contacts that plans could place or not"),
    Metric("tierflow_contacts_recorded_total", "counter", ("outcome",), "outcomes of contacts"),
    Metric("tierflow_sale_decisions_total", "counter", ("pack", "outcome"), "suitability decisions"),
    Metric("tierflow_sales_closed_total", "counter", ("state",), "sales confirmed or rejected"),
)
_BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}


class ServiceMetrics:
    """The metrics of one app, in a registry of its own. Cheap enough for hot paths: one dict look-up per use."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._counter_children: dict[tuple[str, ...], Counter] = {}
        self._gauge_children: dict[tuple[str, ...], Gauge] = {}
        self._histogram_children: dict[tuple[str, ...], Histogram] = {}
        for metric in METRICS:
            self._create(metric)

    def _create(self, metric: Metric) -> None:
        labels = ("service", *metric.labels)
        if metric.kind == "counter":
            self._counters[metric.name] = Counter(metric.name, metric.help, labels, registry=self.registry)
        elif metric.kind == "gauge":
            self._gauges[metric.name] = Gauge(metric.name, metric.help, labels, registry=self.registry)
        else:
            self._histograms[metric.name] = Histogram(
                metric.name, metric.help, labels, buckets=metric.buckets, registry=self.registry
            )

    def add(self, name: str, *labels: str, amount: float = 1) -> None:
        """Counts; `labels` in the order of the table."""
        child = self._counter_children.get((name, *labels))
        if child is None:
            child = self._counters[name].labels(self.service, *labels)
            self._counter_children[(name, *labels)] = child
        child.inc(amount)

    def set(self, name: str, *labels: str, value: float) -> None:
        """Shows a present value; `labels` in the order of the table."""
        self._gauge(name, labels).set(value)

    def move(self, name: str, *labels: str, by: float) -> None:
        """Changes a present value by so much."""
        self._gauge(name, labels).inc(by)

    def _gauge(self, name: str, labels: tuple[str, ...]) -> Gauge:
        child = self._gauge_children.get((name, *labels))
        if child is None:
            child = self._gauges[name].labels(self.service, *labels)
            self._gauge_children[(name, *labels)] = child
        return child

    def observe(self, name: str, *labels: str, value: float) -> None:
        """Adds a measurement (seconds, sizes); `labels` in the order of the table."""
        child = self._histogram_children.get((name, *labels))
        if child is None:
            child = self._histograms[name].labels(self.service, *labels)
            self._histogram_children[(name, *labels)] = child
        child.observe(value)

    def value(self, name: str, *labels: str) -> float:
        """What a counter or gauge stands at, for tests and reports; 0 when it was never touched."""
        names = ("service", *_BY_NAME[name].labels)
        found = self.registry.get_sample_value(name, dict(zip(names, (self.service, *labels), strict=True)))
        return found or 0.0


class _Merged:
    def __init__(self, registries: Iterable[CollectorRegistry]) -> None:
        self._registries = tuple(registries)

    def collect(self) -> Iterable[Family]:
        families: dict[str, Family] = {}
        for registry in self._registries:
            for family in registry.collect():
                known = families.setdefault(family.name, family)
                if known is not family:
                    known.samples.extend(family.samples)
        return families.values()


def exposition(metrics: Iterable[ServiceMetrics]) -> bytes:
    """The text that Prometheus reads, of one app or of several apps in one process."""
    return generate_latest(_Merged(one.registry for one in metrics))
