"""A relationship manager's plan for a period: every due contact on a day, or listed with the reason why not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Literal

from tierflow_contact_planner.domain.assignment import Job, assign
from tierflow_contact_planner.domain.cadence import cadence_of
from tierflow_contact_planner.domain.consent import undisturbed_until
from tierflow_contact_planner.domain.contacts import Contact, contact_id, planned_contact
from tierflow_contact_planner.domain.due import DueContact, cadence_alone, due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.slots import Capacity, Load, Slot, capacity_of, load_of
from tierflow_contact_planner.domain.standing import served_tier
from tierflow_contact_planner.domain.workdays import week_of, working_days

OverflowRule = Literal["capacity", "ratio", "do-not-disturb", "minimum-gap", "no-working-day"]


@dataclass(frozen=True, slots=True)
class Period:
    """The days to plan, both included. What is due is judged on the first."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Overflow:
    """A due contact that got no day, and the rule that kept it out."""

    due: DueContact
    rule: OverflowRule


@dataclass(frozen=True, slots=True)
class Plan:
    """What one manager does in a period. `contacts` are ordered by day, time and id."""

    rm_id: str
    period: Period
    days: tuple[date, ...]
    contacts: tuple[Contact, ...]
    overflow: tuple[Overflow, ...]
    blocked: tuple[DueContact, ...]
    load: Load


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A due contact with its job in the assignment problem."""

    job: Job
    due: DueContact


def plan_period(
    manager: Manager, book: Sequence[CustomerFacts], known: Sequence[Contact], period: Period, policy: Policy
) -> Plan:
    """The plan of one manager.

    `book` are the customers the manager owns; `known` are all contacts planned since one longest period before the
    first day: recorded ones take their slots and ids, planned ones are commitments that are kept where they fit.
    """
    due = {facts.customer_id: _due(facts, period, policy) for facts in book}
    blocked = [one for one in due.values() if one is not None and one.is_blocked]
    wanted: list[_Wanted] = []
    overflow: list[Overflow] = []
    used = {one.contact_id for one in known if one.status == "recorded"}
    commitments = _commitments(known, period)
    for facts in book:
        one = due[facts.customer_id]
        if one is None or one.is_blocked:
            continue
        if rule := _kept_out_by(one, facts, manager, period):
            overflow.append(Overflow(one, rule))
            continue
        wanted += _wanted(one, facts, manager, used, commitments, period, policy)
    days = working_days(period.first, period.last, manager.region)
    capacity = capacity_of(manager, days, _taken(manager.rm_id, known, period), policy.capacity)
    placed = assign([one.job for one in wanted], capacity, policy)
    overflow += _left_out(wanted, placed, capacity)
    return Plan(
        rm_id=manager.rm_id,
        period=period,
        days=days,
        contacts=_with_times(wanted, placed, manager, policy),
        overflow=tuple(sorted(overflow, key=lambda left: (left.due.due_on, left.due.customer_id))),
        blocked=tuple(sorted(blocked, key=lambda one: (one.due_on, one.customer_id))),
        load=book_load(book, len(days), period, policy),
    )


def book_load(book: Iterable[CustomerFacts], workdays: int, period: Period, policy: Policy) -> Load:
    """Minutes the book needs by its cadences in the period, beside what there is."""
    pairs = []
    for facts in book:
        cadence = cadence_of(facts, period.first, policy)
        _, service = served_tier(facts, period.first, policy)
        pairs.append((service.minutes, cadence.days if cadence else None))
    return load_of(pairs, (period.last - period.first).days + 1, workdays, policy.capacity)


def _due(facts: CustomerFacts, period: Period, policy: Policy) -> DueContact | None:
    return due_contact(facts, period.first, period.last, policy)


def _kept_out_by(due: DueContact, facts: CustomerFacts, manager: Manager, period: Period) -> OverflowRule | None:
    if due.not_before > period.last:
        quiet = undisturbed_until(facts, period.first)
        return "do-not-disturb" if quiet is not None and quiet >= period.last else "minimum-gap"
    if not working_days(max(period.first, due.not_before), period.last, manager.region):
        return "no-working-day"
    return None


def _wanted(
    due: DueContact,
    facts: CustomerFacts,
    manager: Manager,
    used: set[str],
    commitments: Mapping[str, set[date]],
    period: Period,
    policy: Policy,
) -> list[_Wanted]:
    """The due contact, and again after each cadence that ends inside the period (twice a week, long periods)."""
    found: list[_Wanted] = []
    promised = commitments.get(due.customer_id, set())
    for first, last, target, one in _windows(due, facts, period, policy):
        if not working_days(first, last, manager.region):
            continue
        committed_on = next((day for day in sorted(promised) if first <= day <= last), None)
        weight = _weight(one, period.first, policy) + policy.weights.committed * (committed_on is not None)
        identity = _free_id(manager.rm_id, due.customer_id, week_of(target), used)
        job = Job(identity, first, last, target, weight, due.is_familiar, committed_on)
        found.append(_Wanted(job, one))
    return found


def _windows(
    due: DueContact, facts: CustomerFacts, period: Period, policy: Policy
) -> Iterable[tuple[date, date, date, DueContact]]:
    """(first, last, target, contact): windows of one customer keep the minimum gap whatever days are chosen."""
    first = max(period.first, due.not_before)
    target, one = max(first, due.due_on), due
    rhythm, regular = cadence_of(facts, period.first, policy), cadence_alone(due, facts, period.first, policy)
    gap = timedelta(days=policy.contact.minimum_gap_days)
    while True:
        following = target + timedelta(days=rhythm.days) if rhythm and regular else None
        if following is None or following > period.last or following - gap < target:
            yield first, period.last, target, one
            return
        yield first, following - gap, target, one
        assert regular is not None, "a following contact comes from the cadence"
        reason = replace(regular.reasons[0], due_on=following)
        first, target, one = following, following, replace(regular, due_on=following, reasons=(reason,))


def _weight(due: DueContact, day: date, policy: Policy) -> int:
    weights = policy.weights
    overdue_days = min(max(0, (day - due.due_on).days), weights.overdue_days_counted)
    heaviest_class = max(weights.of_class[reason.klass] for reason in due.reasons)
    return heaviest_class + weights.per_overdue_day * overdue_days + weights.per_tier_rank * due.tier_rank


def _free_id(rm_id: str, customer_id: str, week: date, used: set[str]) -> str:
    """The first id of the week that no contact that is over, and no other of this plan, has."""
    for number in count():
        identity = contact_id(rm_id, customer_id, week, number)
        if identity not in used:
            used.add(identity)
            return identity
    raise AssertionError("numbers do not end")


def _commitments(known: Iterable[Contact], period: Period) -> Mapping[str, set[date]]:
    """Days promised to each customer, by whichever manager promised them."""
    promised: dict[str, set[date]] = defaultdict(set)
    for one in known:
        if one.status == "planned" and period.first <= one.planned_on <= period.last:
            promised[one.customer_id].add(one.planned_on)
    return promised


def _taken(rm_id: str, known: Iterable[Contact], period: Period) -> Mapping[date, Sequence[bool]]:
    taken: dict[date, list[bool]] = defaultdict(list)
    for one in known:
        if one.rm_id == rm_id and one.status == "recorded" and period.first <= one.planned_on <= period.last:
            taken[one.planned_on].append(one.is_familiar)
    return taken


def _left_out(wanted: Iterable[_Wanted], placed: Mapping[str, Slot], capacity: Capacity) -> list[Overflow]:
    free = Counter(capacity.slots) - Counter(placed.values())
    in_week = Counter(week_of(slot.day) for slot in placed.values())
    open_days = {slot.day for slot in free if in_week[week_of(slot.day)] < capacity.weekly_limit[week_of(slot.day)]}
    left = [one for one in wanted if one.job.contact_id not in placed]
    return [
        Overflow(one.due, "ratio" if any(one.job.first <= day <= one.job.last for day in open_days) else "capacity")
        for one in left
    ]


def _with_times(
    wanted: Iterable[_Wanted], placed: Mapping[str, Slot], manager: Manager, policy: Policy
) -> tuple[Contact, ...]:
    """Gives each day's contacts their times: the most urgent first, evenly over the region's hours."""
    of_day: dict[date, list[_Wanted]] = defaultdict(list)
    for one in wanted:
        if slot := placed.get(one.job.contact_id):
            of_day[slot.day].append(one)
    contacts = []
    for day, members in sorted(of_day.items()):
        members.sort(key=lambda one: (-one.job.weight, one.due.due_on, one.job.contact_id))
        for index, one in enumerate(members):
            starts_at = _starts_at(index, max(manager.daily_reached, len(members)), manager.region, policy)
            contacts.append(planned_contact(one.due, one.job.contact_id, manager.rm_id, day, starts_at))
    return tuple(contacts)


def _starts_at(index: int, places: int, region: str, policy: Policy) -> time:
    hours = policy.hours_of(region)
    opens, closes = (datetime.combine(date.min, at) for at in (hours.opens, hours.closes))
    return (opens + index * ((closes - opens) // places)).time().replace(second=0, microsecond=0)
