"""Dashboards as code, by Grafana's own builders: one for operations, one for the business."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any, Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

_SOURCE: Final = DataSourceRef("prometheus", "${source}")
_WIDTH, _HEIGHT = 8, 8  # of 24 columns; rows of 30 px
_BOTH, _GROUP, _TYPE = "{{service}} {{%s}}", "{{group}} {{%s}}", "{{type}} {{outcome}}"
_RATE: Final = "[$__rate_interval]"


class Chart(NamedTuple):
    """A panel: its lines as (expression, legend), and the unit in Grafana's words. `is_number`: shown as one figure."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    is_number: bool = False


class Row(NamedTuple):
    """A titled row of panels."""

    title: str
    charts: tuple[Chart, ...]


def _rate(metric: str, by: str, matching: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{matching}}}{_RATE}))"


def _quantile(share: float, metric: str, by: str, matching: str = "") -> str:
    return f"histogram_quantile({share:g}, sum by ({by}, le) (rate({metric}_bucket{{{matching}}}{_RATE})))"


def _share(metric: str, matching: str, window: str) -> str:
    return f"sum(increase({metric}{{{matching}}}[{window}])) / sum(increase({metric}[{window}]))"


def _left(objective: str, budget: float) -> Chart:
    """What is left of a budget at the speed of the last three days."""
    return Chart(
        objective.replace("_", " "),
        "percentunit",
        ((f"1 - tierflow:{objective}:bad_ratio_rate3d / {budget:g}", ""),),
        is_number=True,
    )


OPERATIONS: Final = (
    Row(
        "Service levels: error budget left, at the speed of the last three days",
        (
            _left("sale_decisions", 0.001),
            _left("tier_reads", 0.001),
            _left("ingest", 0.001),
            _left("tier_freshness", 0.01),
            _left("sale_latency", 0.01),
            Chart("processes that answer", "short", (('sum(up{job=~"(.+/)?tierflow"})', ""),), is_number=True),
        ),
    ),
    Row(
        "Requests",
        (
            Chart("requests", "reqps", ((_rate("tierflow_http_requests_total", "service, route"), "{{route}}"),)),
            Chart(
                "answers that are no success",
                "reqps",
                (
                    (
                        _rate("tierflow_http_requests_total", "service, status", 'status!~"2.."'),
                        "{{service}} {{status}}",
                    ),
                ),
            ),
            Chart(
                "time to the answer, 99 of 100",
                "s",
                ((_quantile(0.99, "tierflow_http_request_seconds", "route"), "{{route}}"),),
            ),
            Chart(
                "errors nobody foresaw", "short", ((_rate("tierflow_http_unhandled_total", "service"), "{{service}}"),)
            ),
            Chart(
                "new tokens",
                "short",
                ((_rate("tierflow_tokens_total", "service, outcome"), "{{service}} {{outcome}}"),),
            ),
        ),
    ),
    Row(
        "Streams",
        (
            Chart("lag", "short", (("sum by (group) (tierflow_stream_lag_records)", "{{group}}"),)),
            Chart(
                "from the log to the effect, 99 of 100 transactions",
                "s",
                ((_quantile(0.99, "tierflow_stream_wait_seconds", "group"), "{{group}}"),),
            ),
            Chart(
                "from the event to the effect, half",
                "s",
                ((_quantile(0.5, "tierflow_stream_event_age_seconds", "group"), "{{group}}"),),
            ),
            Chart(
                "records",
                "short",
                ((_rate("tierflow_stream_records_total", "group, outcome"), _GROUP % "outcome"),),
            ),
            Chart("late records", "short", ((_rate("tierflow_stream_late_records_total", "group"), "{{group}}"),)),
            Chart(
                "transaction, 99 of 100",
                "s",
                ((_quantile(0.99, "tierflow_stream_batch_seconds", "group"), "{{group}}"),),
            ),
            Chart(
                "records in a transaction, half",
                "short",
                ((_quantile(0.5, "tierflow_stream_batch_records", "group"), "{{group}}"),),
            ),
            Chart("partitions owned", "short", (("sum by (group) (tierflow_stream_partitions)", "{{group}}"),)),
            Chart("leases lost", "short", ((_rate("tierflow_stream_fenced_total", "group"), "{{group}}"),)),
        ),
    ),
    Row(
        "Outbox and dead letters",
        (
            Chart("outbox", "short", (("sum by (service) (tierflow_outbox_depth)", "{{service}}"),)),
            Chart(
                "published, and not taken by the log",
                "short",
                (
                    (_rate("tierflow_outbox_published_total", "service"), "{{service}}"),
                    (_rate("tierflow_outbox_retries_total", "service"), "{{service}} again"),
                ),
            ),
            Chart(
                "dead letters",
                "short",
                (("sum by (service, reason) (increase(tierflow_dead_letters_total[1h]))", "{{service}} {{reason}}"),),
            ),
        ),
    ),
)

