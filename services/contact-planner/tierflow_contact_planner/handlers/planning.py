"""Use cases: look at a plan, make plans and commit to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.planning import Period, Plan, plan_period
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.handlers.seeing import book_of, books, manager_of
from tierflow_contact_planner.ports import Outbox, Records, StoredPlan, WritableRecords
from tierflow_shared.contracts.outcomes import ContactPlanned, ContactReason
from tierflow_shared.ids import derived_id


class PeriodError(ValueError):
    """The period ends before it begins, or is longer than the policy plans ahead."""


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan with its manager; `is_committed` says whether it is promised or a draft."""

    manager: Manager
    stored: StoredPlan
    contacts: tuple[Contact, ...]
    is_committed: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """What committing changed: contacts promised (new or with a new day) and taken back."""

    stored: tuple[StoredPlan, ...]
    contacts: int
    said: tuple[Contact, ...]
    withdrawn: int
    traceparents: tuple[str, ...] = ()


def check_period(period: Period, policy: Policy) -> None:
    """Raises PeriodError when the period cannot be planned."""
    days = (period.last - period.first).days + 1
    longest = policy.capacity.longest_period_days
    if not 1 <= days <= longest:
        raise PeriodError(f"a period has 1 to {longest} days")


def show_plan(records: Records, rm_id: str, period: Period, policy: Policy, max_listed: int) -> ShownPlan:
    """The committed plan of exactly this period; without one a draft made now, which promises nothing.

    Raises:
        PeriodError: the period cannot be planned.
        UnknownManagerError: nobody has this id.
    """
    check_period(period, policy)
    manager = manager_of(records, rm_id)
    stored = records.plan(rm_id, period)
    if stored is None:
        plan = make_plans(records, rm_id, period, policy)[0]
        return ShownPlan(manager, _cut(plan, policy, max_listed), plan.contacts, is_committed=False)
    found = records.contacts_between(period.first, period.last, rm_id)
    own = [one for one in found if one.rm_id == rm_id and one.status != "withdrawn"]
    own.sort(key=lambda one: (one.planned_on, one.starts_at, one.contact_id))
    return ShownPlan(manager, stored, tuple(own), is_committed=True)


def make_plans(records: Records, rm_id: str | None, period: Period, policy: Policy) -> list[Plan]:
    """Plans of one manager, or of all active ones, on what is known now. Changes nothing.

    Raises:
        PeriodError: the period cannot be planned.
        UnknownManagerError: nobody has this id.
    """
    check_period(period, policy)
    oldest = period.first - timedelta(days=policy.capacity.longest_period_days)
    known = records.contacts_between(oldest, period.last, rm_id)
    if rm_id is not None:
        manager = manager_of(records, rm_id)
        book = book_of(records, rm_id, period.first, policy)
        return [plan_period(manager, book, known, period, policy)]
    of_owner = books(records, period.first, policy)
    managers = [manager for manager in records.managers() if manager.is_active]
    return [
        plan_period(manager, book, _concerning(manager, book, known), period, policy)
        for manager in managers
        for book in [of_owner.get(manager.rm_id, [])]
    ]


def _concerning(manager: Manager, book: Iterable[CustomerFacts], known: Sequence[Contact]) -> list[Contact]:
    own = {facts.customer_id for facts in book}
    return [one for one in known if one.rm_id == manager.rm_id or one.customer_id in own]


def commit_plans(
    records: WritableRecords,
    outbox: Outbox,
    plans: Sequence[Plan],
    policy: Policy,
    max_listed: int,
    *,
    traced: bool = False,
) -> Committed:
    """Stores plans, says each new or changed contact once, and takes back what is no longer planned.

    Safe to repeat: the same plans change nothing and say nothing. If `traced`, a contact is said in the trace of the
    news that led to it.
    """
    kept: list[Contact] = []
    said: list[Contact] = []
    withdrawn: list[Contact] = []
    stored: list[StoredPlan] = []
    for plan in plans:
        before = {
            one.contact_id: one
            for one in records.contacts_between(plan.period.first, plan.period.last, plan.rm_id)
            if one.rm_id == plan.rm_id
        }
        planned = {one.contact_id for one in plan.contacts}
        changed = [one for one in plan.contacts if one != before.get(one.contact_id) and not _is_over(before, one)]
        said += [one for one in changed if not one.says_the_same_as(before.get(one.contact_id))]
        kept += changed
        withdrawn += [
            replace(one, status="withdrawn")
            for one in before.values()
            if one.status == "planned" and one.contact_id not in planned
        ]
        stored.append(_cut(plan, policy, max_listed))
        records.save_plan(stored[-1])
    records.save_contacts([*withdrawn, *kept])
    traces = records.traceparents({one.customer_id for one in said}) if traced and said else {}
    for one in said:
        outbox.emit(_planned(one), event_id=_said_id(one), traceparent=traces.get(one.customer_id, ""))
    contacts = sum(len(plan.contacts) for plan in plans)
    return Committed(tuple(stored), contacts, tuple(said), len(withdrawn), tuple(traces.values()))


def _is_over(before: Mapping[str, Contact], one: Contact) -> bool:
    """An outcome was recorded while the plan was being made: it stays."""
    known = before.get(one.contact_id)
    return known is not None and known.status == "recorded"


def _cut(plan: Plan, policy: Policy, max_listed: int) -> StoredPlan:
    cut = replace(plan, contacts=(), overflow=plan.overflow[:max_listed], blocked=plan.blocked[:max_listed])
    return StoredPlan(cut, policy.reference, len(plan.contacts), len(plan.overflow), len(plan.blocked))


def _planned(contact: Contact) -> ContactPlanned:
    return ContactPlanned(
        contact_id=contact.contact_id,
        customer_id=contact.customer_id,
        rm_id=contact.rm_id,
        planned_on=contact.planned_on,
        channel=contact.channel,
        purpose=contact.purpose,
        reasons=tuple(
            ContactReason(kind=reason.kind, cause=reason.cause[:200], due_on=reason.due_on)
            for reason in contact.reasons
        ),
    )


def _said_id(contact: Contact) -> str:
    """The same for the same promise, so that a repetition is a duplicate and a new day is news."""
    causes = [f"{reason.cause}@{reason.due_on.isoformat()}" for reason in contact.reasons]
    return derived_id("ev", contact.contact_id, contact.planned_on, contact.channel, contact.purpose, *causes)
