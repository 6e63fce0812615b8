"""Use cases that only look: what is due, who owns whom, how well the book is covered."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tierflow_contact_planner.domain.coverage import Coverage, coverage_of
from tierflow_contact_planner.domain.digest import ContactsDigest, digest_of
from tierflow_contact_planner.domain.due import DueContact, due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager, Staff
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.standing import served_tier
from tierflow_contact_planner.ports import Records


class UnknownManagerError(LookupError):
    """No such relationship manager."""


class UnknownCustomerError(LookupError):
    """No such customer."""


@dataclass(frozen=True, slots=True)
class ManagedBook:
    """A manager and how many customers the manager owns on a day."""

    manager: Manager
    customers: int


def owner_of(facts: CustomerFacts, staff: Staff, day: date, policy: Policy) -> str:
    """The manager who owns a customer on a day, by assignment or by rule."""
    _, service = served_tier(facts, day, policy)
    assigned = facts.profile.rm_id if facts.profile else None
    return staff.owner(facts.customer_id, assigned, service.roles)


def manager_of(records: Records, rm_id: str) -> Manager:
    """The manager of this id.

    Raises:
        UnknownManagerError: nobody has this id.
    """
    found = next((manager for manager in records.managers() if manager.rm_id == rm_id), None)
    if found is None:
        raise UnknownManagerError(rm_id)
    return found


def book_of(records: Records, rm_id: str, day: date, policy: Policy) -> list[CustomerFacts]:
    """The customers that a manager owns on a day, in the order of their ids."""
    staff = Staff(records.managers())
    return [facts for facts in records.customers_perhaps_of(rm_id) if owner_of(facts, staff, day, policy) == rm_id]


def books(records: Records, day: date, policy: Policy) -> Mapping[str, list[CustomerFacts]]:
    """All customers by their owner; the key "pool" holds those nobody can serve."""
    staff = Staff(records.managers())
    found: dict[str, list[CustomerFacts]] = {}
    for facts in records.customers():
        found.setdefault(owner_of(facts, staff, day, policy), []).append(facts)
    return found


def managed_books(records: Records, day: date, policy: Policy) -> list[ManagedBook]:
    """Every manager with the size of the book, in the order of their ids."""
    sizes = {rm_id: len(book) for rm_id, book in books(records, day, policy).items()}
    return [ManagedBook(manager, sizes.get(manager.rm_id, 0)) for manager in records.managers()]


def due_now(facts: CustomerFacts, as_of: date, policy: Policy) -> DueContact | None:
    """What is due for a customer on a day, within the policy's horizon."""
    return due_contact(facts, as_of, as_of + timedelta(days=policy.contact.horizon_days), policy)


def customer_of(records: Records, customer_id: str) -> CustomerFacts:
    """What is known about a customer.

    Raises:
        UnknownCustomerError: nothing is known.
    """
    facts = records.customer(customer_id)
    if facts is None:
        raise UnknownCustomerError(customer_id)
    return facts


def coverage(records: Records, rm_id: str | None, as_of: date, policy: Policy) -> Coverage:
    """Coverage of one book or of the whole bank.

    Raises:
        UnknownManagerError: nobody has this id.
    """
    if rm_id is None:
        return coverage_of(records.customers(), as_of, policy)
    manager_of(records, rm_id)
    return coverage_of(book_of(records, rm_id, as_of, policy), as_of, policy)


def contacts_digest(records: Records, as_of: date, policy: Policy) -> ContactsDigest:
    """One number over what is due for all customers on a day."""
    return digest_of(_owned_and_due(records.customers(), Staff(records.managers()), as_of, policy))


def _owned_and_due(
    customers: Iterable[CustomerFacts], staff: Staff, as_of: date, policy: Policy
) -> Iterator[tuple[str, DueContact]]:
    for facts in customers:
        due = due_now(facts, as_of, policy)
        if due is not None:
            yield owner_of(facts, staff, as_of, policy), due
