"""What the use cases need from the outside: one working set per transaction, and queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from msgspec import Struct

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_shared.contracts.primitives import Data
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.chain import ChainReport
from tierflow_suitability.domain.customers import Customer, Version
from tierflow_suitability.domain.packs import Rulebook
from tierflow_suitability.domain.questionnaire import Questionnaire
from tierflow_suitability.domain.records import AuditEntry, DecisionRecord
from tierflow_suitability.domain.reference import Versioned
from tierflow_suitability.domain.sales import Sale


@dataclass(frozen=True, slots=True)
class Office:
    """What every decision of this bank relies on: its rules, its questionnaires, its calendar."""

    rulebook: Rulebook
    questionnaires: Mapping[tuple[str, str], Questionnaire]
    zone: tzinfo


class Needed(Struct, frozen=True):
    """What a transaction will ask for, said before it starts, so that it can be read in a few statements.

    `open_sales_of` are customers with news; `overdue_before` is the newest business date (ISO).
    """

    customers: frozenset[str] = frozenset()
    sales: frozenset[str] = frozenset()
    open_sales_of: frozenset[str] = frozenset()
    waiting_products: frozenset[str] = frozenset()
    waiting_staff: frozenset[str] = frozenset()
    overdue_before: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionsDigest:
    """All sales in one hash, and how they came out."""

    digest: str
    sales: int
    by_outcome: dict[str, int]
    by_state: dict[str, int]
    by_rule: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class ProductVersion:
    """A product as told, and by whom and when."""

    version: Version
    product: ProductUpdated


class Queries(Protocol):
    """What can be asked without changing anything. Every call is one consistent view."""

    def sale(self, sale_id: str) -> tuple[Sale, DecisionRecord | None] | None:
        """A sale with its present decision."""

    def sales(self, customer_id: str | None, state: str | None, after: str | None, limit: int) -> Sequence[Sale]:
        """Sales in order of their ids, at most `limit`."""

    def current_decision(self, sale: Sale) -> DecisionRecord | None:
        """The decision a sale stands under."""

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """A decision as it was made."""

    def assessments(self, customer_id: str) -> Sequence[Assessment]:
        """A customer's assessments, newest first."""

    def product(self, product_id: str) -> ProductVersion | None:
        """The newest version of a product."""

    def verify_audit(self) -> ChainReport:
        """Walks the whole audit log."""

    def digest(self) -> DecisionsDigest:
        """One hash over all sales in order of their ids: outcome, state, each rule's verdict."""


class Desk(Protocol):
    """The papers of one transaction. What is kept here is written together, or not at all.

    Reads see what was kept before in the same transaction. A customer or sale must have been loaded by the
    transaction's opening, so that a batch needs a handful of statements; asking for another one is an error.
    """

    @property
    def now(self) -> datetime:
        """The moment of this transaction, in UTC."""

    def customer(self, customer_id: str) -> Customer:
        """What is known of a customer; empty registers for one nobody has told us about."""

    def keep_customer(self, customer_id: str, customer: Customer) -> None: ...

    def assessments(self, customer_id: str) -> Sequence[Assessment]:
        """All assessments of a customer, oldest first."""

    def keep_assessment(self, assessment: Assessment) -> None: ...

    def product(self, product_id: str, at: datetime) -> ProductUpdated | None:
        """The product as it held at a moment; None if nobody has told us about it."""

    def newest_product(self, product_id: str) -> Versioned[ProductUpdated] | None:
        """The newest statement about a product, even if it is dated in the future."""

    def keep_product(self, version: Version, time: datetime, product: ProductUpdated) -> bool:
        """Takes a version in; False if it was known."""

    def staff(self, rm_id: str, at: datetime) -> RmUpdated | None:
        """The member of staff as it held at a moment; None if unknown."""

    def keep_staff(self, version: Version, time: datetime, staff: RmUpdated) -> bool:
        """Takes a version in; False if it was known."""

    def sale(self, sale_id: str) -> Sale | None: ...

    def keep_sale(self, sale: Sale) -> None: ...

    def open_sales(self, customer_id: str) -> Sequence[Sale]:
        """The customer's open sales, in order of their ids."""

    def waiting_for(self, product_id: str | None = None, staff_id: str | None = None) -> Sequence[Sale]:
        """Sales without a decision that name this product or member of staff, in order of their ids."""

    def overdue(self, partition: int, before: str) -> Sequence[Sale]:
        """Open sales from a partition whose last day lies before the date (ISO), in order of their ids."""

    def first_decision(self, sale_id: str) -> DecisionRecord | None:
        """The decision with which a sale began; None if it had to wait for it."""

    def record(self, entry: AuditEntry) -> None:
        """Appends to the tamper-evident log."""

    def note(self, subject: str, action: str, thing: str, outcome: str) -> None:
        """Writes a privileged act down for auditors: who did what to what, and how it came out."""

    def emit(self, data: Data, event_id: str) -> None:
        """Says something to the world once the transaction is durable; the same id for the same thing."""

    def count_decision(self, pack: str, outcome: str) -> None:
        """Counts a decision in the metrics, once the transaction is durable."""

    def count_closed(self, state: str) -> None:
        """Counts a sale that ended in the metrics, once the transaction is durable."""
