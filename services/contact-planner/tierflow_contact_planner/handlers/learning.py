"""Use case: events about customers, managers, products and days become what is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from tierflow_contact_planner.domain.facts import Version
from tierflow_contact_planner.domain.learning import LESSONS, learn
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.policy import Text
from tierflow_contact_planner.ports import Product, WritableRecords
from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced, SaleDecided, TierChanged
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import BANK_EVENTS, TYPE_OF_DATA

CONSUMED: Final[tuple[type[Data], ...]] = (*LESSONS, RmUpdated, ProductUpdated, BusinessDateAdvanced)
CONSUMED_TYPES: Final = frozenset(TYPE_OF_DATA[data].name for data in CONSUMED)


@dataclass(frozen=True, slots=True)
class News:
    """One event: what it says, its version, when the producer says it happened, its sampled trace if any."""

    data: Data
    version: Version
    time: datetime
    traceparent: str = ""


def learn_news(records: WritableRecords, news: Sequence[News]) -> None:
    """Takes in a batch of events. The result depends on the set of all events ever taken in, not on batches."""
    _learn_customers(records, [one for one in news if type(one.data) in LESSONS])
    _learn_managers(records, news)
    _learn_products(records, news)
    declared = [one.data.business_date for one in news if isinstance(one.data, BusinessDateAdvanced)]
    observed = [day for one in news if (day := _observed_on(one)) is not None]
    records.note_business_dates(max(declared, default=None), max(observed, default=None))


def _learn_customers(records: WritableRecords, news: Iterable[News]) -> None:
    lessons = [(str(getattr(one.data, TYPE_OF_DATA[type(one.data)].key_field)), one) for one in news]
    if not lessons:
        return
    known = records.customers_for_update({customer_id for customer_id, _ in lessons})
    changed = {}
    for customer_id, one in lessons:
        before = known[customer_id]
        after = learn(before, one.data, one.version)
        if after is not before:
            if one.traceparent:
                after = replace(after, traceparent=one.traceparent)
            known[customer_id] = changed[customer_id] = after
    records.save_customers(changed.values())


def _learn_managers(records: WritableRecords, news: Iterable[News]) -> None:
    said: dict[str, Manager] = {}
    for one in news:
        if isinstance(one.data, RmUpdated):
            manager = _manager(one.data, one.version)
            said[manager.rm_id] = max(said.get(manager.rm_id, manager), manager, key=lambda m: m.version)
    if said:
        known = records.managers_for_update(said)
        records.save_managers(m for m in said.values() if m.rm_id not in known or known[m.rm_id].version < m.version)


def _manager(data: RmUpdated, version: Version) -> Manager:
    return Manager(
        version=version,
        rm_id=data.rm_id,
        role=data.role,
        region=data.region,
        is_active=data.active,
        weekly_list=data.weekly_list,
        daily_reached=data.daily_reached,
    )


def _learn_products(records: WritableRecords, news: Iterable[News]) -> None:
    said: dict[str, Product] = {}
    for one in news:
        if isinstance(one.data, ProductUpdated):
            name = Text(one.data.name, one.data.name_zh or one.data.name)
            product = Product(one.version, one.data.product_id, name)
            said[product.product_id] = max(said.get(product.product_id, product), product, key=lambda p: p.version)
    if said:
        known = records.products_for_update(said)
        records.save_products(
            p for p in said.values() if p.product_id not in known or known[p.product_id].version < p.version
        )


def _observed_on(one: News) -> date | None:
    """The business day that an event shows to have begun: the bank's own time, or the day a decision is for."""
    if isinstance(one.data, TierChanged):
        return one.data.effective_on
    if isinstance(one.data, SaleDecided):
        return one.data.decided_on
    kind = TYPE_OF_DATA[type(one.data)]
    return one.time.date() if kind.direction == "in" and kind.topic == BANK_EVENTS else None
