"""What people do with a sale after its request: documents, approvals, confirmation, withdrawal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tierflow_shared.contracts.bank import Evidence
from tierflow_shared.contracts.outcomes import SaleConfirmed
from tierflow_shared.ids import derived_id
from tierflow_suitability.domain.calendar import business_day
from tierflow_suitability.domain.decide import decide_with
from tierflow_suitability.domain.records import AuditEntry, DecisionRecord
from tierflow_suitability.domain.sales import (
    Sale,
    SaleError,
    confirmed,
    declined,
    is_overdue,
    require_confirmable,
    with_approval,
    with_evidence,
    with_news,
    withdrawn,
)
from tierflow_suitability.handlers.deciding import (
    case_of,
    expire,
    judge,
    keep_decision,
    references_of,
    snapshot_of,
    tell_rejected,
)
from tierflow_suitability.ports import Desk, Office


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a token's subject, and the customer the token stands for, if any."""

    subject: str
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a step led to. With an `error` the step was refused; what had to change anyway is kept."""

    sale: Sale | None
    error: SaleError | None = None


Action = Callable[[Sale, datetime], Sale]


def take_step(desk: Desk, office: Office, sale_id: str, actor: Actor, action: Action) -> Step:
    """Finds the sale, lets it expire if its time has run out, and acts on it."""
    sale = desk.sale(sale_id)
    if sale is None or actor.customer_id not in (None, sale.request.customer_id):
        return Step(None, SaleError("not-found", "no such sale"))
    at = _not_before(desk.now, sale)
    if is_overdue(sale, business_day(at, office.zone)):
        return Step(expire(desk, sale, at), SaleError("sale-expired", "the sale's time has run out"))
    try:
        return Step(action(sale, at))
    except SaleError as error:
        return Step(desk.sale(sale_id), error)


def _not_before(now: datetime, sale: Sale) -> datetime:
    """A sale's steps come one after the other, even if a request was dated ahead of our clock."""
    return max(now.astimezone(UTC), (sale.decided_at or sale.request.requested_at).astimezone(UTC))


def submit_evidence(desk: Desk, office: Office, document: Evidence, actor: Actor) -> Action:
    """Adds a document and judges the sale again."""

    def action(sale: Sale, at: datetime) -> Sale:
        documented = with_evidence(sale, document, actor.subject, at)
        if documented is sale:
            return sale
        desk.keep_sale(documented)
        details = {"kind": document.kind, "reference": document.reference}
        desk.record(AuditEntry("sale-documented", at, actor.subject, sale.sale_id, details=details))
        moment = snapshot_of(desk, office, sale.request.customer_id, at)
        if documented.state == "requested":
            waiting = with_news(documented, moment, documents_changed=True)
            desk.keep_sale(waiting)
            return waiting
        return judge(desk, office, documented, moment, "evidence", actor.subject)

    return action


def approve(desk: Desk, office: Office, decision_id: str, reason: str, actor: Actor) -> Action:
    """A second person approves what the decision refers to a person; the sale is judged again."""

    def action(sale: Sale, at: datetime) -> Sale:
        if any(one.subject == actor.subject and one.decision_id == decision_id for one in sale.approvals):
            return sale
        approved = with_approval(sale, decision_id, actor.subject, reason, at)
        desk.keep_sale(approved)
        details = {"decision_id": decision_id, "reason": reason}
        desk.record(AuditEntry("sale-approved", at, actor.subject, sale.sale_id, details=details))
        moment = snapshot_of(desk, office, sale.request.customer_id, at)
        return judge(desk, office, approved, moment, "approval", actor.subject)

    return action


def decline(desk: Desk, decision_id: str, reason: str, actor: Actor) -> Action:
    """A second person says no."""

    def action(sale: Sale, at: datetime) -> Sale:
        if sale.closed_reason == "declined" and sale.closed_by == actor.subject:
            return sale
        ended = declined(sale, decision_id, actor.subject, at)
        details = {"decision_id": decision_id, "reason": reason}
        return _end(desk, ended, AuditEntry("sale-declined", at, actor.subject, sale.sale_id, details=details))

    return action


def withdraw(desk: Desk, actor: Actor) -> Action:
    """The sale is taken back."""

    def action(sale: Sale, at: datetime) -> Sale:
        if sale.closed_reason == "withdrawn":
            return sale
        ended = withdrawn(sale, actor.subject, at)
        return _end(desk, ended, AuditEntry("sale-withdrawn", at, actor.subject, sale.sale_id))

    return action


def _end(desk: Desk, sale: Sale, entry: AuditEntry) -> Sale:
    desk.keep_sale(sale)
    desk.record(entry)
    tell_rejected(desk, sale)
    return sale


def confirm(desk: Desk, office: Office, decision_id: str, actor: Actor) -> Action:
    """Confirms a sale if its decision is approved and the rules still say so on this day.

    If they do not, the new decision is kept and the confirmation refused.
    """

    def action(sale: Sale, at: datetime) -> Sale:
        if sale.state == "confirmed" and sale.decision_id == decision_id:
            return sale
        require_confirmable(sale, decision_id)
        moment = snapshot_of(desk, office, sale.request.customer_id, at)
        references = references_of(desk, office, sale, moment)
        if references.missing or references.selection is None:
            raise SaleError("not-approved", f"not known any more: {' '.join(references.missing)}")
        case = case_of(sale, moment, references)
        recheck = decide_with(case, references.selection)
        if recheck.outcome != "approved":
            keep_decision(desk, sale, case, recheck, "confirmation", actor.subject)
            raise SaleError("decision-changed", f"on this day the sale is {recheck.outcome}")
        done = confirmed(sale, decision_id, recheck, actor.subject, at)
        recheck_id = derived_id("decision", sale.sale_id, "confirmation")
        record = DecisionRecord(recheck_id, sale.sale_id, "confirmation", case, recheck)
        _tell_confirmed(desk, done, AuditEntry("sale-confirmed", at, actor.subject, sale.sale_id, decision=record))
        return done

    return action


def _tell_confirmed(desk: Desk, sale: Sale, entry: AuditEntry) -> None:
    assert sale.decision_id is not None, "a confirmed sale has a decision"
    desk.keep_sale(sale)
    desk.record(entry)
    data = SaleConfirmed(
        sale_id=sale.sale_id,
        decision_id=sale.decision_id,
        customer_id=sale.request.customer_id,
        product_id=sale.request.product_id,
        amount=sale.request.amount,
        confirmed_at=entry.at,
        confirmed_by=entry.subject,
    )
    desk.emit(data, derived_id("ev", sale.sale_id, "confirmed"), sale.traceparent)
    desk.count_closed(sale.state)
