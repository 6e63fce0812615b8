"""Alerts on what moves events: processes, consumers, outbox, dead letters."""

from typing import Final

from tierflow_observability.model import Alert, Group, Story

_UP: Final = 'up{job="tierflow/tierflow", instance="a:8002"}'
_SCORING: Final = 'job="tierflow", service="scoring"'
_GROUP: Final = f'{_SCORING}, group="scoring"'
_LAG: Final = f'tierflow_stream_lag_records{{{_GROUP}, topic="bank.events", partition="0"}}'
_APPLIED: Final = f'tierflow_stream_records_total{{{_GROUP}, outcome="applied"}}'
_DEPTH: Final = f"tierflow_outbox_depth{{{_SCORING}}}"
_PUBLISHED: Final = f"tierflow_outbox_published_total{{{_SCORING}}}"
_LETTERS: Final = f'tierflow_dead_letters_total{{{_SCORING}, reason="bad-data"}}'
_PARTITIONS: Final = 'tierflow_stream_partitions{job="tierflow", service="%s", group="%s"}'
_ALL_FOUR: Final = {
    _PARTITIONS % (name, name): "4x60" for name in ("events", "scoring", "contact-planner", "suitability")
}
_THREE: Final = {series: values for series, values in _ALL_FOUR.items() if "suitability" not in series}
_HERE: Final = ({"service": "scoring"},)
_GROUP_HERE: Final = ({"service": "scoring", "group": "scoring"},)


def _buckets(name: str, limit: str, *, within: int) -> dict[str, str]:
    """A histogram of scoring of which so many of 1,000 observations a minute lie within the limit."""
    shown = f'{name}_bucket{{{_GROUP}, le="%s"}}'
    above = {"5.0": "10.0", "21600.0": "86400.0"}[limit]
    return {
        shown % limit: f"0+{within}x120",
        shown % above: "0+1000x120",
        shown % "+Inf": "0+1000x120",
    }


PROCESSES: Final = Group(
    "tierflow-processes",
    (
        Alert(
            "TierflowDown",
            "critical",
            'up{job=~"(.+/)?tierflow"} == 0',
            "2m",
            "{{ $labels.instance }} does not answer /metrics",
            Story("10m", {_UP: "1 1 0x20"}, ({"job": "tierflow/tierflow", "instance": "a:8002"},)),
            Story("10m", {_UP: "1 1 0 1x20"}),
        ),
        Alert(
            "TierflowServiceAbsent",
            "critical",
            " or ".join(
                f'absent(tierflow_stream_partitions{{service="{name}"}})'
                for name in ("events", "scoring", "contact-planner", "suitability")
            ),
            "5m",
            "no process of {{ $labels.service }} is seen at all",
            Story("10m", _THREE, ({"service": "suitability"},)),
            Story("10m", _ALL_FOUR),
        ),
        Alert(
            "TierflowUnhandledErrors",
            "warning",
            "sum by (service, route) (increase(tierflow_http_unhandled_total[15m])) > 0 or sum by (service, route) "
            "(tierflow_http_unhandled_total unless tierflow_http_unhandled_total offset 15m) > 0",
            "0m",
            "{{ $labels.service }} met an error nobody foresaw at {{ $labels.route }}",
            Story(
                "30m",
                {'tierflow_http_unhandled_total{service="scoring", route="/scoring/v1/pyramid"}': "_x20 1x20"},
                ({"service": "scoring", "route": "/scoring/v1/pyramid"},),
            ),
            Story("30m", {'tierflow_http_unhandled_total{service="scoring", route="/scoring/v1/pyramid"}': "7x60"}),
        ),
    ),
)

