"""Takes sale requests, from HTTP and from the bus, in the same way: a batch is the same as one by one."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tierflow_shared.contracts.bank import SaleRequested
from tierflow_suitability.domain.decide import decide_with
from tierflow_suitability.domain.records import AuditEntry, DecisionRecord
from tierflow_suitability.domain.sales import Sale, decided
from tierflow_suitability.handlers.deciding import (
    case_of,
    keep_decision,
    references_of,
    snapshot_of,
)
from tierflow_suitability.ports import Desk, Office

HTTP_PARTITION = -1


class SaleOrder(Struct, frozen=True):
    """A request to sell: `request_hash` stands for its content, `partition` for where it came from.

    traceparent: the trace in which it came, "" without one.
    """

    request: SaleRequested
    requested_by: str
    request_hash: str
    partition: int = HTTP_PARTITION
    traceparent: str = ""


class Taken(Struct, frozen=True):
    """What became of an order: the sale with its first decision, or why it was not taken."""

    sale: Sale
    decision: DecisionRecord | None
    repeated: bool = False
    other_content: bool = False


def decide_sales(desk: Desk, office: Office, orders: Sequence[SaleOrder]) -> list[Taken]:
    """Takes orders one after the other; each is decided on what is known at its own moment."""
    return [_take(desk, office, order) for order in orders]


def _take(desk: Desk, office: Office, order: SaleOrder) -> Taken:
    known = desk.sale(order.request.sale_id)
    if known is not None:
        return _taken_before(desk, known, order)
    at = order.request.requested_at.astimezone(UTC)
    moment = snapshot_of(desk, office, order.request.customer_id, at)
    sale = _new(order, moment.on + timedelta(days=office.rulebook.sale_open_days(moment.on)))
    references = references_of(desk, office, sale, moment)
    missing = references.missing
    if missing or references.selection is None:
        return _wait(desk, replace(sale, waiting_for=missing, waited_for=missing, pending=(moment,)))
    case = case_of(sale, moment, references)
    decision = decide_with(case, references.selection)
    updated = keep_decision(desk, sale, case, decision, "request", order.requested_by)
    assert updated.decision_id is not None, "a decided sale names its decision"
    return Taken(updated, DecisionRecord(updated.decision_id, sale.sale_id, "request", case, decision))


def _new(order: SaleOrder, expires_on: date) -> Sale:
    return Sale(
        request=order.request,
        requested_by=order.requested_by,
        request_hash=order.request_hash,
        state="requested",
        expires_on=expires_on,
        partition=order.partition,
        traceparent=order.traceparent,
    )


def _wait(desk: Desk, sale: Sale) -> Taken:
    """Nothing is decided before we know what is sold and by whom; it is decided as soon as we do."""
    desk.keep_sale(sale)
    details = {"waiting_for": " ".join(sale.waiting_for)}
    desk.record(AuditEntry("sale-waiting", sale.pending[0].at, sale.requested_by, sale.sale_id, details=details))
    return Taken(sale, None)


def _taken_before(desk: Desk, known: Sale, order: SaleOrder) -> Taken:
    """The same order again gets the first answer again, whatever has happened to the sale since."""
    if known.request_hash != order.request_hash:
        return Taken(known, None, repeated=True, other_content=True)
    first = desk.first_decision(known.sale_id)
    begun = _new(replace(order, request=known.request, partition=known.partition), known.expires_on)
    if first is None:
        return Taken(replace(begun, waiting_for=known.waited_for), None, repeated=True)
    return Taken(decided(begun, first.decision, first.decision_id, first.case.at), first, repeated=True)
