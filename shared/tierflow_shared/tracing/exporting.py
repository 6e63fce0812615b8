"""The way of spans to a receiver: OTLP over HTTP, in batches, from a thread of its own; full queues drop spans."""

from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from tierflow_shared.settings import ServiceSettings


def provider_for(endpoint: str, service: str, settings: ServiceSettings) -> TracerProvider:
    """Spans named after the service. A caller's decision to sample or not is kept; else the ratio decides."""
    names = {"service.namespace": "tierflow", "service.name": service, "service.version": version("tierflow")}
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.trace_ratio)),
        resource=Resource.create(names),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=settings.otlp_timeout_s)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
    return provider
