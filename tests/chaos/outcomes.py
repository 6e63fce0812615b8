"""What Tierflow said and decided: tiers, sales, their order and their completeness."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from tests.chaos import tiers
from tests.chaos.expected import Bucket, BucketKey, Expected
from tests.chaos.reading import Entry, Source

if TYPE_CHECKING:
    from tests.chaos.checker import Findings, Log

_SCHEME: Final = "private-bank"


@dataclass(slots=True)
class Told:
    """Tierflow's own events in the order of the log, the copies of a message set aside."""

    tiers: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[str, str] = field(default_factory=dict)  # decision: sale
    confirmed: dict[str, str] = field(default_factory=dict)  # sale: decision
    rejected: set[str] = field(default_factory=set)
    decided_sales: set[str] = field(default_factory=set)


def read(source: Source, log: "Log", findings: "Findings") -> Told:
    """Reads Tierflow's topics; the same id must say the same."""
    told, said = Told(), dict[str, bytes]()
    for topic in ("tierflow.tiers", "tierflow.sales", "tierflow.dead-letters"):
        for entry in source.log(topic):
            log.records[entry.type] += 1
            before = said.setdefault(entry.id, entry.value)
            if before is not entry.value:
                if before != entry.value:
                    findings.add("wrong_state", f"{entry.type} {entry.id} says two things")
                continue
            log.distinct[entry.type] += 1
            _hear(told, entry, findings)
    return told


def _hear(told: Told, entry: Entry, findings: "Findings") -> None:
    data = json.loads(entry.value)
    match entry.type:
        case "tierflow.tier.changed.v1":
            told.tiers[data["customer_id"], data["scheme"]].append(data)
        case "tierflow.sale.decided.v1":
            told.decided[data["decision_id"]] = data["sale_id"]
            told.decided_sales.add(data["sale_id"])
        case "tierflow.sale.confirmed.v1":
            if data["sale_id"] not in told.decided_sales:
                findings.add("wrong_state", f"the log confirms {data['sale_id']} before its decision")
            if data["sale_id"] in told.confirmed:
                findings.add("doubled", f"{data['sale_id']} is confirmed twice on the log")
            told.confirmed[data["sale_id"]] = data["decision_id"]
        case "tierflow.sale.rejected.v1":
            if data["sale_id"] in told.rejected:
                findings.add("doubled", f"{data['sale_id']} is rejected twice on the log")
            told.rejected.add(data["sale_id"])


def check_tiers(source: Source, told: Told, findings: "Findings") -> None:
    """Each change begins where the one before ended, and the last one is what scoring believes it has told."""
    rows = source.rows("scoring", "SELECT customer_id, scheme, tier, provisional FROM tier_published")
    believed = {(customer, scheme): (tier, bool(provisional)) for customer, scheme, tier, provisional in rows}
    findings.compared["published tiers"] += len(believed)
    for key, changes in told.tiers.items():
        before = None
        for change in changes:
            if change.get("previous_tier") != before:
                found = f"{key}: a change from {change.get('previous_tier')} follows {before}"
                findings.add("doubled" if change["tier"] == before else "lost", found)
            before = change["tier"]
        findings.differ("lost", f"{key}: last told", (before, changes[-1]["provisional"]), believed.pop(key, None))
    for key in believed:
        findings.add("lost", f"{key}: scoring believes it told a tier, the log has none")


