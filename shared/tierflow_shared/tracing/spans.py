"""The spans of a service. They carry routes, topics, groups and counts; never an id, an amount or a text of anybody.

A message carries its trace in its header. Whoever works on a batch makes one span for each sampled trace in it, not
one for each event, and what follows from a record carries that span on: so one trace id leads from the request that
brought an event to everything that came of it, and an event that nobody samples costs a look at its headers.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from tierflow_shared.bus.port import Message, Record
from tierflow_shared.logs import traceparent as current_traceparent
from tierflow_shared.tracing.context import carried, carrying, is_sampled

MOST_SPANS: Final = 64  # of one batch; further traces of it are links of its last span
_SERVER_ERROR: Final = 500
Attributes = Mapping[str, str | int]


class RequestSpan:
    """The span of one request."""

    def __init__(self, span: Span, told: str) -> None:
        self._span = span
        context = span.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        # An unsampled request says about its trace what its caller said, as if nobody traced here.
        self.traceparent = _text(context) if span.is_recording() else told

    def end(self, method: str, route: str, status: int) -> None:
        """Ends it under its route's template; a server's error is marked, a caller's is not."""
        span = self._span
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {"http.request.method": method, "http.route": route, "http.response.status_code": status}
            )
            if status >= _SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
        span.end()


class BatchSpans:
    """The spans of one transaction over many records; `records` carry them on instead of those they came with."""

    def __init__(self, records: Sequence[Record], spans: Sequence[Span]) -> None:
        self.records = records
        self._spans = spans

    def end(self, *, done: bool) -> None:
        """Ends them; `done` is False when the transaction was rolled back."""
        for span in self._spans:
            if not done:
                span.set_status(Status(StatusCode.ERROR, "rolled back"))
            span.end()


class Tracing:
    """Makes the spans of one service and sends them away."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("tierflow", version("tierflow"))

    def request(self, method: str, told: str) -> RequestSpan:
        """Begins a request's span below the caller's (`told`, "" without one)."""
        context = set_span_in_context(_remote(told)) if told else None
        return RequestSpan(self._tracer.start_span(method, context, SpanKind.SERVER), told)

    def batch(self, group: str, records: Sequence[Record]) -> BatchSpans:
        """Begins a span for each sampled trace of a batch."""
        found = [carried(record.headers) for record in records]
        counts = _counted(found)
        if not counts:
            return BatchSpans(records, ())
        topics = {text: record.topic for text, record in zip(reversed(found), reversed(records), strict=True)}
        spans: dict[str, Span] = {}
        for text, count in counts.items():
            if len(spans) == MOST_SPANS:
                next(reversed(spans.values())).add_link(_remote(text).get_span_context())
                continue
            attributes = {**_messaging("process", topics[text], count), "messaging.consumer.group.name": group}
            spans[text] = self._below(text, f"process {topics[text]}", SpanKind.CONSUMER, attributes)
        onwards = {text: _text(span.get_span_context()) for text, span in spans.items()}
        moved = [
            record._replace(headers=carrying(record.headers, onwards[text])) if text in onwards else record
            for text, record in zip(found, records, strict=True)
        ]
        return BatchSpans(moved, tuple(spans.values()))

    def publication(self, messages: Sequence[Message]) -> BatchSpans:
        """Begins a span for each sampled trace and topic of messages on their way to the bus."""
        of_topic: dict[str, list[str]] = {}
        for message in messages:
            of_topic.setdefault(message.topic, []).append(carried(message.headers))
        spans = [
            self._below(text, f"send {topic}", SpanKind.PRODUCER, _messaging("send", topic, count))
            for topic, found in of_topic.items()
            for text, count in list(_counted(found).items())[:MOST_SPANS]
        ]
        return BatchSpans((), spans)

    def steps(self, name: str, traceparents: Iterable[str]) -> None:
        """A step of things that began in other requests: a span in each one's trace, linked to the present request."""
        here = current_traceparent.get()
        links = [Link(_remote(here).get_span_context())] if here else []
        for text in list(_counted(traceparents))[:MOST_SPANS]:
            self._below(text, name, SpanKind.INTERNAL, {}, links).end()

    def close(self) -> None:
        """Sends what is left; blocks for a few seconds at most."""
        self._provider.shutdown()

    def _below(
        self, parent: str, name: str, kind: SpanKind, attributes: Attributes, links: Sequence[Link] = ()
    ) -> Span:
        context = set_span_in_context(_remote(parent))
        return self._tracer.start_span(name, context, kind, dict(attributes), links)


def _messaging(operation: str, topic: str, count: int) -> dict[str, str | int]:
    return {
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
        "messaging.batch.message_count": count,
    }


def _counted(traceparents: Iterable[str]) -> dict[str, int]:
    """The sampled ones, in order, with how often each occurs."""
    counts: dict[str, int] = {}
    for text in traceparents:
        if text and is_sampled(text):
            counts[text] = counts.get(text, 0) + 1
    return counts


def _remote(text: str) -> NonRecordingSpan:
    trace, span, flags = int(text[3:35], 16), int(text[36:52], 16), int(text[53:55], 16)
    return NonRecordingSpan(SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags)))


def _text(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
