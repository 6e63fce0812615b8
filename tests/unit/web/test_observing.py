"""Metrics, logs and health: what operators see, and what they never see."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from tierflow_shared.logs import configure_logging, trace_id
from tierflow_shared.metrics import METRICS, ServiceMetrics, exposition
from tierflow_shared.web.health import Health


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged; logging is put back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging("test", "INFO", stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_log_line_is_json_with_service_and_trace(lines: io.StringIO) -> None:
    token = trace_id.set("abc")
    structlog.get_logger("x").info("tier decided", scheme="abcd")
    trace_id.reset(token)
    line = json.loads(lines.getvalue())
    assert (line["event"], line["scheme"], line["trace_id"], line["service"]) == ("tier decided", "abcd", "abc", "test")


def test_personal_fields_and_messages_of_errors_stay_out(lines: io.StringIO) -> None:
    try:
        raise ValueError("Jana Nováková")
    except ValueError:
        structlog.get_logger("x").exception("failed", email="jana@example.org")
        logging.getLogger("driver").exception("also failed")
    text = lines.getvalue()
    assert "Jana" not in text
    assert "jana@" not in text
    first = json.loads(text.splitlines()[0])
    assert first["error"] == "builtins.ValueError"
    assert "test_observing.py" in first["where"][-1]


def test_metric_names_are_unique_and_say_their_unit() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert all(metric.name.endswith("_total") == (metric.kind == "counter") for metric in METRICS)
    assert all(metric.help for metric in METRICS)


def test_two_apps_in_one_process_share_one_page_of_metrics() -> None:
    one, two = ServiceMetrics("one"), ServiceMetrics("two")
    one.add("tierflow_outbox_published_total", amount=3)
    two.add("tierflow_outbox_published_total")
    text = exposition([one, two]).decode()
    assert text.count("# TYPE tierflow_outbox_published_total counter") == 1
    assert 'tierflow_outbox_published_total{service="one"} 3.0' in text
    assert 'tierflow_outbox_published_total{service="two"} 1.0' in text


@pytest.mark.anyio
async def test_health_names_the_part_that_is_stuck_or_missing() -> None:
    health = Health()

    async def answers() -> None:
        return None

    async def fails() -> None:
        raise OSError("no route to host")

    health.watch("consumer", lambda: False)
    health.watch("relay", lambda: True)
    health.depend("database", answers)
    health.depend("log", fails)
    assert health.stuck() == ["consumer"]
    assert await health.missing() == ["log"]
