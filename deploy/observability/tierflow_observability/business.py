"""Alerts on what comes in and what is decided."""

from typing import Final

from tierflow_observability.model import Alert, Group, Story

_EVENTS: Final = 'job="tierflow", service="events"'
_SENT: Final = f'tierflow_ingest_events_total{{{_EVENTS}, type="bank.transaction.posted.v1", outcome="%s"}}'
_TOKENS: Final = f'tierflow_tokens_total{{{_EVENTS}, outcome="%s"}}'
_DECIDED: Final = 'tierflow_sale_decisions_total{job="tierflow", service="suitability", pack="cn-nfra", outcome="%s"}'
_DUE: Final = 'tierflow_plan_due_contacts_total{job="tierflow", service="contact-planner", outcome="%s"}'

DOORS: Final = Group(
    "tierflow-doors",
    (
        Alert(
            "TierflowIngestRefused",
            "warning",
            'sum(rate(tierflow_ingest_events_total{outcome="refused"}[10m])) / '
            "sum(rate(tierflow_ingest_events_total[10m])) > 0.05",
            "10m",
            "more than one event in twenty that the bank sends is refused",
            Story("40m", {_SENT % "accepted": "0+90x60", _SENT % "refused": "0+10x60"}, ({},)),
            Story("40m", {_SENT % "accepted": "0+990x60", _SENT % "refused": "0+10x60"}),
        ),
        Alert(
            "TierflowIngestConflicts",
            "warning",
            'sum by (type) (increase(tierflow_ingest_events_total{outcome="conflict"}[15m])) > 0 or sum by (type) '
            '(tierflow_ingest_events_total{outcome="conflict"} unless '
            'tierflow_ingest_events_total{outcome="conflict"} offset 15m) > 0',
            "0m",
            "the bank sends {{ $labels.type }} under used ids with other content",
            Story("30m", {_SENT % "conflict": "_x20 2x20"}, ({"type": "bank.transaction.posted.v1"},)),
            Story("30m", {_SENT % "conflict": "2x60", _SENT % "duplicate": "0+5x60"}),
        ),
        Alert(
            "TierflowTokensRefused",
            "warning",
            'sum by (service) (rate(tierflow_tokens_total{outcome="refused"}[10m])) / '
            "sum by (service) (rate(tierflow_tokens_total[10m])) > 0.5",
            "10m",
            "{{ $labels.service }} refuses more than half of the new tokens",
            Story("40m", {_TOKENS % "refused": "0+60x60", _TOKENS % "verified": "0+40x60"}, ({"service": "events"},)),
            Story("40m", {_TOKENS % "refused": "0+5x60", _TOKENS % "verified": "0+95x60"}),
        ),
    ),
)

DECISIONS: Final = Group(
    "tierflow-decisions",
    (
        Alert(
            "TierflowSalesMostlyBlocked",
            "warning",
            'sum(increase(tierflow_sale_decisions_total{outcome="blocked"}[1h])) / '
            "sum(increase(tierflow_sale_decisions_total[1h])) > 0.5 and "
            "sum(increase(tierflow_sale_decisions_total[1h])) > 20",
            "15m",
            "more than half of the sales of the last hour were blocked",
            Story("2h", {_DECIDED % "approved": "0+1x150", _DECIDED % "blocked": "0+4x150"}, ({},)),
            Story("2h", {_DECIDED % "approved": "0+4x150", _DECIDED % "blocked": "0+1x150"}),
        ),
        Alert(
            "TierflowPlanCoverageLow",
            "info",
            'sum(increase(tierflow_plan_due_contacts_total{outcome="planned"}[1d])) / '
            "sum(increase(tierflow_plan_due_contacts_total[1d])) < 0.6",
            "1h",
            "fewer than six in ten due contacts got a day in the plans of the last day",
            Story("5h", {_DUE % "planned": "0x60 100x300", _DUE % "overflow": "0x60 200x300"}, ({},)),
            Story("5h", {_DUE % "planned": "0x60 200x300", _DUE % "overflow": "0x60 100x300"}),
        ),
    ),
)
