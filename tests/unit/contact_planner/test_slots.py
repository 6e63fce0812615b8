"""How many contacts fit into a week."""

from collections import Counter
from datetime import date
from fractions import Fraction
from math import ceil

import pytest

from tests.unit.contact_planner.samples import MONDAY, POLICY, day, manager
from tierflow_contact_planner.domain.slots import capacity_of, load_of
from tierflow_contact_planner.domain.workdays import working_days

RULES = POLICY.capacity
WEEK = working_days(MONDAY, day(6), "CZ")


def test_a_full_week_has_a_hundred_places_in_three_bins() -> None:
    """20 a day: 6 for familiar, 12 for unfamiliar customers, 2 for either."""
    capacity = capacity_of(manager(), WEEK, {}, RULES)
    assert len(capacity.slots) == 100
    assert Counter(slot.bin for slot in capacity.slots if slot.day == MONDAY) == {
        "familiar": 6,
        "unfamiliar": 12,
        "flexible": 2,
    }
    assert capacity.weekly_limit == {MONDAY: 100}
    assert capacity.days == WEEK


def test_a_short_week_has_a_shorter_list() -> None:
    """Scaled by working days, rounded down; a week with a made-up Saturday has a longer one."""
    assert capacity_of(manager(weekly_list=99), WEEK[:3], {}, RULES).weekly_limit == {MONDAY: 59}
    made_up = working_days(date(2026, 2, 9), date(2026, 2, 15), "CN")
    assert capacity_of(manager(), made_up, {}, RULES).weekly_limit == {date(2026, 2, 9): 120}


def test_what_is_done_takes_its_place() -> None:
    """First in its own bin, then in the flexible one, then in the other; and off the weekly list."""
    done = {MONDAY: [True] * 9}
    capacity = capacity_of(manager(), WEEK, done, RULES)
    assert Counter(slot.bin for slot in capacity.slots if slot.day == MONDAY) == {"unfamiliar": 11}
    assert capacity.weekly_limit == {MONDAY: 91}


def test_more_done_than_planned_leaves_nothing() -> None:
    """Never a negative number of places."""
    capacity = capacity_of(manager(daily_reached=2, weekly_list=3), WEEK[:1], {MONDAY: [False] * 5}, RULES)
    assert (capacity.slots, capacity.weekly_limit) == ((), {MONDAY: 0})


@pytest.mark.parametrize("book", [[], [(30, 7)], [(30, 7), (20, 14), (10, None)], [(15, 30)] * 50])
def test_the_load_is_minutes_by_cadence(book: list[tuple[int, int | None]]) -> None:
    """Σ(minutes ÷ cadence) over a week, against the exact sum."""
    load = load_of(book, 7, 5, RULES)
    exact = sum((Fraction(minutes * 7, days) for minutes, days in book if days), Fraction())
    assert load.needed_minutes == ceil(exact)
    assert (load.customers, load.available_minutes) == (len(book), 5 * RULES.minutes_per_day)


def test_an_oversized_book_says_so() -> None:
    """Before anything is planned."""
    load = load_of([(30, 7)] * 100, 7, 5, RULES)
    assert (load.is_over, load.percent) == (True, 182)
    assert not load_of([], 7, 0, RULES).is_over
