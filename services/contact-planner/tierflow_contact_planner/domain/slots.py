"""How many contacts fit: slots per day in three bins, scaled by working days, and the time that a book needs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from math import ceil
from typing import Literal

from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.policy import CapacityRules
from tierflow_contact_planner.domain.workdays import week_of

Bin = Literal["familiar", "unfamiliar", "flexible"]


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One place for one contact on a day."""

    day: date
    bin: Bin


@dataclass(frozen=True, slots=True)
class Capacity:
    """The slots of a period, and the most contacts of each of its weeks (weeks are named by their Monday)."""

    slots: tuple[Slot, ...]
    weekly_limit: Mapping[date, int]

    @property
    def days(self) -> tuple[date, ...]:
        """The days that have slots."""
        return tuple(day for day, _ in groupby(self.slots, key=lambda slot: slot.day))


def capacity_of(
    manager: Manager, days: Sequence[date], taken: Mapping[date, Sequence[bool]], rules: CapacityRules
) -> Capacity:
    """The free slots on the working days of a period.

    `taken` holds for each day whether each contact that already happened was with a familiar customer. The weekly
    list is scaled by the working days of the week that lie in the period.
    """
    slots: list[Slot] = []
    limits: dict[date, int] = {}
    for week, members in groupby(sorted(days), key=week_of):
        in_week = list(members)
        used = sum(len(done) for day, done in taken.items() if week_of(day) == week)
        scaled = manager.weekly_list * len(in_week) // rules.full_week_days
        limits[week] = max(0, scaled - used)
        for day in in_week:
            slots += _slots_of(day, manager.daily_reached, taken.get(day, ()), rules)
    return Capacity(tuple(slots), limits)


def _slots_of(day: date, daily: int, taken: Sequence[bool], rules: CapacityRules) -> list[Slot]:
    counts: dict[Bin, int] = {
        "familiar": daily * rules.familiar_percent // 100,
        "unfamiliar": daily * rules.unfamiliar_percent // 100,
    }
    counts["flexible"] = daily - counts["familiar"] - counts["unfamiliar"]
    for is_familiar in taken:
        own: Bin = "familiar" if is_familiar else "unfamiliar"
        other: Bin = "unfamiliar" if is_familiar else "familiar"
        used: Bin = next((name for name in (own, "flexible", other) if counts[name] > 0), own)
        counts[used] = max(0, counts[used] - 1)
    return [Slot(day, name) for name, count in counts.items() for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Load:
    """Minutes that the book needs in a period by its cadences, beside the minutes there are."""

    needed_minutes: int
    available_minutes: int
    customers: int

    @property
    def percent(self) -> int:
        """Share of the available time that is needed, rounded up; 0 when nothing is needed."""
        if self.needed_minutes == 0:
            return 0
        return -(-self.needed_minutes * 100 // max(1, self.available_minutes))

    @property
    def is_over(self) -> bool:
        """True when the book is larger than the manager's time."""
        return self.needed_minutes > self.available_minutes


def load_of(book: Iterable[tuple[int, int | None]], calendar_days: int, workdays: int, rules: CapacityRules) -> Load:
    """Σ(minutes ÷ cadence) over a book of (minutes per contact, cadence in days or None), rounded up once."""
    customers, minutes_by_cadence = 0, Counter[int]()
    for minutes, cadence_days in book:
        customers += 1
        if cadence_days:
            minutes_by_cadence[cadence_days] += minutes
    needed = sum((Fraction(minutes * calendar_days, days) for days, minutes in minutes_by_cadence.items()), Fraction())
    return Load(ceil(needed), workdays * rules.minutes_per_day, customers)
