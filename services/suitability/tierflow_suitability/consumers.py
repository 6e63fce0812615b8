"""Event type to handler: one poll is one working set, its events taken one after the other."""

import dataclasses
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.contracts.bank import (
    ProductUpdated,
    RmUpdated,
    SaleRequested,
)
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced, CustomerErased
from tierflow_shared.ids import content_hash, identity_hash
from tierflow_shared.privacy.vault import NotOpenedError
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.events import Event, RefusedError, decode
from tierflow_shared.stream.handlers import Outcome
from tierflow_suitability.handlers.checks import require_usable
from tierflow_suitability.handlers.facts import CustomerNews, close_days, take_customer_news, take_product, take_staff
from tierflow_suitability.handlers.requests import SaleOrder, decide_sales
from tierflow_suitability.handlers.transactions import Desks, SeenEvents
from tierflow_suitability.ports import Desk, EventVault, Needed, Office

TYPES: Final = frozenset(
    {
        "bank.customer.updated.v1",
        "bank.kyc.updated.v1",
        "bank.holding.updated.v1",
        "bank.sale.requested.v1",
        "bank.product.updated.v1",
        "bank.rm.updated.v1",
        "tierflow.business-date.advanced.v1",
        "tierflow.customer.erased.v1",
    }
)

_DATED: Final = "tierflow.business-date.advanced.v1"


class SuitabilityHandler:
    """Implements `BatchHandler`. Keeps nothing in memory between polls but products and staff."""

    def __init__(self, desks: Desks, office: Office, vault: EventVault | None = None) -> None:
        self._desks, self._office, self._vault = desks, office, vault

    @property
    def types(self) -> frozenset[str] | None:
        return TYPES

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept in memory."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept in memory."""

    def rolled_back(self, connection: Connection) -> None:
        """Nothing is kept in memory: the cache belongs to a stamp that was rolled back with it."""

    def unfinished(self) -> Sequence[TopicPartition]:
        return ()

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is put off."""

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        events = _opened(uow, _decoded(uow, records), self._vault)
        if not events:
            return
        desk = self._desks.open(uow, _needed(events))  # first: from here on this transaction is the only writer
        seen = self._desks.seen(uow, [identity_hash(event.source, event.id) for event in events])
        for event in events:
            try:
                outcome = _check(seen, event)
                if outcome is None:
                    require_usable(event.data)
                    outcome = self._take(desk, event)
            except RefusedError as refusal:
                uow.dead_letter(event.record, refusal.reason, refusal.detail)
            else:
                _keep(seen, event)
                uow.count(event.type, outcome)
        seen.flush()
        desk.flush()

    def _take(self, desk: Desk, event: Event) -> Outcome:
        data, office = event.data, self._office
        if isinstance(data, CustomerNews):
            take_customer_news(desk, office, data, event.version, event.time, data.customer_id)
        elif isinstance(data, ProductUpdated):
            take_product(desk, office, data, event.version, event.time)
        elif isinstance(data, RmUpdated):
            take_staff(desk, office, data, event.version, event.time)
        elif isinstance(data, SaleRequested):
            return self._take_sale(desk, event, data)
        elif isinstance(data, BusinessDateAdvanced):
            close_days(desk, data, event.record.partition, event.time)
        return "applied"

    def _take_sale(self, desk: Desk, event: Event, request: SaleRequested) -> Outcome:
        order = SaleOrder(
            request=request,
            requested_by=event.source,
            request_hash=content_hash(event.type, msgspec.json.encode(request)).hex(),
            partition=event.record.partition,
        )
        taken = decide_sales(desk, self._office, [order])[0]
        if taken.other_content:
            raise RefusedError("sale-id-reused", "a sale with this id and other content exists")
        return "duplicate" if taken.repeated else "applied"


def _decoded(uow: UnitOfWork, records: Sequence[Record]) -> list[Event]:
    """The typed events; records that cannot be read become dead letters."""
    events = []
    for record in records:
        try:
            events.append(decode(record))
        except RefusedError as refusal:
            uow.dead_letter(record, refusal.reason, refusal.detail)
    return events


def _opened(uow: UnitOfWork, events: list[Event], vault: EventVault | None) -> list[Event]:
    """The events with their personal fields in the clear; those whose fields cannot be opened become dead letters.

    Keys of customers that these events erase are forgotten first: what comes with an erasure reads as erased.
    """
    if vault is None:
        return events
    erased = [event.data.customer_id for event in events if isinstance(event.data, CustomerErased)]
    if erased:
        vault.forget(erased)
    opened: list[Event] = []
    for event, data in zip(events, vault.open_events([event.data for event in events]), strict=True):
        if isinstance(data, NotOpenedError):
            uow.dead_letter(event.record, data.reason, data.detail)
        else:
            opened.append(event if data is event.data else dataclasses.replace(event, data=data))
    return opened


def _needed(events: Sequence[Event]) -> Needed:
    """Everything the events of a poll will ask for."""
    orders = [event.data for event in events if isinstance(event.data, SaleRequested)]
    news = [event.data for event in events if isinstance(event.data, CustomerNews)]
    with_news = frozenset(one.customer_id for one in news)
    days = [event.data.business_date for event in events if isinstance(event.data, BusinessDateAdvanced)]
    return Needed(
        customers=with_news | {order.customer_id for order in orders},
        sales=frozenset(order.sale_id for order in orders),
        open_sales_of=with_news,
        waiting_products=frozenset(e.data.product_id for e in events if isinstance(e.data, ProductUpdated)),
        waiting_staff=frozenset(e.data.rm_id for e in events if isinstance(e.data, RmUpdated)),
        overdue_before=max(days).isoformat() if days else None,
    )


def _check(seen: SeenEvents, event: Event) -> Outcome | None:
    """`duplicate` if the event had its effect, None if it is new.

    Raises:
        RefusedError: the same id with other content.
    """
    if event.type == _DATED:
        return None
    known = seen.content(identity_hash(event.source, event.id))
    if known is None:
        return None
    if known != content_hash(event.type, event.record.value):
        raise RefusedError("id-reused", "an event with this source and id and other content came before")
    return "duplicate"


def _keep(seen: SeenEvents, event: Event) -> None:
    if event.type != _DATED:
        seen.keep(identity_hash(event.source, event.id), content_hash(event.type, event.record.value))
