"""The life of a sale: requested, decided, documented, and then confirmed, rejected or expired.

Nothing here confirms without an approved decision for exactly this sale, judged again on the day of confirmation.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from tierflow_shared.contracts.bank import Evidence, SaleRequested
from tierflow_shared.contracts.outcomes import DecisionOutcome
from tierflow_suitability.domain.cases import Approval, CustomerFacts
from tierflow_suitability.domain.decide import Decision, approvable
from tierflow_suitability.domain.findings import verdict_line

SaleState = Literal["requested", "needs-evidence", "referred", "approved", "confirmed", "rejected", "expired"]
CloseReason = Literal["blocked", "declined", "withdrawn", "expired"]
OPEN_STATES: Final = ("requested", "needs-evidence", "referred", "approved")
_STATE_OF: Final[Mapping[DecisionOutcome, SaleState]] = {
    "approved": "approved",
    "needs-evidence": "needs-evidence",
    "referred": "referred",
    "blocked": "rejected",
}
MAX_EVIDENCE: Final = 100


class SaleError(Exception):
    """What was asked does not fit the sale's state or the four eyes; `code` is stable for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class Submitted(Struct, frozen=True):
    """A document and who brought it."""

    document: Evidence
    by: str
    at: datetime


class Snapshot(Struct, frozen=True):
    """A customer at a moment, kept while a sale waits for a product or a member of staff we do not know yet."""

    at: datetime
    on: date
    facts: CustomerFacts


class Sale(Struct, frozen=True):
    """A sale as it stands. `partition` is where its request came from (-1: over HTTP), `traceparent` the trace in
    which it came: what becomes of the sale is told in it."""

    request: SaleRequested
    requested_by: str
    request_hash: str
    state: SaleState
    expires_on: date
    partition: int = -1
    traceparent: str = ""
    waiting_for: tuple[str, ...] = ()
    waited_for: tuple[str, ...] = ()
    pending: tuple[Snapshot, ...] = ()
    overdue_at: datetime | None = None
    decisions: int = 0
    decision_id: str | None = None
    decided_at: datetime | None = None
    outcome: DecisionOutcome | None = None
    needs: tuple[str, ...] = ()
    referrals: Mapping[str, str] = field(default_factory=dict)
    verdicts: str = ""
    submitted: tuple[Submitted, ...] = ()
    approvals: tuple[Approval, ...] = ()
    closed_reason: CloseReason | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def sale_id(self) -> str:
        return self.request.sale_id

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def documents(self) -> tuple[Evidence, ...]:
        """All evidence: what came with the request and what was brought later."""
        return (*self.request.evidence, *(item.document for item in self.submitted))

    @property
    def wants_facts(self) -> bool:
        """Whether news about the customer could change the decision."""
        return self.is_open and bool(self.needs)


def decided(sale: Sale, decision: Decision, decision_id: str, at: datetime) -> Sale:
    """The sale under a new decision. A blocked sale is over."""
    _require_open(sale)
    blocked = decision.outcome == "blocked"
    return replace(
        sale,
        state=_STATE_OF[decision.outcome],
        waiting_for=(),
        pending=(),
        decisions=sale.decisions + 1,
        decision_id=decision_id,
        decided_at=at,
        outcome=decision.outcome,
        needs=decision.needs,
        referrals=approvable(decision.findings),
        verdicts=verdict_line(decision.findings),
        closed_reason="blocked" if blocked else None,
        closed_at=at if blocked else None,
    )


def with_evidence(sale: Sale, document: Evidence, by: str, at: datetime) -> Sale:
    """The sale with one more document; the same document again changes nothing.

    Raises:
        SaleError: the sale is closed, the document is dated in the future, or there are too many.
    """
    _require_open(sale)
    if document.recorded_at > at:
        raise SaleError("evidence-in-future", "the document is dated in the future")
    if any(known == document for known in sale.documents):
        return sale
    if any(approval.subject == by for approval in sale.approvals):
        raise SaleError("four-eyes", "somebody who has decided on the sale cannot document it")
    if len(sale.documents) >= MAX_EVIDENCE:
        raise SaleError("too-much-evidence", f"a sale takes at most {MAX_EVIDENCE} documents")
    return replace(sale, submitted=(*sale.submitted, Submitted(document, by, at)))


