"""Service levels, and alerts on how fast their error budget burns (Google SRE Workbook, chapter 5, over 30 days)."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tierflow_observability.model import Alert, Group, Recording, Severity, Story

WINDOWS: Final = ("5m", "30m", "1h", "6h", "3d")
_A_MINUTE: Final = 100_000
_HEALTHY: Final = 0.5  # of the budget's own speed


class Objective(NamedTuple):
    """`bad` and `total` are rates over a window `{w}`; `goal` is the share of good ones promised over 30 days.

    `series` gives the counters of a story in which so many of 100,000 a minute are bad.
    """

    name: str
    alert: str
    what: str
    goal: float
    bad: str
    total: str
    series: Callable[[int], dict[str, str]]

    def record(self, window: str) -> str:
        return f"tierflow:{self.name}:bad_ratio_rate{window}"

    def story(self, speed: float) -> dict[str, str]:
        """A budget that burns so many times as fast as it may."""
        return self.series(round(speed * (1 - self.goal) * _A_MINUTE))


class Burn(NamedTuple):
    """So many times faster than the budget allows, over a long window and still over a short one.

    At `seen_at` a story at `story_speed` has lasted long enough for this alert and for no slower one.
    """

    factor: float
    long: str
    short: str
    hold: str
    severity: Severity
    story_speed: float
    seen_at: str


BURNS: Final = (
    Burn(14.4, "1h", "5m", "2m", "critical", 20, "10m"),
    Burn(6, "6h", "30m", "15m", "critical", 10, "40m"),
    Burn(1, "3d", "6h", "1h", "warning", 2, "90m"),
)


def _counter(good: str, bad: str) -> Callable[[int], dict[str, str]]:
    return lambda n: {good: f"0+{_A_MINUTE - n}x120", bad: f"0+{n}x120"}


def _answered(name: str, alert: str, what: str, method: str, route: str) -> Objective:
    labels = f'method="{method}", route="{route}"'
    shown = (
        f'tierflow_http_requests_total{{job="tierflow", service="{what.split(maxsplit=1)[0]}", {labels}, status="%s"}}'
    )
    return Objective(
        name,
        alert,
        what,
        0.999,
        f'sum(rate(tierflow_http_requests_total{{{labels}, status=~"5..|429"}}[{{w}}]))',
        f"sum(rate(tierflow_http_requests_total{{{labels}}}[{{w}}]))",
        _counter(shown % "200", shown % "503"),
    )


_SALES: Final = 'method="POST", route="/suitability/v1/sales"'
_TIMED: Final = "tierflow_http_request_seconds"
_READ: Final = 'job="tierflow", service="scoring", group="scoring"'

OBJECTIVES: Final = (
    _answered(
        "sale_decisions",
        "TierflowSaleDecisionsBudgetBurn",
        "suitability answers sale requests",
        "POST",
        "/suitability/v1/sales",
    ),
    _answered(
        "tier_reads",
        "TierflowTierReadsBudgetBurn",
        "scoring answers who asks for a customer's tier",
        "GET",
        "/scoring/v1/customers/{customer_id}",
    ),
    _answered("ingest", "TierflowIngestBudgetBurn", "events takes what the bank sends", "POST", "/events/v1/events"),
    Objective(
        "tier_freshness",
        "TierflowTierFreshnessBudgetBurn",
        "scoring has the tier that follows from an event readable within 5 s",
        0.99,
        'sum(rate(tierflow_stream_late_records_total{group="scoring"}[{w}]))',
        'sum(rate(tierflow_stream_records_total{group="scoring"}[{w}]))',
        lambda late: {
            f'tierflow_stream_records_total{{{_READ}, outcome="applied"}}': f"0+{_A_MINUTE}x120",
            f"tierflow_stream_late_records_total{{{_READ}}}": f"0+{late}x120",
        },
    ),
    Objective(
        "sale_latency",
        "TierflowSaleDecisionsSlowBudgetBurn",
        "suitability answers a sale request within 250 ms",
        0.99,
        f'sum(rate({_TIMED}_count{{{_SALES}}}[{{w}}])) - sum(rate({_TIMED}_bucket{{{_SALES}, le="0.25"}}[{{w}}]))',
        f"sum(rate({_TIMED}_count{{{_SALES}}}[{{w}}]))",
        lambda slow: {
            f"{_TIMED}_count{{{_SALES}}}": f"0+{_A_MINUTE}x120",
            f'{_TIMED}_bucket{{{_SALES}, le="0.25"}}': f"0+{_A_MINUTE - slow}x120",
        },
    ),
)


def objective_groups() -> Iterator[Group]:
    """For each objective its ratios over all windows, and three alerts."""
    for one in OBJECTIVES:
        yield Group(f"tierflow-slo-{one.name.replace('_', '-')}", (*_ratios(one), *(_alert(one, it) for it in BURNS)))


def _ratios(one: Objective) -> Iterator[Recording]:
    for window in WINDOWS:
        bad, total = (text.replace("{w}", window) for text in (one.bad, one.total))
        yield Recording(one.record(window), f"({bad}) / ({total} > 0)")


def _alert(one: Objective, burn: Burn) -> Alert:
    limit = f"{burn.factor:g} * {round(1 - one.goal, 6):g}"
    return Alert(
        name=one.alert,
        severity=burn.severity,
        expr=f"{one.record(burn.long)} > {limit} and {one.record(burn.short)} > {limit}",
        hold=burn.hold,
        summary=f"{one.what}: the error budget of 30 days burns {burn.factor:g} times too fast",
        fires=Story(burn.seen_at, one.story(burn.story_speed), ({},)),
        silent=Story(burn.seen_at, one.story(_HEALTHY)),
        labels={"objective": one.name, "window": burn.long},
    )
