"""Asks a running server for everything a report shows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from tierflow_embedded.report.model import (
    Check,
    Load,
    MonthMoves,
    Mover,
    PlannedContact,
    Pyramid,
    Report,
    SaleCase,
    SaleReason,
    TierCount,
    Words,
)
from tierflow_embedded.report.words import grouped, reason_words
from tierflow_shared.web.client import ApiClient

SCHEMES: Final = ("private-bank", "abcd")
MAX_MANAGERS: Final = 60
MAX_MOVERS: Final = 10
_MOVERS_LOOKED_AT: Final = 200
_CANDIDATES: Final = 8
_EXAMPLE_STATES: Final = ("confirmed", "approved", "needs-evidence", "rejected")


def load_report(
    client: ApiClient,
    *,
    title: str,
    rm_id: str | None = None,
    as_of: date | None = None,
    checks: Sequence[Check] = (),
    digests: Mapping[str, str] | None = None,
) -> Report:
    """The whole report.

    Raises:
        ApiError, UnreachableError: the server refuses or does not answer.
    """
    managers = list(client.pages("/contact-planner/v1/rms"))
    day = as_of or date.fromisoformat(client.get("/contact-planner/v1/rms", limit=1)["as_of"])
    plans = _plans(client, managers, day, rm_id)
    shown = max(plans, key=lambda plan: (plan["rm_id"] == rm_id, plan["contacts"]), default=None)
    cases, articles = _sale_cases(client)
    decisions = client.get("/suitability/v1/decisions-digest")
    return Report(
        title=title,
        business_date=day.isoformat(),
        pyramids=[load_pyramid(client, scheme) for scheme in SCHEMES],
        moves=load_moves(client, SCHEMES[0]),
        movers=load_movers(client, SCHEMES[0]),
        plan_rm=shown["rm_id"] if shown else "",
        plan=_contacts(shown) if shown else [],
        loads=[_load(plan, managers) for plan in plans],
        sales={state: count for state, count in decisions["by_state"].items() if count},
        sale_reasons=_sale_reasons(decisions["by_rule"], articles),
        examples=cases,
        checks=checks,
        digests=digests or {},
    )


def both(title: Any) -> Words:
    """A title as the services give it."""
    return Words(title["en"], title["zh"])


def load_pyramid(client: ApiClient, scheme: str) -> Pyramid:
    """How many customers stand on each tier of a scheme, lowest first."""
    told = client.get("/scoring/v1/pyramid", scheme=scheme)
    tiers = [TierCount(row["tier"], both(row["title"]), int(row["customers"])) for row in told["tiers"]]
    return Pyramid(scheme, both(told["title"]), told["policy_version"], tiers)


def load_moves(client: ApiClient, scheme: str) -> list[MonthMoves]:
    """Ups and downs by month, without first assignments."""
    by_month: dict[str, list[Any]] = defaultdict(list)
    for row in client.get("/scoring/v1/moves", scheme=scheme, by="month")["items"]:
        if row["direction"] in ("up", "down"):
            by_month[row["period"]].append(row)
    return [_month(month, by_month[month]) for month in _months(sorted(by_month))]


def _months(known: Sequence[str]) -> Iterator[str]:
    """Every month from the first to the last, those without a move too."""
    if not known:
        return
    year, month = (int(part) for part in known[0].split("-"))
    while (name := f"{year:04d}-{month:02d}") <= known[-1]:
        yield name
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _month(month: str, rows: Iterable[Any]) -> MonthMoves:
    totals = {"up": 0, "down": 0}
    transitions: dict[str, int] = {}
    for row in rows:
        totals[row["direction"]] += int(row["customers"])
        transitions[f"{row['previous_tier']} → {row['tier']}"] = int(row["customers"])
    return MonthMoves(month, totals["up"], totals["down"], transitions)


def load_movers(client: ApiClient, scheme: str) -> list[Mover]:
    """The largest moves with the reasons of the decision: first one of each kind, then the next of each."""
    rows = client.get("/scoring/v1/movers", scheme=scheme, limit=_MOVERS_LOOKED_AT)["items"]
    seen: Counter[tuple[str, str]] = Counter()
    turns = []
    for size, row in enumerate(rows):
        kind = (row["previous_tier"], row["tier"])
        turns.append((seen[kind], size, row))
        seen[kind] += 1
    return [_mover(row) for _, _, row in sorted(turns, key=lambda turn: turn[:2])[:MAX_MOVERS]]


def _mover(row: Any) -> Mover:
    reasons = [reason_words(reason) for reason in row["reasons"]]
    return Mover(row["customer_id"], row["previous_tier"], row["tier"], row["effective_on"], reasons)


def _plans(client: ApiClient, managers: Sequence[Any], day: date, rm_id: str | None) -> list[Any]:
    """The week that follows, for the managers with the largest books."""
    busiest = sorted(managers, key=lambda one: (one["rm_id"] != rm_id, -one["customers"], one["rm_id"]))
    period = {"from": (day + timedelta(days=1)).isoformat(), "to": (day + timedelta(days=7)).isoformat()}
    return [
        client.get(f"/contact-planner/v1/rms/{one['rm_id']}/plan", **period)
        for one in busiest[:MAX_MANAGERS]
        if one["active"] and one["customers"]
    ]


def _load(plan: Any, managers: Sequence[Any]) -> Load:
    manager = next(one for one in managers if one["rm_id"] == plan["rm_id"])
    capacity = min(int(manager["weekly_list"]), int(manager["daily_reached"]) * len(plan["days"]))
    return Load(plan["rm_id"], int(plan["contacts"]), capacity)


def _contacts(plan: Any) -> list[PlannedContact]:
    return [
        PlannedContact(
            day["day"],
            contact["customer_id"],
            contact["channel"],
            bool(contact["familiar"]),
            [f"{reason['label']['en']} {reason['label']['zh']}" for reason in contact["reasons"]],
        )
        for day in plan["days"]
        for contact in day["contacts"]
    ]


def _sale_cases(client: ApiClient) -> tuple[list[SaleCase], dict[str, str]]:
    """For each state worth showing the sale that most rules looked at; and the articles of the rules on the way."""
    cases: list[SaleCase] = []
    articles: dict[str, str] = {}
    for state in _EXAMPLE_STATES:
        heads = client.get("/suitability/v1/sales", state=state, limit=_CANDIDATES)["items"]
        sales = [client.get(f"/suitability/v1/sales/{head['sale_id']}") for head in heads]
        for sale in sales:
            articles.update({finding["rule_id"]: finding["article"] for finding in _findings(sale)})
        if sales:
            cases.append(_case(max(sales, key=lambda sale: len(_findings(sale)))))
    return cases, articles


def _findings(sale: Any) -> Sequence[Any]:
    found: Sequence[Any] = sale["decision"]["findings"] if sale["decision"] else []
    return found


def _case(sale: Any) -> SaleCase:
    findings = _findings(sale)
    told = [
        f"{finding['verdict']}: {finding['message']} ({finding['rule_id']}, article {finding['article']})"
        for finding in findings
        if finding["verdict"] != "pass"
    ]
    passed = sum(finding["verdict"] == "pass" for finding in findings)
    amount = f"{grouped(sale['amount']['value'])} {sale['amount']['currency']}"
    return SaleCase(
        sale["sale_id"],
        sale["closed_reason"] or sale["state"],
        sale["product_id"],
        amount,
        [*told, f"{passed} rules have no objection"],
    )


def _sale_reasons(by_rule: Mapping[str, Mapping[str, int]], articles: Mapping[str, str]) -> list[SaleReason]:
    found = [
        SaleReason(rule, articles.get(rule, ""), verdict, int(count))
        for rule, verdicts in by_rule.items()
        for verdict, count in verdicts.items()
        if verdict != "pass" and count
    ]
    return sorted(found, key=lambda reason: (-reason.sales, reason.rule_id))
