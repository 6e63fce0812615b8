"""All rules as Prometheus, promtool and the Prometheus operator read them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tierflow_observability.business import DECISIONS, DOORS
from tierflow_observability.model import Alert, Group, Recording, Story
from tierflow_observability.objectives import objective_groups
from tierflow_observability.streams import CONSUMERS, LETTERS, OUTBOX, PROCESSES

GROUPS: Final = (*objective_groups(), PROCESSES, CONSUMERS, OUTBOX, LETTERS, DOORS, DECISIONS)


def alerts() -> Iterator[Alert]:
    """Every alerting rule; the three of one objective share their name."""
    for group in GROUPS:
        yield from (rule for rule in group.rules if isinstance(rule, Alert))


def expressions() -> Iterator[str]:
    """Every expression of a rule."""
    for group in GROUPS:
        yield from (rule.expr for rule in group.rules)


def rule_files() -> dict[str, Any]:
    """What `rule_files` of prometheus.yml names: one file for each group."""
    return {f"{group.name}.yaml": {"groups": [_group(group)]} for group in GROUPS}


def custom_resource() -> dict[str, Any]:
    """The same together, as a PrometheusRule of the Prometheus operator."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "tierflow", "labels": {"app.kubernetes.io/part-of": "tierflow"}},
        "spec": {"groups": [_group(group) for group in GROUPS]},
    }


def story_files() -> dict[str, Any]:
    """Unit tests for `promtool test rules`: each alert fires on its story and keeps silent on the other."""
    return {f"{group.name}.yaml": _stories(group) for group in GROUPS}


def _stories(group: Group) -> dict[str, Any]:
    own = [rule for rule in group.rules if isinstance(rule, Alert)]
    tests = [_test(one, story) for one in own for story in (one.fires, one.silent)]
    return {"rule_files": [f"../rules/{group.name}.yaml"], "evaluation_interval": "1m", "tests": tests}


def _group(group: Group) -> dict[str, Any]:
    return {"name": group.name, "rules": [_rule(rule) for rule in group.rules]}


def _rule(rule: Alert | Recording) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return {"record": rule.record, "expr": rule.expr}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.hold,
        "labels": {"severity": rule.severity, **rule.labels},
        "annotations": {"summary": rule.summary, "runbook_url": rule.runbook},
    }


def _test(alert: Alert, story: Story) -> dict[str, Any]:
    expected = [_expected(alert, labels) for labels in story.labels]
    return {
        "name": f"{alert.name} {'fires' if story.labels else 'keeps silent'}",
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in story.series.items()],
        "alert_rule_test": [{"eval_time": story.at, "alertname": alert.name, "exp_alerts": expected}],
    }


def _expected(alert: Alert, labels: Mapping[str, str]) -> dict[str, Any]:
    summary = alert.summary
    for name, value in labels.items():
        summary = summary.replace(f"{{{{ $labels.{name} }}}}", value)
    return {
        "exp_labels": {"severity": alert.severity, **alert.labels, **labels},
        "exp_annotations": {"summary": summary, "runbook_url": alert.runbook},
    }
