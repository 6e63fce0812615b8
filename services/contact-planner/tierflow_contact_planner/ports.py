"""What the use cases need from outside: records of the service and a way to say things."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.facts import CustomerFacts, Version
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.planning import Period, Plan
from tierflow_contact_planner.domain.policy import Text
from tierflow_shared.contracts.primitives import Data


@dataclass(frozen=True, slots=True)
class Product:
    """A product's names as last stated."""

    version: Version
    product_id: str
    name: Text


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A committed plan without its contacts (they live on their own); lists may be cut, totals are exact."""

    plan: Plan
    policy: str
    contacts: int
    overflow_total: int
    blocked_total: int


class Records(Protocol):
    """Reads what the service knows, all from one consistent view."""

    def customer(self, customer_id: str) -> CustomerFacts | None: ...

    def customers(self) -> Iterator[CustomerFacts]:
        """All customers in the order of their ids."""

    def customers_perhaps_of(self, rm_id: str) -> Iterator[CustomerFacts]:
        """Customers assigned to this manager, and all whose assigned manager is missing or not active."""

    def traceparents(self, customer_ids: Iterable[str]) -> Mapping[str, str]:
        """The traces of the last traced news of customers; those without one are left out."""

    def managers(self) -> Sequence[Manager]: ...

    def product_names(self, product_ids: Iterable[str]) -> Mapping[str, Text]: ...

    def contact(self, contact_id: str) -> Contact | None: ...

    def contacts_between(self, first: date, last: date, rm_id: str | None = None) -> Sequence[Contact]:
        """Contacts planned on these days, of all managers or of one and of the customers assigned to that one."""

    def contacts_of(self, customer_id: str, after: tuple[str, str] | None, limit: int) -> Sequence[Contact]:
        """A customer's contacts, newest first, after (day, id)."""

    def plan(self, rm_id: str, period: Period) -> StoredPlan | None: ...

    def business_date(self) -> date | None:
        """The latest business date that events have told; None before the first."""


class WritableRecords(Records, Protocol):
    """Reads and writes inside one unit of work."""

    def customers_for_update(self, customer_ids: Iterable[str]) -> dict[str, CustomerFacts]:
        """Locks and returns these customers; one that was unknown starts with empty facts."""

    def save_customers(self, customers: Iterable[CustomerFacts]) -> None: ...

    def managers_for_update(self, rm_ids: Iterable[str]) -> dict[str, Manager]: ...

    def save_managers(self, managers: Iterable[Manager]) -> None: ...

    def products_for_update(self, product_ids: Iterable[str]) -> dict[str, Product]: ...

    def save_products(self, products: Iterable[Product]) -> None: ...

    def contact_for_update(self, contact_id: str) -> Contact | None: ...

    def save_contacts(self, contacts: Iterable[Contact]) -> None:
        """Inserts or replaces; a contact whose outcome is recorded is never replaced by a planned one."""

    def save_plan(self, stored: StoredPlan) -> None: ...

    def note_business_dates(self, declared: date | None, observed: date | None) -> None:
        """Keeps the latest of each: declared by the bank's calendar, observed on events."""

    def known_events(self, identities: Iterable[bytes]) -> Mapping[bytes, bytes]:
        """The content hashes of those events that were seen before, by identity hash."""

    def remember_events(self, contents: Mapping[bytes, bytes]) -> None: ...


class Outbox(Protocol):
    """Says things to the other services, in the transaction of the caller."""

    def emit(self, data: Data, *, event_id: str, traceparent: str = "") -> None: ...