CONSUMERS: Final = Group(
    "tierflow-consumers",
    (
        Alert(
            "TierflowConsumerStuck",
            "critical",
            "sum by (service, group) (tierflow_stream_lag_records) > 0 unless "
            "sum by (service, group) (rate(tierflow_stream_records_total[5m])) > 0",
            "5m",
            "{{ $labels.group }} has messages to read and reads none",
            Story("20m", {_LAG: "0x5 10+10x20", _APPLIED: "0+100x5 500x20"}, _GROUP_HERE),
            Story("20m", {_LAG: "500x30", _APPLIED: "0+100x30"}),
        ),
        Alert(
            "TierflowConsumerLag",
            "warning",
            "sum by (service, group) (tierflow_stream_lag_records) > 10000",
            "10m",
            "{{ $labels.group }} is more than 10,000 messages behind and does not catch up",
            Story("20m", {_LAG: "0 20000+1000x30", _APPLIED: "0+100x30"}, _GROUP_HERE),
            Story("20m", {_LAG: "0 0 0 0 0 0 0 0 0 40000 9000 0x30", _APPLIED: "0+100x60"}),
        ),
        Alert(
            "TierflowPartitionsUnowned",
            "critical",
            "sum by (service, group) (tierflow_stream_partitions) == 0",
            "5m",
            "no process of {{ $labels.group }} owns a partition: nothing is read",
            Story("15m", {_PARTITIONS % ("scoring", "scoring"): "4 0x30"}, _GROUP_HERE),
            Story("15m", {_PARTITIONS % ("scoring", "scoring"): "4 0 0 4x30"}),
        ),
        Alert(
            "TierflowMembersFenced",
            "warning",
            "sum by (service, group) (increase(tierflow_stream_fenced_total[30m])) > 5",
            "0m",
            "members of {{ $labels.group }} lose their partitions again and again",
            Story("40m", {f"tierflow_stream_fenced_total{{{_GROUP}}}": "0+1x60"}, _GROUP_HERE),
            Story("40m", {f"tierflow_stream_fenced_total{{{_GROUP}}}": "0x10 2x50"}),
        ),
        Alert(
            "TierflowSlowTransactions",
            "warning",
            "histogram_quantile(0.99, "
            "sum by (service, group, le) (rate(tierflow_stream_batch_seconds_bucket[10m]))) > 5",
            "10m",
            "one transaction in a hundred of {{ $labels.group }} takes longer than 5 s",
            Story("40m", _buckets("tierflow_stream_batch_seconds", "5.0", within=900), _GROUP_HERE),
            Story("40m", _buckets("tierflow_stream_batch_seconds", "5.0", within=995)),
        ),
        Alert(
            "TierflowEventsArriveLate",
            "info",
            "histogram_quantile(0.5, sum by (service, group, le) (rate(tierflow_stream_event_age_seconds_bucket[30m])))"
            " > 21600",
            "30m",
            "half of what {{ $labels.group }} reads happened more than 6 hours before",
            Story("90m", _buckets("tierflow_stream_event_age_seconds", "21600.0", within=300), _GROUP_HERE),
            Story("90m", _buckets("tierflow_stream_event_age_seconds", "21600.0", within=700)),
        ),
    ),
)

OUTBOX: Final = Group(
    "tierflow-outbox",
    (
        Alert(
            "TierflowOutboxStuck",
            "critical",
            "tierflow_outbox_depth > 0 unless rate(tierflow_outbox_published_total[5m]) > 0",
            "5m",
            "what {{ $labels.service }} decided does not reach the log",
            Story("20m", {_DEPTH: "0x5 10+10x20", _PUBLISHED: "0+10x5 50x20"}, ({"job": "tierflow", **_HERE[0]},)),
            Story("20m", {_DEPTH: "40x30", _PUBLISHED: "0+10x30"}),
        ),
        Alert(
            "TierflowOutboxDeep",
            "warning",
            "tierflow_outbox_depth > 50000",
            "2m",
            "half of the outbox of {{ $labels.service }} is used; at its limit new work gets 429",
            Story("20m", {_DEPTH: "0 60000x30"}, ({"job": "tierflow", **_HERE[0]},)),
            Story("20m", {_DEPTH: "0 0 0 60000 100x30"}),
        ),
    ),
)

LETTERS: Final = Group(
    "tierflow-dead-letters",
    (
        Alert(
            "TierflowDeadLetters",
            "warning",
            "sum by (service, reason) (increase(tierflow_dead_letters_total[15m])) > 0 or sum by (service, reason) "
            "(tierflow_dead_letters_total unless tierflow_dead_letters_total offset 15m) > 0",
            "0m",
            "{{ $labels.service }} set messages aside: {{ $labels.reason }}",
            Story("30m", {_LETTERS: "_x20 1x20"}, ({**_HERE[0], "reason": "bad-data"},)),
            Story("30m", {_LETTERS: "3x60"}),
        ),
        Alert(
            "TierflowDeadLetterFlood",
            "critical",
            "sum by (service) (rate(tierflow_dead_letters_total[10m])) / "
            "sum by (service) (rate(tierflow_stream_records_total[10m])) > 0.01",
            "5m",
            "{{ $labels.service }} sets more than one message in a hundred aside",
            Story("30m", {_LETTERS: "0+5x60", _APPLIED: "0+100x60"}, _HERE),
            Story("30m", {_LETTERS: "0+1x60", _APPLIED: "0+1000x60"}),
        ),
    ),
)
