"""What the service holds about one customer, for the access report."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from tierflow_shared.store.database import Database
from tierflow_suitability.adapters.codec import decode_customer, decode_entry
from tierflow_suitability.adapters.persons import PersonVault, opened_birth_dates
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.domain.customers import BirthDate, Customer
from tierflow_suitability.domain.records import AuditEntry


class Held(NamedTuple):
    """Registers, the birth date (None: never told; without a day: erased), and the steps of the customer's sales."""

    customer: Customer
    birth_date: BirthDate | None
    entries: Sequence[AuditEntry]


class AccessQueries:
    """Slow and rare: it walks through the audit log."""

    def __init__(self, database: Database, tables: Tables, vault: PersonVault) -> None:
        self._database, self._tables, self._vault = database, tables, vault

    def held(self, customer_id: str) -> Held:
        """Everything under this id; empty registers for one nobody has told us about."""
        tables = self._tables
        sales = select(tables.sale.c.sale_id).where(tables.sale.c.customer_id == customer_id)
        audit = select(tables.audit.c.content).where(tables.audit.c.sale_id.in_(sales)).order_by(tables.audit.c.seq)
        with self._database.reading() as connection:
            registers = connection.execute(
                select(tables.customer.c.registers).where(tables.customer.c.customer_id == customer_id)
            ).scalar()
            born = connection.execute(
                select(tables.person.c.birth_date).where(tables.person.c.customer_id == customer_id)
            ).scalar()
            entries = [decode_entry(content) for content in connection.execute(audit).scalars()]
        return Held(
            customer=Customer() if registers is None else decode_customer(registers),
            birth_date=None if born is None else opened_birth_dates({customer_id: born}, self._vault)[customer_id],
            entries=entries,
        )
