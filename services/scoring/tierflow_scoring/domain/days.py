"""Business days as integers: days since 1970-01-01. Bookings before that day are not taken."""

from datetime import date
from typing import Final

EPOCH: Final = date(1970, 1, 1).toordinal()
NEVER: Final = -1_000_000  # a day before all days, for "has not happened"
FAR: Final = 1_000_000  # a day after all days, for "not known to begin"
LAST: Final = 84_000  # 2199-12-27: days beyond cannot be meant


def day_of(moment: date) -> int:
    """The number of a calendar day."""
    return moment.toordinal() - EPOCH


def date_of(day: int) -> date:
    """The calendar day of a number."""
    return date.fromordinal(day + EPOCH)


def add_months(day: int, months: int) -> int:
    """The same day of the month `months` later; the month's last day where it has no such day."""
    start = date_of(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    after = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1).toordinal()
    length = after - date(year, month + 1, 1).toordinal()
    return day_of(date(year, month + 1, min(start.day, length)))
