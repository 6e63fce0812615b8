"""The bulk writes at the end of a transaction."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Table

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_shared.ids import new_id
from tierflow_shared.store.bulk import write_rows
from tierflow_shared.store.dialect import insert_text, upsert_text
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_suitability.adapters.codec import encode, microseconds
from tierflow_suitability.adapters.persons import PersonVault, birth_date_rows
from tierflow_suitability.adapters.reading import AUDIT, REFERENCES, Marks
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.chain import link_hash
from tierflow_suitability.domain.customers import BirthDate, Customer, Version
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.domain.sales import Sale

Row = tuple[object, ...]


class DeskWriter:
    """Collects what was kept. Each sale, customer or assessment is written once, as it stands at the end."""

    def __init__(self, uow: UnitOfWork, tables: Tables, marks: Marks, vault: PersonVault | None) -> None:
        self._uow, self._tables, self._marks, self._vault = uow, tables, marks, vault
        self.customers: dict[str, Customer] = {}
        self.birth_dates: dict[str, BirthDate] = {}
        self.assessments: dict[str, Assessment] = {}
        self.references: list[tuple[str, str, Version, ProductUpdated | RmUpdated]] = []
        self.sales: dict[str, Sale] = {}
        self.entries: list[AuditEntry] = []
        self.counts: Counter[tuple[str, ...]] = Counter()

    def flush(self) -> None:
        """Writes everything; the caller commits."""
        tables = self._tables
        self._upsert(tables.customer, [(key, encode(value)) for key, value in self.customers.items()])
        self._upsert(tables.person, birth_date_rows(self.birth_dates, self._vault))
        self._upsert(tables.assessment, [_assessment_row(one) for one in self.assessments.values()])
        self._insert(tables.reference, [_reference_row(*one) for one in self.references])
        self._upsert(tables.sale, [_sale_row(sale) for sale in self.sales.values()])
        self._upsert(tables.mark, [*self._append_audit(), *self._stamp()])

    def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        write_rows(self._uow.connection, insert_text(table), "", rows)

    def _upsert(self, table: Table, rows: Sequence[Row]) -> None:
        write_rows(self._uow.connection, *upsert_text(table), rows)

    def _append_audit(self) -> list[Row]:
        """Appends the entries to the chain and returns its new head."""
        if not self.entries:
            return []
        seq, head = self._marks.seq, self._marks.head
        rows: list[Row] = []
        for entry in self.entries:
            seq, content, before = seq + 1, encode(entry), head
            head = link_hash(before, seq, content)
            number = entry.decision.decision_id if entry.decision else None
            rows.append((seq, entry.kind, entry.sale_id, number, before, head, content))
        self._insert(self._tables.audit, rows)
        return [(AUDIT, f"{seq}:{head}")]

    def _stamp(self) -> list[Row]:
        return [(REFERENCES, new_id("stamp"))] if self.references else []


# Rows in the order of the columns in `tables`.
def _assessment_row(one: Assessment) -> Row:
    return (one.assessment_id, one.customer_id, microseconds(one.answered_at), encode(one))


def _reference_row(kind: str, item_id: str, version: Version, item: ProductUpdated | RmUpdated) -> Row:
    return (kind, item_id, *version, encode(item))


def _sale_row(sale: Sale) -> Row:
    request = sale.request
    return (
        sale.sale_id,
        request.customer_id,
        request.product_id,
        request.staff_id,
        sale.state,
        sale.is_open,
        sale.outcome,
        sale.expires_on.isoformat(),
        sale.partition,
        encode(sale),
    )