BUSINESS: Final = (
    Row(
        "What the bank sends",
        (
            Chart("events", "short", ((_rate("tierflow_ingest_events_total", "type"), "{{type}}"),)),
            Chart(
                "not accepted",
                "short",
                (
                    (
                        _rate("tierflow_ingest_events_total", "type, outcome", 'outcome!="accepted"'),
                        "{{type}} {{outcome}}",
                    ),
                ),
            ),
            Chart(
                "events in a request, half", "short", ((_quantile(0.5, "tierflow_ingest_batch_events", "service"), ""),)
            ),
        ),
    ),
    Row(
        "Tiers",
        (
            Chart(
                "tier changes in an hour",
                "short",
                (
                    (
                        "sum by (scheme, direction) (increase(tierflow_tier_changes_total[1h]))",
                        "{{scheme}} {{direction}}",
                    ),
                ),
            ),
            Chart(
                "pending downgrades in an hour",
                "short",
                (("sum by (scheme, state) (increase(tierflow_tier_pending_total[1h]))", "{{scheme}} {{state}}"),),
            ),
        ),
    ),
    Row(
        "Sales",
        (
            Chart(
                "decisions in an hour",
                "short",
                (("sum by (pack, outcome) (increase(tierflow_sale_decisions_total[1h]))", "{{pack}} {{outcome}}"),),
            ),
            Chart(
                "approved at once, share of a day",
                "percentunit",
                ((_share("tierflow_sale_decisions_total", 'outcome="approved"', "1d"), ""),),
                is_number=True,
            ),
            Chart(
                "sales confirmed and rejected in an hour",
                "short",
                (("sum by (state) (increase(tierflow_sales_closed_total[1h]))", "{{state}}"),),
            ),
        ),
    ),
    Row(
        "Contacts",
        (
            Chart(
                "coverage of the last day's plans",
                "percentunit",
                ((_share("tierflow_plan_due_contacts_total", 'outcome="planned"', "1d"), ""),),
                is_number=True,
            ),
            Chart(
                "planned in a day",
                "short",
                (("sum by (purpose) (increase(tierflow_contacts_planned_total[1d]))", "{{purpose}}"),),
            ),
            Chart(
                "what came of contacts in a day",
                "short",
                (("sum by (outcome) (increase(tierflow_contacts_recorded_total[1d]))", "{{outcome}}"),),
            ),
        ),
    ),
)
_BOARDS: Final = {
    "operations": ("Tierflow operations", "now-6h", OPERATIONS),
    "business": ("Tierflow business", "now-7d", BUSINESS),
}


def expressions() -> Iterator[str]:
    """Every expression of a panel, with Grafana's interval as a plain one."""
    for _, _, rows in _BOARDS.values():
        for row in rows:
            for chart in row.charts:
                yield from (expr.replace("$__rate_interval", "5m") for expr, _ in chart.lines)


def dashboards() -> dict[str, Any]:
    """The dashboards as Grafana imports them, by name."""
    return {name: _dashboard(name, *made) for name, made in _BOARDS.items()}


def _dashboard(name: str, title: str, begin: str, rows: tuple[Row, ...]) -> Any:
    built = board.Dashboard(title).uid(f"tierflow-{name}").tags(["tierflow"]).time(begin, "now").refresh("30s")
    built = built.timezone("browser").readonly()
    built = built.with_variable(board.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    numbers = count(1)
    for row in rows:
        built = built.with_row(board.Row(row.title).id(next(numbers)))
        for chart in row.charts:
            built = built.with_panel(_panel(chart).id(next(numbers)))
    return json.loads(JSONEncoder(sort_keys=True).encode(built.build()))


def _panel(chart: Chart) -> stat.Panel | timeseries.Panel:
    panel = stat.Panel() if chart.is_number else timeseries.Panel()
    panel = panel.title(chart.title).unit(chart.unit).datasource(_SOURCE).height(_HEIGHT)
    panel = panel.span(_WIDTH // 2 if chart.is_number else _WIDTH)
    for expr, legend in chart.lines:
        panel = panel.with_target(prometheus.Dataquery().expr(expr).legend_format(legend).datasource(_SOURCE))
    return panel
