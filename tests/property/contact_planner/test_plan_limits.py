"""A plan keeps every hard limit, and repeating it changes nothing."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from tests.property.contact_planner.strategies import books, managers, periods
from tests.unit.contact_planner.samples import POLICY
from tierflow_contact_planner.domain.consent import earliest_contact_on
from tierflow_contact_planner.domain.due import due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.planning import Period, Plan, plan_period
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.workdays import is_working_day, week_of, working_days

Ratio = Literal["target", "limit"]
ratios: st.SearchStrategy[Ratio] = st.sampled_from(("target", "limit"))


def policy_with(ratio: Ratio) -> Policy:
    return replace(POLICY, capacity=replace(POLICY.capacity, ratio=ratio))


@given(books(), managers, periods, ratios)
def test_every_hard_limit_holds(book: list[CustomerFacts], manager: Manager, period: Period, ratio: Ratio) -> None:
    """Working days, daily and weekly limits, bins, do-not-disturb, gaps, hours, consent."""
    plan = plan_period(manager, book, [], period, policy_with(ratio))
    facts = {one.customer_id: one for one in book}
    for contact in plan.contacts:
        assert period.first <= contact.planned_on <= period.last
        assert is_working_day(contact.planned_on, manager.region)
        assert contact.planned_on >= earliest_contact_on(facts[contact.customer_id], period.first, POLICY)
        hours = POLICY.hours_of(manager.region)
        assert hours.opens <= contact.starts_at < hours.closes
    assert_gaps(plan)
    assert_limits(plan, manager, ratio)


def assert_gaps(plan: Plan) -> None:
    """Two contacts of one customer are at least the minimum gap apart."""
    by_customer: dict[str, list[int]] = {}
    for contact in plan.contacts:
        by_customer.setdefault(contact.customer_id, []).append(contact.planned_on.toordinal())
    for days in by_customer.values():
        assert all(b - a >= POLICY.contact.minimum_gap_days for a, b in pairwise(sorted(days)))


def assert_limits(plan: Plan, manager: Manager, ratio: Ratio) -> None:
    """At most so many a day and a week, and in limit mode of each kind."""
    days = Counter(contact.planned_on for contact in plan.contacts)
    assert all(count <= manager.daily_reached for count in days.values())
    workdays = Counter(week_of(day) for day in plan.days)
    weeks = Counter(week_of(contact.planned_on) for contact in plan.contacts)
    assert all(count * 5 <= manager.weekly_list * workdays[week] for week, count in weeks.items())
    if ratio == "limit":
        familiar_only = manager.daily_reached * POLICY.capacity.familiar_percent // 100
        unfamiliar_only = manager.daily_reached * POLICY.capacity.unfamiliar_percent // 100
        for day in days:
            familiar = sum(contact.is_familiar for contact in plan.contacts if contact.planned_on == day)
            assert familiar <= manager.daily_reached - unfamiliar_only
            assert days[day] - familiar <= manager.daily_reached - familiar_only


@given(books(), managers, periods)
def test_nobody_is_dropped_silently(book: list[CustomerFacts], manager: Manager, period: Period) -> None:
    """Whoever is due is planned, listed as overflow with a reason, or listed as blocked by consent."""
    plan = plan_period(manager, book, [], period, POLICY)
    due = {f.customer_id for f in book if due_contact(f, period.first, period.last, POLICY) is not None}
    planned = {contact.customer_id for contact in plan.contacts}
    overflow = {left.due.customer_id for left in plan.overflow}
    blocked = {one.customer_id for one in plan.blocked}
    assert planned | overflow | blocked == due
    assert not planned & blocked
    if not working_days(period.first, period.last, manager.region):
        assert not planned


@given(books(), managers, periods, ratios)
def test_planning_again_keeps_every_promise(
    book: list[CustomerFacts], manager: Manager, period: Period, ratio: Ratio
) -> None:
    """With the first plan as commitments the second is the same, contact by contact and day by day."""
    policy = policy_with(ratio)
    first = plan_period(manager, book, [], period, policy)
    second = plan_period(manager, book, first.contacts, period, policy)
    promised = {(one.contact_id, one.planned_on, one.channel, one.purpose) for one in first.contacts}
    assert {(one.contact_id, one.planned_on, one.channel, one.purpose) for one in second.contacts} == promised
    assert plan_period(manager, book, second.contacts, period, policy) == second


@given(books(), managers, periods, st.randoms())
def test_a_plan_does_not_depend_on_the_order_of_the_book(
    book: list[CustomerFacts], manager: Manager, period: Period, random: st.DataObject
) -> None:
    """Ties are decided by contact id."""
    plan = plan_period(manager, book, [], period, POLICY)
    random.shuffle(book)  # type: ignore[attr-defined]
    assert plan_period(manager, book, [], period, POLICY) == plan
