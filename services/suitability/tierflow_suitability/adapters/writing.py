"""The bulk writes at the end of a transaction."""

from collections import Counter
from typing import Any

from sqlalchemy import Table, insert

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_shared.ids import new_id
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_suitability.adapters.codec import encode, microseconds
from tierflow_suitability.adapters.persons import birth_date_rows
from tierflow_suitability.adapters.reading import AUDIT, REFERENCES, Marks
from tierflow_suitability.adapters.statements import Statements
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.chain import link_hash
from tierflow_suitability.domain.customers import BirthDate, Customer, Version
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.domain.sales import Sale


class DeskWriter:
    """Collects what was kept. Each sale, customer or assessment is written once, as it stands at the end."""

    def __init__(self, uow: UnitOfWork, tables: Tables, statements: Statements, marks: Marks) -> None:
        self._uow, self._tables, self._statements, self._marks = uow, tables, statements, marks
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
        customers = [{"customer_id": key, "registers": encode(value)} for key, value in self.customers.items()]
        self._upsert(tables.customer, customers)
        self._upsert(tables.person, birth_date_rows(self.birth_dates))
        self._upsert(tables.assessment, [_assessment_row(one) for one in self.assessments.values()])
        if self.references:
            rows = [_reference_row(*one) for one in self.references]
            self._uow.connection.execute(insert(tables.reference), rows)
        self._upsert(tables.sale, [_sale_row(sale) for sale in self.sales.values()])
        self._upsert(tables.mark, [*self._append_audit(), *self._stamp()])

    def _upsert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            connection = self._uow.connection
            connection.execute(self._statements.upsert(connection, table), rows)

    def _append_audit(self) -> list[dict[str, Any]]:
        """Appends the entries to the chain and returns its new head."""
        if not self.entries:
            return []
        seq, head, rows = self._marks.seq, self._marks.head, []
        for entry in self.entries:
            seq, content = seq + 1, encode(entry)
            row = {
                "seq": seq,
                "kind": entry.kind,
                "sale_id": entry.sale_id,
                "decision_id": entry.decision.decision_id if entry.decision else None,
                "prev_hash": head,
                "hash": link_hash(head, seq, content),
                "content": content,
            }
            rows.append(row)
            head = str(row["hash"])
        self._uow.connection.execute(self._statements.append_audit, rows)
        return [{"name": AUDIT, "value": f"{seq}:{head}"}]

    def _stamp(self) -> list[dict[str, Any]]:
        return [{"name": REFERENCES, "value": new_id("stamp")}] if self.references else []


def _assessment_row(assessment: Assessment) -> dict[str, Any]:
    return {
        "assessment_id": assessment.assessment_id,
        "customer_id": assessment.customer_id,
        "answered_at_us": microseconds(assessment.answered_at),
        "content": encode(assessment),
    }


def _reference_row(kind: str, item_id: str, version: Version, item: ProductUpdated | RmUpdated) -> dict[str, Any]:
    time, source, event_id = version
    content = encode(item)
    return {
        "kind": kind, "item_id": item_id, "time": time, "source": source, "event_id": event_id, "content": content
    }  # fmt: skip


def _sale_row(sale: Sale) -> dict[str, Any]:
    request = sale.request
    return {
        "sale_id": sale.sale_id,
        "customer_id": request.customer_id,
        "product_id": request.product_id,
        "staff_id": request.staff_id,
        "state": sale.state,
        "is_open": sale.is_open,
        "outcome": sale.outcome,
        "expires_on": sale.expires_on.isoformat(),
        "partition": sale.partition,
        "verdicts": sale.verdicts,
        "content": encode(sale),
    }