def with_approval(sale: Sale, decision_id: str, by: str, reason: str, at: datetime) -> Sale:
    """The sale with a second person's approval of what the present decision refers to a person.

    Raises:
        SaleError: not open, nothing to approve, another decision, or not a second person.
    """
    _require_second_person(sale, decision_id, by)
    if not sale.referrals:
        raise SaleError("nothing-to-approve", "no finding of the decision waits for a person")
    return replace(sale, approvals=(*sale.approvals, Approval(by, at, reason, decision_id, sale.referrals)))


def declined(sale: Sale, decision_id: str, by: str, at: datetime) -> Sale:
    """A second person has said no: the sale is over."""
    _require_second_person(sale, decision_id, by)
    return _closed(sale, "rejected", "declined", by, at)


def require_confirmable(sale: Sale, decision_id: str) -> None:
    """Confirmation names the approved decision it relies on.

    Raises:
        SaleError: not open, not approved, or another decision.
    """
    _require_open(sale)
    _require_decision(sale, decision_id)
    if sale.state != "approved":
        raise SaleError("not-approved", f"the sale is {sale.state}, only an approved sale is confirmed")


def confirmed(sale: Sale, decision_id: str, recheck: Decision, by: str, at: datetime) -> Sale:
    """The sale, confirmed: its decision was approved and still is on the day of confirmation.

    Raises:
        SaleError: a condition is missing.
    """
    require_confirmable(sale, decision_id)
    if recheck.outcome != "approved":
        raise SaleError("not-approved", "the sale is no longer approved on this day")
    return replace(sale, state="confirmed", closed_at=at, closed_by=by)


def withdrawn(sale: Sale, by: str, at: datetime) -> Sale:
    """The sale is taken back before it was confirmed."""
    _require_open(sale)
    return _closed(sale, "rejected", "withdrawn", by, at)


def is_overdue(sale: Sale, on: date) -> bool:
    """Whether the sale has been open for too long."""
    return sale.is_open and on > sale.expires_on


def overdue_while_waiting(sale: Sale, at: datetime) -> Sale:
    """A sale that waits for a product keeps in mind when its time ran out: it expires once it has its decision.

    So it ends as it would have ended if the product had come in time.
    """
    return sale if sale.overdue_at is not None else replace(sale, overdue_at=at)


def with_news(sale: Sale, snapshot: Snapshot, *, documents_changed: bool = False) -> Sale:
    """A waiting sale remembers what became known of its customer, to be judged in the same order later."""
    known = bool(sale.pending) and sale.pending[-1].facts == snapshot.facts
    if sale.overdue_at is not None or (known and not documents_changed):
        return sale
    return replace(sale, pending=(*sale.pending, snapshot))


def expired(sale: Sale, at: datetime) -> Sale:
    """The sale's time ran out."""
    _require_open(sale)
    return _closed(sale, "expired", "expired", None, at)


def _closed(sale: Sale, state: SaleState, reason: CloseReason, by: str | None, at: datetime) -> Sale:
    return replace(sale, state=state, waiting_for=(), pending=(), closed_reason=reason, closed_at=at, closed_by=by)


def _require_open(sale: Sale) -> None:
    if not sale.is_open:
        raise SaleError("sale-closed", f"the sale is {sale.state}")


def _require_decision(sale: Sale, decision_id: str) -> None:
    if sale.decision_id is None:
        raise SaleError("undecided", "the sale has no decision yet")
    if sale.decision_id != decision_id:
        raise SaleError("other-decision", "the sale has another decision by now")


def _require_second_person(sale: Sale, decision_id: str, by: str) -> None:
    """Four eyes: whoever decides has not requested, sold or documented the sale, and is not the customer."""
    _require_open(sale)
    _require_decision(sale, decision_id)
    involved = {sale.requested_by, sale.request.customer_id, sale.request.staff_id}
    involved.update(item.by for item in sale.submitted)
    if by in involved:
        raise SaleError("four-eyes", "somebody who takes part in the sale cannot decide on it")