def check_sales(source: Source, truth: Expected, told: Told, findings: "Findings") -> None:
    """One sale for each request, one first decision, nothing confirmed before it, and the log says all of it."""
    rows = source.rows("suitability", "SELECT sale_id, state FROM sale")
    state = dict(rows)
    wanted = truth.bus_sales | truth.http_sales.keys()
    findings.compared["sales"] += len(wanted)
    for sale in wanted - state.keys():
        findings.add("lost", f"{sale} was acknowledged and is not there")
    for sale in truth.confirmed.keys() - {sale for sale, now in rows if now == "confirmed"}:
        findings.add("lost", f"{sale} was confirmed and is {state.get(sale)}")
    audited = _audit(source, findings)
    for decision in audited.decisions.keys() - told.decided.keys():
        findings.add("lost", f"the decision {decision} of {audited.decisions[decision]} was never published")
    for decision in told.decided.keys() - audited.decisions.keys():
        findings.add("wrong_state", f"the log has a decision {decision} that the audit does not know")
    findings.differ("lost", "sales confirmed on the log and in the audit", set(told.confirmed), audited.confirmed)
    for sale, decision in truth.http_sales.items():
        if decision and decision not in audited.decisions:
            findings.add("lost", f"{sale} was answered with the decision {decision}, the audit has none")
    confirmed = {sale for sale, now in rows if now == "confirmed"}
    findings.differ("wrong_state", "sales confirmed in the table and in the audit", confirmed, audited.confirmed)


@dataclass(slots=True)
class Audited:
    """What the audit log of sales says."""

    decisions: dict[str, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)


def _audit(source: Source, findings: "Findings") -> Audited:
    """Walks the chain: whole, one first decision a sale, an approved decision before each confirmation."""
    query = "SELECT seq, kind, sale_id, decision_id, prev_hash, hash, content FROM audit ORDER BY seq"
    audited, asked, head = Audited(), set[str](), "0" * 64
    approved: dict[str, bool] = {}
    for place, (seq, kind, sale, decision, before, own, content) in enumerate(source.rows("suitability", query), 1):
        made = hashlib.sha256(f"{head}:{seq}:".encode() + bytes(content)).hexdigest()
        if (seq, before, own) != (place, head, made):
            findings.add("wrong_state", f"the audit chain breaks at {seq}")
        head = own
        if kind == "sale-decided":
            record = json.loads(bytes(content))["decision"]
            if record["trigger"] == "request":
                if sale in asked:
                    findings.add("doubled", f"{sale} has two first decisions")
                asked.add(sale)
            audited.decisions[decision] = sale
            approved[sale] = record["decision"]["outcome"] == "approved"
        elif kind == "sale-confirmed":
            if not approved.get(sale):
                findings.add("wrong_state", f"{sale} is confirmed without an approved decision before it")
            if sale in audited.confirmed:
                findings.add("doubled", f"{sale} is confirmed twice")
            audited.confirmed.add(sale)
        findings.compared["audit entries"] += 1
    return audited


def check_paths(
    truth: Expected, get: Callable[[str], Any], sample: Iterable[str], end: str, findings: "Findings"
) -> None:
    """End-of-day assets and the whole tier path of a sample, against a slow computation from the journal."""
    of_customer: dict[str, dict[BucketKey, Bucket]] = defaultdict(dict)
    for key, bucket in truth.buckets.items():
        of_customer[key[1]][key] = bucket
    last = date.fromisoformat(end)
    for name in sample:
        life = tiers.Life(truth.customers[name], of_customer[name])
        wanted = tiers.path(life, last)
        shown = get(f"/scoring/v1/customers/{name}/tiers?scheme={_SCHEME}")["items"]
        found = _merged([_point(item) for item in shown], end)
        findings.compared["tier paths"] += 1
        if found != wanted:
            at = next((n for n, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), -1)
            differing = f"{found[at] if found else None} instead of {wanted[at]}, at {at} of {len(wanted)}"
            findings.add("wrong_state", f"{name}: tier path: {differing}")
        money = get(f"/scoring/v1/customers/{name}")["features"]["aum_end_of_day"]
        findings.differ("wrong_state", f"{name}: assets", _cents(money), life.assets(last))


def _point(item: dict[str, Any]) -> tiers.Point:
    pending = item.get("pending")
    return tiers.Point(item["valid_from"], item["tier"], item["provisional"], pending["tier"] if pending else None)


def _merged(points: Iterable[tiers.Point], end: str) -> list[tiers.Point]:
    merged: list[tiers.Point] = []
    for point in sorted(points):
        if point.day <= end and (not merged or merged[-1][1:] != point[1:]):
            merged.append(point)
    return merged


def _cents(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    return sign * (int(whole) * 100 + int(fraction.ljust(2, "0") or "0"))
