"""Decides sales on what is known, and again when something new is known."""

from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_shared.contracts.outcomes import Finding as FindingData
from tierflow_shared.contracts.outcomes import SaleDecided, SaleRejected, Verdict
from tierflow_shared.ids import derived_id
from tierflow_suitability.domain.calendar import business_day
from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.customers import facts_of
from tierflow_suitability.domain.decide import Decision, decide_with
from tierflow_suitability.domain.findings import verdict_line
from tierflow_suitability.domain.packs import Selection, combined_hash
from tierflow_suitability.domain.records import AuditEntry, DecisionRecord, Trigger, decision_id
from tierflow_suitability.domain.sales import Sale, Snapshot, decided, expired, with_news
from tierflow_suitability.ports import Desk, Office


class References(Struct, frozen=True):
    """What a decision needs beside the customer; `missing` names what we have not been told."""

    product: ProductUpdated | None
    staff: RmUpdated | None
    selection: Selection | None
    missing: tuple[str, ...]


def snapshot_of(desk: Desk, office: Office, customer_id: str, at: datetime) -> Snapshot:
    """The customer as known now, for the bank's day of `at`."""
    at = at.astimezone(UTC)
    on = business_day(at, office.zone)
    return Snapshot(at, on, facts_of(desk.customer(customer_id), desk.assessments(customer_id), at, on))


def references_of(desk: Desk, office: Office, sale: Sale, moment: Snapshot) -> References:
    """Product, staff and packs of a sale at a moment. An unknown product is waited for: never a guess."""
    request = sale.request
    product = desk.product(request.product_id, moment.at)
    if product is None:
        return References(None, None, None, ("product",))
    selection = office.rulebook.select(product.category, moment.on)
    if request.staff_id is None or not selection.needs_staff:
        return References(product, None, selection, ())
    staff = desk.staff(request.staff_id, moment.at)
    return References(product, staff, selection, () if staff is not None else ("staff",))


def case_of(sale: Sale, moment: Snapshot, references: References) -> Case:
    """Everything the rules may look at."""
    assert references.product is not None, "a case needs its product"
    return Case(
        request=sale.request,
        at=moment.at,
        on=moment.on,
        customer=moment.facts,
        product=references.product,
        staff=references.staff,
        evidence=sale.documents,
        approvals=sale.approvals,
    )


def judge(desk: Desk, office: Office, sale: Sale, moment: Snapshot, trigger: Trigger, subject: str) -> Sale:
    """Decides a sale and keeps the decision, unless it says the same as the one before."""
    references = references_of(desk, office, sale, moment)
    assert references.selection is not None, "the product of a sale with a decision is known"
    case = case_of(sale, moment, references)
    decision = decide_with(case, references.selection)
    if _says_the_same(sale, decision):
        return sale
    return keep_decision(desk, sale, case, decision, trigger, subject)


def keep_decision(desk: Desk, sale: Sale, case: Case, decision: Decision, trigger: Trigger, subject: str) -> Sale:
    """Keeps a decision: the sale, the audit entry, and what the world is told."""
    number = decision_id(sale.sale_id, sale.decisions + 1)
    updated = decided(sale, decision, number, case.at)
    desk.keep_sale(updated)
    record = DecisionRecord(number, sale.sale_id, trigger, case, decision)
    desk.record(AuditEntry("sale-decided", case.at, subject, sale.sale_id, decision=record))
    desk.emit(decided_event(updated, decision, number), derived_id("ev", number), sale.traceparent)
    desk.count_decision(decision.packs[-1].pack, decision.outcome)
    if not updated.is_open:
        tell_rejected(desk, updated)
    return updated


def _says_the_same(sale: Sale, decision: Decision) -> bool:
    return sale.decision_id is not None and (sale.outcome, sale.needs, sale.verdicts) == (
        decision.outcome,
        decision.needs,
        verdict_line(decision.findings),
    )


def decided_event(sale: Sale, decision: Decision, number: str) -> SaleDecided:
    """The decision as it is published. `pack` names the regime; the hash covers all packs that took part."""
    findings = tuple(
        [_published(one.rule_id, one.article, one.verdict, one.message, one.needs) for one in decision.findings]
    )
    leading = decision.packs[-1]
    return SaleDecided(
        sale_id=sale.sale_id,
        decision_id=number,
        customer_id=sale.request.customer_id,
        product_id=sale.request.product_id,
        amount=sale.request.amount,
        outcome=decision.outcome,
        pack=leading.pack,
        pack_version=leading.version,
        pack_hash=combined_hash(decision.packs),
        decided_on=decision.on,
        findings=findings,
    )


@lru_cache(maxsize=4096)
def _published(rule_id: str, article: str, verdict: Verdict, message: str, needs: tuple[str, ...]) -> FindingData:
    """A finding as events carry it, without its inputs. The same few hundred come again and again."""
    return FindingData(rule_id=rule_id, article=article, verdict=verdict, message=message, needs=needs)


def tell_rejected(desk: Desk, sale: Sale) -> None:
    """Publishes that a sale will not happen."""
    assert sale.closed_reason is not None, "only a closed sale is rejected"
    assert sale.closed_at is not None, "only a closed sale is rejected"
    data = SaleRejected(
        sale_id=sale.sale_id,
        decision_id=sale.decision_id,
        customer_id=sale.request.customer_id,
        product_id=sale.request.product_id,
        reason=sale.closed_reason,
        rejected_at=sale.closed_at,
    )
    desk.emit(data, derived_id("ev", sale.sale_id, "rejected"), sale.traceparent)
    desk.count_closed(sale.state)


def expire(desk: Desk, sale: Sale, at: datetime) -> Sale:
    """Ends a sale whose time ran out."""
    updated = expired(sale, at)
    desk.keep_sale(updated)
    desk.record(AuditEntry("sale-expired", at, "calendar", sale.sale_id))
    tell_rejected(desk, updated)
    return updated


def reconsider(desk: Desk, office: Office, customer_id: str, at: datetime, subject: str) -> None:
    """Something new is known of a customer: judge again what waits for it.

    A sale that still waits for its product remembers the news instead, so that it is judged in the same order later.
    """
    for sale in desk.open_sales(customer_id):
        earliest = sale.decided_at or (sale.pending[-1].at if sale.pending else sale.request.requested_at)
        moment = snapshot_of(desk, office, customer_id, max(at, earliest))
        if sale.state == "requested":
            desk.keep_sale(with_news(sale, moment))
        elif sale.wants_facts:
            judge(desk, office, sale, moment, "facts", subject)


def settle(desk: Desk, office: Office, sale: Sale, subject: str) -> Sale:
    """Decides a sale that has waited for its product or staff, as it would have been decided in time."""
    first, *later = sale.pending
    references = references_of(desk, office, sale, first)
    if references.missing or references.selection is None:
        waiting = replace(sale, waiting_for=references.missing)
        desk.keep_sale(waiting)
        return waiting
    case = case_of(sale, first, references)
    decision = decide_with(case, references.selection)
    current = keep_decision(desk, sale, case, decision, "reference", subject)
    for moment in later:
        if current.wants_facts:
            current = judge(desk, office, current, moment, "facts", subject)
    if current.is_open and sale.overdue_at is not None:
        current = expire(desk, current, sale.overdue_at)
    return current
