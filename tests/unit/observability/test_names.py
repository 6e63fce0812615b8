"""Every metric and label that a rule or a dashboard names exists in the code, and every metric is looked at."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.unit.observability.promtool import ROOT
from tierflow_observability import dashboards, rules
from tierflow_observability.model import Recording
from tierflow_shared.metrics import METRICS, ServiceMetrics

_EXPRESSIONS: Final = [*rules.expressions(), *dashboards.expressions()]
_RECORDED: Final = {rule.record for group in rules.GROUPS for rule in group.rules if isinstance(rule, Recording)}
_NAMED: Final = re.compile(r"\b(?:tierflow[_:][a-z0-9_:]+|up)\b(?:\{([^}]*)\})?")
_MATCHER: Final = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_BY: Final = re.compile(r"\bby \(([^)]*)\)")
_OF_PROMETHEUS: Final = {"job", "instance"}


def _exposed() -> dict[str, set[str]]:
    """Series by name with their labels, as a registry of the code really shows them."""
    metrics = ServiceMetrics("test")
    for metric in METRICS:
        labels = tuple(metric.labels)
        if metric.kind == "counter":
            metrics.add(metric.name, *labels)
        elif metric.kind == "gauge":
            metrics.set(metric.name, *labels, value=1)
        else:
            metrics.observe(metric.name, *labels, value=1)
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


EXPOSED: Final = _exposed()


def _names(expr: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    for found in _NAMED.finditer(expr):
        yield found.group(0).partition("{")[0], _MATCHER.findall(found.group(1) or "")


@pytest.mark.parametrize("expr", _EXPRESSIONS)
def test_what_an_expression_names_exists(expr: str) -> None:
    grouped = {label.strip() for group in _BY.findall(expr) for label in group.split(",")}
    available = set(_OF_PROMETHEUS)
    for name, matchers in _names(expr):
        if name == "up" or name in _RECORDED:
            continue
        assert name in EXPOSED, name
        available |= EXPOSED[name]
        assert {label for label, _, _ in matchers} <= EXPOSED[name] | _OF_PROMETHEUS, expr
        for label, operator, value in matchers:
            assert _is_possible(name, label, operator, value), (label, value)
    assert grouped <= available, expr


def _is_possible(name: str, label: str, operator: str, value: str) -> bool:
    """Routes are routes of ours, bounds are buckets, services exist; other values the code alone knows."""
    if "~" in operator:
        return True
    match label:
        case "route":
            return value in _routes()
        case "le":
            metric = next(one for one in METRICS if name == f"{one.name}_bucket")
            return float(value) in metric.buckets
        case "service" | "group":
            return value in ("events", "scoring", "contact-planner", "suitability")
        case _:
            return True


def _routes() -> set[str]:
    documents = (ROOT / "docs" / "openapi").glob("*.json")
    return {path for document in documents for path in json.loads(document.read_text())["paths"]}


def test_what_does_not_exist_would_be_found() -> None:
    """The control."""
    with pytest.raises(AssertionError):
        test_what_an_expression_names_exists("rate(tierflow_http_request_total[5m])")
    with pytest.raises(AssertionError):
        test_what_an_expression_names_exists('tierflow_outbox_depth{topic="x"}')
    with pytest.raises(AssertionError):
        test_what_an_expression_names_exists("sum by (topic) (tierflow_outbox_depth)")
    with pytest.raises(AssertionError):
        test_what_an_expression_names_exists('tierflow_http_request_seconds_bucket{le="0.3"}')


def test_series_of_stories_exist_too() -> None:
    for alert in rules.alerts():
        for story in (alert.fires, alert.silent):
            for series in story.series:
                ((name, matchers),) = _names(series)
                assert name == "up" or name in EXPOSED, series
                assert name == "up" or {label for label, _, _ in matchers} <= EXPOSED[name] | _OF_PROMETHEUS, series


def test_every_metric_is_on_a_dashboard() -> None:
    shown = " ".join(dashboards.expressions())
    assert [metric.name for metric in METRICS if metric.name not in shown] == []


@pytest.mark.parametrize("name", ["operations", "business"])
def test_a_dashboard_is_one_of_grafana_s_schema(name: str) -> None:
    """Read into the types that Grafana generates from its schemas and written again, nothing is lost or added."""
    stored: dict[str, Any] = json.loads((ROOT / "deploy" / "observability" / "grafana" / f"{name}.json").read_text())
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(stored)))
    assert again == stored
    panels = [panel for panel in stored["panels"] if panel["type"] != "row"]
    assert all(panel["title"] and panel["targets"] for panel in panels)
    ids = [panel["id"] for panel in stored["panels"]]
    assert len(ids) == len(set(ids))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in stored["panels"]]
    assert len(places) == len(set(places))
    unknown = {**stored, "panels": [{**panels[0], "colour": "red"}]}
    assert json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(unknown))) != unknown, "the control"
