"""`WritableRecords` over SQLAlchemy Core: locks what it will change, writes in bulk."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TypeVar

from sqlalchemy import ColumnElement, Table, insert, select, update

from tierflow_contact_planner.adapters import tables
from tierflow_contact_planner.adapters.documents import (
    decode_contact,
    decode_facts,
    decode_manager,
    decode_product,
    encode,
    portions,
)
from tierflow_contact_planner.adapters.reading import SqlRecords
from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.ports import Product, StoredPlan
from tierflow_shared.store.dialect import upsert

Document = TypeVar("Document")
Row = dict[str, object]


class SqlWritableRecords(SqlRecords):
    """Reads and writes inside the transaction of the connection."""

    def customers_for_update(self, customer_ids: Iterable[str]) -> dict[str, CustomerFacts]:
        wanted, table = set(customer_ids), tables.customer
        found = self._locked(table, table.c.customer_id, table.c.facts, wanted, decode_facts)
        missing = sorted(wanted - found.keys())
        if missing:
            rows = [{"customer_id": one, "rm_id": None, "facts": encode(CustomerFacts(one))} for one in missing]
            self._connection.execute(upsert(self._connection, table).on_conflict_do_nothing(), rows)
            found |= self._locked(table, table.c.customer_id, table.c.facts, missing, decode_facts)
        return found

    def save_customers(self, customers: Iterable[CustomerFacts]) -> None:
        rows: list[Row] = [
            {
                "customer_id": facts.customer_id,
                "rm_id": facts.profile.rm_id if facts.profile else None,
                "facts": encode(facts),
            }
            for facts in customers
        ]
        self._replace(tables.customer, rows)

    def managers_for_update(self, rm_ids: Iterable[str]) -> dict[str, Manager]:
        table = tables.manager
        return self._locked(table, table.c.rm_id, table.c.document, rm_ids, decode_manager)

    def save_managers(self, managers: Iterable[Manager]) -> None:
        rows: list[Row] = [{"rm_id": m.rm_id, "is_active": m.is_active, "document": encode(m)} for m in managers]
        self._replace(tables.manager, rows)

    def products_for_update(self, product_ids: Iterable[str]) -> dict[str, Product]:
        table = tables.product
        return self._locked(table, table.c.product_id, table.c.document, product_ids, decode_product)

    def save_products(self, products: Iterable[Product]) -> None:
        rows: list[Row] = [{"product_id": p.product_id, "document": encode(p)} for p in products]
        self._replace(tables.product, rows)

    def contact_for_update(self, contact_id: str) -> Contact | None:
        table = tables.contact
        found = self._locked(table, table.c.contact_id, table.c.document, [contact_id], decode_contact)
        return found.get(contact_id)

    def save_contacts(self, contacts: Iterable[Contact]) -> None:
        """Inserts or replaces; a contact whose outcome is recorded is never replaced by a planned one."""
        rows: list[Row] = [
            {
                "contact_id": one.contact_id,
                "rm_id": one.rm_id,
                "customer_id": one.customer_id,
                "planned_on": one.planned_on,
                "status": one.status,
                "document": encode(one),
            }
            for one in contacts
        ]
        self._replace(tables.contact, rows, where=tables.contact.c.status != "recorded")

    def save_plan(self, stored: StoredPlan) -> None:
        period = stored.plan.period
        key = {"rm_id": stored.plan.rm_id, "first": period.first, "last": period.last}
        self._replace(tables.plan, [{**key, "document": encode(stored)}])

    def note_business_dates(self, declared: date | None, observed: date | None) -> None:
        table = tables.business_date
        for kind, day in (("declared", declared), ("observed", observed)):
            if day is not None:
                first = upsert(self._connection, table).values(kind=kind, day=day).on_conflict_do_nothing()
                self._connection.execute(first)
                later = update(table).where(table.c.kind == kind, table.c.day < day).values(day=day)
                self._connection.execute(later)

    def known_events(self, identities: Iterable[bytes]) -> Mapping[bytes, bytes]:
        table, known = tables.seen_event, {}
        wanted = {identity.hex(): identity for identity in identities}
        for portion in portions(wanted):
            query = select(table).where(table.c.identity.in_([wanted[key] for key in portion]))
            known.update({row.identity: row.content for row in self._connection.execute(query)})
        return known

    def remember_events(self, contents: Mapping[bytes, bytes]) -> None:
        rows = [{"identity": identity, "content": content} for identity, content in contents.items()]
        if rows:  # no ON CONFLICT: an event that another transaction took meanwhile must not take effect here, too
            self._connection.execute(insert(tables.seen_event), rows)

    def _locked(
        self,
        table: Table,
        key: ColumnElement[str],
        document: ColumnElement[bytes],
        ids: Iterable[str],
        decode: Callable[[bytes], Document],
    ) -> dict[str, Document]:
        """The documents of these ids, locked for this transaction in the order of the ids."""
        found: dict[str, Document] = {}
        for portion in portions(ids):
            query = select(key, document).where(key.in_(portion)).order_by(key)
            rows = self._connection.execute(query.with_for_update(of=table))
            found.update({row[0]: decode(row[1]) for row in rows})
        return found

    def _replace(self, table: Table, rows: list[Row], where: ColumnElement[bool] | None = None) -> None:
        if not rows:
            return
        statement = upsert(self._connection, table)
        changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
        keys = [column.name for column in table.primary_key]
        self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where), rows)
