"""The working set of one transaction over SQLAlchemy: a few bulk reads at its start, a few bulk writes at its end."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.acts import Act, record_acts
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_suitability.adapters.reading import DeskReader
from tierflow_suitability.adapters.references import PRODUCT, STAFF, ReferenceCache
from tierflow_suitability.adapters.statements import Statements
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.adapters.writing import DeskWriter
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.customers import Customer, Version
from tierflow_suitability.domain.records import AuditEntry, DecisionRecord
from tierflow_suitability.domain.reference import Versioned, as_of, with_version
from tierflow_suitability.domain.sales import Sale
from tierflow_suitability.ports import Needed


class SqlDesk:
    """Implements `ports.Desk`. Open one per transaction, and `flush` before the commit."""

    def __init__(
        self,
        uow: UnitOfWork,
        tables: Tables,
        statements: Statements,
        cache: ReferenceCache,
        metrics: ServiceMetrics,
        needed: Needed,
    ) -> None:
        self._uow, self._metrics = uow, metrics
        reader = DeskReader(uow.connection, tables, statements)
        marks = reader.marks()
        self._reader = reader
        self._references = cache.get(uow.connection, tables.reference, marks.stamp)
        self._products = dict(self._references.products)
        self._staff = dict(self._references.staff)
        self._sales: dict[str, Sale] = {}
        self._sales_of: dict[str, set[str]] = {}
        self._waiting: set[str] = set()
        for sale in reader.sales(needed).values():
            self._index(sale)
        wanted = sorted(needed.customers | {sale.request.customer_id for sale in self._sales.values()})
        self._customers, self._assessments = reader.customers(wanted)
        self._first_decisions: dict[str, DecisionRecord] = {}
        self._writer = DeskWriter(uow, tables, marks)

    @property
    def now(self) -> datetime:
        return self._uow.now

    def customer(self, customer_id: str) -> Customer:
        return self._customers[customer_id]

    def keep_customer(self, customer_id: str, customer: Customer) -> None:
        before = self._customers[customer_id]
        self._customers[customer_id] = customer
        if customer.birth_date is not None and customer.birth_date != before.birth_date:
            self._writer.birth_dates[customer_id] = customer.birth_date
        self._writer.customers[customer_id] = replace(customer, birth_date=None)

    def assessments(self, customer_id: str) -> Sequence[Assessment]:
        return self._assessments[customer_id]

    def keep_assessment(self, assessment: Assessment) -> None:
        others = [
            one for one in self._assessments[assessment.customer_id] if one.assessment_id != assessment.assessment_id
        ]
        self._assessments[assessment.customer_id] = sorted([*others, assessment], key=lambda one: one.order)
        self._writer.assessments[assessment.assessment_id] = assessment

    def product(self, product_id: str, at: datetime) -> ProductUpdated | None:
        return as_of(self._products.get(product_id, ()), at)

    def newest_product(self, product_id: str) -> Versioned[ProductUpdated] | None:
        versions = self._products.get(product_id)
        return versions[-1] if versions else None

    def keep_product(self, version: Version, time: datetime, product: ProductUpdated) -> bool:
        known = self._products.get(product.product_id, ())
        versions = with_version(known, Versioned(version, time, product))
        if len(versions) == len(known):
            return False
        self._products[product.product_id] = versions
        self._writer.references.append((PRODUCT, product.product_id, version, product))
        return True

    def staff(self, rm_id: str, at: datetime) -> RmUpdated | None:
        return as_of(self._staff.get(rm_id, ()), at)

    def keep_staff(self, version: Version, time: datetime, staff: RmUpdated) -> bool:
        known = self._staff.get(staff.rm_id, ())
        versions = with_version(known, Versioned(version, time, staff))
        if len(versions) == len(known):
            return False
        self._staff[staff.rm_id] = versions
        self._writer.references.append((STAFF, staff.rm_id, version, staff))
        return True

    def sale(self, sale_id: str) -> Sale | None:
        return self._sales.get(sale_id)

    def _index(self, sale: Sale) -> None:
        self._sales[sale.sale_id] = sale
        self._sales_of.setdefault(sale.request.customer_id, set()).add(sale.sale_id)
        if sale.state == "requested":
            self._waiting.add(sale.sale_id)
        else:
            self._waiting.discard(sale.sale_id)

    def keep_sale(self, sale: Sale) -> None:
        self._index(sale)
        self._writer.sales[sale.sale_id] = sale

    def open_sales(self, customer_id: str) -> Sequence[Sale]:
        sales = (self._sales[sale_id] for sale_id in sorted(self._sales_of.get(customer_id, ())))
        return [sale for sale in sales if sale.is_open]

    def waiting_for(self, product_id: str | None = None, staff_id: str | None = None) -> Sequence[Sale]:
        waiting = [self._sales[sale_id] for sale_id in sorted(self._waiting)]
        if product_id is not None:
            return [sale for sale in waiting if sale.request.product_id == product_id]
        return [sale for sale in waiting if sale.request.staff_id == staff_id]

    def overdue(self, partition: int, before: str) -> Sequence[Sale]:
        sales = (self._sales[sale_id] for sale_id in sorted(self._sales))
        return [s for s in sales if s.is_open and s.partition == partition and s.expires_on.isoformat() < before]

    def first_decision(self, sale_id: str) -> DecisionRecord | None:
        return self._first_decisions.get(sale_id) or self._reader.first_decision(sale_id)

    def record(self, entry: AuditEntry) -> None:
        if entry.decision is not None and entry.decision.trigger == "request":
            self._first_decisions[entry.decision.sale_id] = entry.decision
        self._writer.entries.append(entry)

    def note(self, subject: str, action: str, thing: str, outcome: str) -> None:
        record_acts(self._uow, [Act(subject, action, thing, outcome)])

    def emit(self, data: Data, event_id: str) -> None:
        self._uow.emit(data, event_id=event_id)

    def count_decision(self, pack: str, outcome: str) -> None:
        self._writer.counts["tierflow_sale_decisions_total", pack, outcome] += 1

    def count_closed(self, state: str) -> None:
        self._writer.counts["tierflow_sales_closed_total", state] += 1

    def flush(self) -> None:
        """Writes everything that was kept; the caller commits."""
        self._writer.flush()
        counts, metrics = self._writer.counts, self._metrics
        if counts:
            self._uow.after_commit(lambda: _count(metrics, counts))


def _count(metrics: ServiceMetrics, counts: "dict[tuple[str, ...], int]") -> None:
    for (name, *labels), amount in counts.items():
        metrics.add(name, *labels, amount=amount)
