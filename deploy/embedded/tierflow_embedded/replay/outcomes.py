"""What a bank looks like after a replay: tiers, moves, one manager's plan, sales by outcome with reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from tierflow_embedded.report.load import SCHEMES, load_moves, load_pyramid
from tierflow_embedded.report.model import MonthMoves, Pyramid
from tierflow_shared.web.client import ApiClient

_WEEK: Final = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class ManagerPlan:
    """One manager's week."""

    rm_id: str
    first: str
    last: str
    contacts: int
    overflow: int
    per_day: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The bank after the replay."""

    pyramids: Sequence[Pyramid]
    moves: Mapping[str, Sequence[MonthMoves]]
    plan: ManagerPlan | None
    sales: Mapping[str, int]
    sale_reasons: Mapping[str, Mapping[str, int]]

    def summary(self) -> dict[str, Any]:
        """The part of `--json` that says what came of it."""
        plan = self.plan
        return {
            "tiers": {
                pyramid.scheme: {tier.tier: tier.customers for tier in pyramid.tiers} for pyramid in self.pyramids
            },
            "moves": {
                scheme: {month.month: {"up": month.up, "down": month.down} for month in months}
                for scheme, months in self.moves.items()
            },
            "plan": None
            if plan is None
            else {"rm": plan.rm_id, "from": plan.first, "to": plan.last, "contacts": plan.contacts},
            "sales": dict(self.sales),
            "sale_reasons": {rule: dict(verdicts) for rule, verdicts in self.sale_reasons.items()},
        }


def read_outcomes(client: ApiClient, last_booking: date | None) -> Outcomes:
    """Asks every service for what it made of the events."""
    decisions = client.get("/suitability/v1/decisions-digest")
    return Outcomes(
        pyramids=[load_pyramid(client, scheme) for scheme in SCHEMES],
        moves={scheme: load_moves(client, scheme) for scheme in SCHEMES},
        plan=_plan(client, last_booking) if last_booking else None,
        sales=decisions["by_outcome"],
        sale_reasons=_objections(decisions["by_rule"]),
    )


def _objections(by_rule: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The verdicts that are no pass, rules without any left out."""
    found = {
        rule: {verdict: count for verdict, count in verdicts.items() if verdict != "pass" and count}
        for rule, verdicts in by_rule.items()
    }
    return {rule: verdicts for rule, verdicts in found.items() if verdicts}


def _plan(client: ApiClient, last_booking: date) -> ManagerPlan | None:
    """The week after the last booking, of the manager with the most customers."""
    managers = list(client.pages("/contact-planner/v1/rms", as_of=last_booking.isoformat()))
    if not managers:
        return None
    rm_id = max(managers, key=lambda one: (one["customers"], one["rm_id"]))["rm_id"]
    first = last_booking + timedelta(days=1)
    period = {"from": first.isoformat(), "to": (first + _WEEK).isoformat()}
    plan = client.get(f"/contact-planner/v1/rms/{rm_id}/plan", **period)
    return ManagerPlan(
        rm_id,
        period["from"],
        period["to"],
        int(plan["contacts"]),
        int(plan["overflow_total"]),
        {day["day"]: len(day["contacts"]) for day in plan["days"]},
    )
