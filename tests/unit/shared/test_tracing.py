"""Spans of batches: as many as there are sampled traces, never more than a limit, and none where nobody asks."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from tierflow_shared.bus.port import Message, Record
from tierflow_shared.logs import traceparent
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.tracing.context import carried, is_sampled, valid
from tierflow_shared.tracing.opening import open_tracing
from tierflow_shared.tracing.spans import MOST_SPANS, Tracing


class Traced:
    """A tracing whose spans a test can look at."""

    def __init__(self, ratio: float) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracing = Tracing(provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._kept.get_finished_spans()


def parent(number: int, flags: str = "01") -> str:
    return f"00-{number:032x}-{number:016x}-{flags}"


def record(offset: int, carries: str) -> Record:
    headers = (("ce_id", b"x"), ("traceparent", carries.encode())) if carries else (("ce_id", b"x"),)
    return Record("bank.events", 0, offset, 0, "c-1", "t", headers, b"{}")


def test_a_batch_has_one_span_for_each_sampled_trace() -> None:
    traced = Traced(0.0)
    told = [parent(1), "", parent(2, "00"), parent(1), parent(3)]
    batch = traced.tracing.batch("scoring", [record(i, text) for i, text in enumerate(told)])
    batch.end(done=True)
    assert [span.attributes["messaging.batch.message_count"] for span in traced.spans] == [2, 1]  # type: ignore[index]
    carries = [carried(one.headers) for one in batch.records]
    assert carries[0] == carries[3] != told[0]
    assert carries[0][:36] == told[0][:36]
    assert carries[1:3] == told[1:3]
    assert [one.offset for one in batch.records] == [0, 1, 2, 3, 4]


def test_a_rolled_back_batch_is_marked() -> None:
    traced = Traced(0.0)
    traced.tracing.batch("scoring", [record(0, parent(1))]).end(done=False)
    assert not traced.spans[0].status.is_ok


def test_traces_beyond_the_limit_are_links() -> None:
    traced = Traced(0.0)
    records = [record(i, parent(i + 1)) for i in range(MOST_SPANS + 5)]
    batch = traced.tracing.batch("scoring", records)
    batch.end(done=True)
    assert len(traced.spans) == MOST_SPANS
    assert [link.context.trace_id for link in traced.spans[-1].links] == list(range(MOST_SPANS + 1, MOST_SPANS + 6))
    assert batch.records[-1] == records[-1], "it stays in its trace"


@pytest.mark.parametrize(
    ("ratio", "told", "spans"), [(0.0, "", 0), (1.0, "", 1), (1.0, parent(1, "00"), 0), (0.0, parent(1), 1)]
)
def test_the_caller_decides_else_the_ratio(ratio: float, told: str, spans: int) -> None:
    traced = Traced(ratio)
    request = traced.tracing.request("GET", told)
    request.end("GET", "/x/{id}", 503)
    assert len(traced.spans) == spans
    assert is_sampled(request.traceparent) == bool(spans)
    assert len(request.trace_id) == 32
    if told:
        assert request.trace_id == told[3:35]
    assert all(span.name == "GET /x/{id}" and not span.status.is_ok for span in traced.spans)


def test_a_step_is_shown_in_the_other_trace_and_linked() -> None:
    traced = Traced(0.0)
    token = traceparent.set(parent(9))
    traced.tracing.steps("confirm sale", [parent(4), "", parent(5, "00")])
    traceparent.reset(token)
    (span,) = traced.spans
    assert span.context is not None
    assert (span.context.trace_id, span.links[0].context.trace_id) == (4, 9)


def test_a_publication_has_a_span_for_each_trace_and_topic() -> None:
    traced = Traced(0.0)
    headers = (("traceparent", parent(1).encode()),)
    messages = [Message("a", "k", b"", headers), Message("b", "k", b"", headers), Message("a", "k", b"", ())]
    traced.tracing.publication(messages).end(done=True)
    assert [span.name for span in traced.spans] == ["send a", "send b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-1-2-3",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        parent(1) + "x",
    ],
)
def test_a_traceparent_that_is_none_is_passed_over(text: str) -> None:
    assert valid(text.encode()) == ""
    assert carried((("traceparent", text.encode()),)) == ""


def test_without_a_receiver_nothing_of_it_is_loaded() -> None:
    assert open_tracing(ServiceSettings(otlp_endpoint=None), "scoring") is None
    code = (
        "import sys, tierflow_events.app, tierflow_scoring.app, tierflow_contact_planner.app, tierflow_suitability.app;"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
