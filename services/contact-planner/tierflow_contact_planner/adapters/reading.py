"""`Records` over SQLAlchemy Core: one consistent view of the service's tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, and_, or_, select

from tierflow_contact_planner.adapters import tables
from tierflow_contact_planner.adapters.documents import (
    decode_contact,
    decode_facts,
    decode_manager,
    decode_plan,
    decode_product,
    portions,
)
from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.planning import Period
from tierflow_contact_planner.domain.policy import Text
from tierflow_contact_planner.ports import StoredPlan


class SqlRecords:
    """Reads over a connection that is in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def customer(self, customer_id: str) -> CustomerFacts | None:
        table = tables.customer
        found = self._connection.scalar(select(table.c.facts).where(table.c.customer_id == customer_id))
        return None if found is None else decode_facts(found)

    def customers(self) -> Iterator[CustomerFacts]:
        table = tables.customer
        for facts in self._connection.scalars(select(table.c.facts).order_by(table.c.customer_id)):
            yield decode_facts(facts)

    def customers_perhaps_of(self, rm_id: str) -> Iterator[CustomerFacts]:
        table, manager = tables.customer, tables.manager
        active = select(manager.c.rm_id).where(manager.c.is_active)
        unowned = or_(table.c.rm_id.is_(None), table.c.rm_id.not_in(active))
        query = select(table.c.facts).where(or_(table.c.rm_id == rm_id, unowned)).order_by(table.c.customer_id)
        for facts in self._connection.scalars(query):
            yield decode_facts(facts)

    def traceparents(self, customer_ids: Iterable[str]) -> Mapping[str, str]:
        table, found = tables.customer, {}
        for portion in portions(customer_ids):
            query = select(table.c.facts).where(table.c.customer_id.in_(portion))
            for facts in map(decode_facts, self._connection.scalars(query)):
                if facts.traceparent:
                    found[facts.customer_id] = facts.traceparent
        return found

    def managers(self) -> Sequence[Manager]:
        table = tables.manager
        found = self._connection.scalars(select(table.c.document).order_by(table.c.rm_id))
        return [decode_manager(document) for document in found]

    def product_names(self, product_ids: Iterable[str]) -> Mapping[str, Text]:
        table, names = tables.product, {}
        for portion in portions(product_ids):
            query = select(table.c.document).where(table.c.product_id.in_(portion))
            for product in map(decode_product, self._connection.scalars(query)):
                names[product.product_id] = product.name
        return names

    def contact(self, contact_id: str) -> Contact | None:
        table = tables.contact
        found = self._connection.scalar(select(table.c.document).where(table.c.contact_id == contact_id))
        return None if found is None else decode_contact(found)

    def contacts_between(self, first: date, last: date, rm_id: str | None = None) -> Sequence[Contact]:
        table, customer = tables.contact, tables.customer
        query = select(table.c.document).where(table.c.planned_on.between(first, last))
        if rm_id is not None:
            own = select(customer.c.customer_id).where(customer.c.rm_id == rm_id)
            query = query.where(or_(table.c.rm_id == rm_id, table.c.customer_id.in_(own)))
        found = self._connection.scalars(query.order_by(table.c.planned_on, table.c.contact_id))
        return [decode_contact(document) for document in found]

    def contacts_of(self, customer_id: str, after: tuple[str, str] | None, limit: int) -> Sequence[Contact]:
        table = tables.contact
        query = select(table.c.document).where(table.c.customer_id == customer_id)
        if after is not None:
            day, contact_id = date.fromisoformat(after[0]), after[1]
            same_day = and_(table.c.planned_on == day, table.c.contact_id < contact_id)
            query = query.where(or_(table.c.planned_on < day, same_day))
        query = query.order_by(table.c.planned_on.desc(), table.c.contact_id.desc()).limit(limit)
        return [decode_contact(document) for document in self._connection.scalars(query)]

    def plan(self, rm_id: str, period: Period) -> StoredPlan | None:
        table = tables.plan
        where = (table.c.rm_id == rm_id, table.c.first == period.first, table.c.last == period.last)
        found = self._connection.scalar(select(table.c.document).where(*where))
        return None if found is None else decode_plan(found)

    def business_date(self) -> date | None:
        table = tables.business_date
        found = {row.kind: row.day for row in self._connection.execute(select(table))}
        return found.get("declared") or found.get("observed")
