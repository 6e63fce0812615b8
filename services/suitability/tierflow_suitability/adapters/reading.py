"""The bulk reads at the start of a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace
from sqlalchemy import Connection, Select, or_, select

from tierflow_shared.store.dialect import upsert
from tierflow_suitability.adapters.codec import decode_assessment, decode_customer, decode_entry, decode_sale
from tierflow_suitability.adapters.persons import PersonVault, opened_birth_dates
from tierflow_suitability.adapters.statements import BIRTH_DATE, IDS, REGISTERS, Statements
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.chain import GENESIS
from tierflow_suitability.domain.customers import Customer
from tierflow_suitability.domain.records import DecisionRecord, decision_id
from tierflow_suitability.domain.sales import Sale
from tierflow_suitability.ports import Needed

AUDIT: Final = "audit"
REFERENCES: Final = "references"
_EMPTY: Final = ({"name": AUDIT, "value": f"0:{GENESIS}"}, {"name": REFERENCES, "value": ""})
# Both databases take at least 32,766 parameters in a statement.
_CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True)
class Marks:
    """The head of the audit chain and the stamp of the references."""

    seq: int
    head: str
    stamp: str


class DeskReader:
    """Reads what a transaction needs. Takes the marks first: in PostgreSQL their rows order the writers."""

    def __init__(
        self, connection: Connection, tables: Tables, statements: Statements, vault: PersonVault | None
    ) -> None:
        self._connection, self._tables, self._statements, self._vault = connection, tables, statements, vault

    def marks(self) -> Marks:
        values = self._locked_marks()
        if len(values) < len(_EMPTY):  # a lock needs rows
            first = upsert(self._connection, self._tables.mark).on_conflict_do_nothing()
            self._connection.execute(first, _EMPTY)
            values = self._locked_marks()
        seq, _, head = values.get(AUDIT, f"0:{GENESIS}").partition(":")
        return Marks(int(seq), head, values.get(REFERENCES, ""))

    def _locked_marks(self) -> dict[str, str]:
        return {row.name: row.value for row in self._connection.execute(self._statements.marks)}

    def customers(self, customer_ids: Sequence[str]) -> tuple[dict[str, Customer], dict[str, list[Assessment]]]:
        """Registers and assessments (oldest first); empty for those nobody has told us about. One statement."""
        customers = {customer_id: Customer() for customer_id in customer_ids}
        birth_dates: dict[str, bytes] = {}
        assessments: dict[str, list[Assessment]] = {customer_id: [] for customer_id in customer_ids}
        for chunk in _chunks(customer_ids):
            for row in self._connection.execute(self._statements.customers, {IDS: chunk}):
                kind, customer_id, content = row
                if kind == REGISTERS:
                    customers[customer_id] = decode_customer(content)
                elif kind == BIRTH_DATE:
                    birth_dates[customer_id] = content
                else:
                    assessments[customer_id].append(decode_assessment(content))
        for customer_id, born in opened_birth_dates(birth_dates, self._vault).items():
            customers[customer_id] = replace(customers[customer_id], birth_date=born)
        for of_customer in assessments.values():
            of_customer.sort(key=lambda one: one.order)
        return customers, assessments

    def sales(self, needed: Needed) -> dict[str, Sale]:
        """The sales somebody will ask for, by id."""
        found: dict[str, Sale] = {}
        for statement, ids in self._sale_queries(needed):
            for row in self._connection.execute(statement, {IDS: ids} if ids else None):
                sale = decode_sale(row.content)
                found[sale.sale_id] = sale
        return found

    def _sale_queries(self, needed: Needed) -> Iterable[tuple[Select[tuple[bytes]], Sequence[str]]]:
        sale = self._tables.sale.c
        for chunk in _chunks(sorted(needed.sales)):
            yield self._statements.sales, chunk
        for chunk in _chunks(sorted(needed.open_sales_of)):
            yield self._statements.open_sales, chunk
        if needed.waiting_products or needed.waiting_staff:
            names = or_(
                sale.product_id.in_(sorted(needed.waiting_products)), sale.staff_id.in_(sorted(needed.waiting_staff))
            )
            yield select(sale.content).where(sale.state == "requested", names), ()
        if needed.overdue_before is not None:
            yield select(sale.content).where(sale.is_open, sale.expires_on < needed.overdue_before), ()

    def first_decision(self, sale_id: str) -> DecisionRecord | None:
        """The decision with which a sale began; None if it had to wait for it."""
        audit = self._tables.audit
        query = select(audit.c.content).where(audit.c.decision_id == decision_id(sale_id, 1))
        content = self._connection.execute(query).scalar_one_or_none()
        if content is None:
            return None
        decision = decode_entry(content).decision
        return decision if decision is not None and decision.trigger == "request" else None


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
