"""Days and periods as the law counts them."""

from calendar import monthrange
from datetime import date, datetime, tzinfo


def add_months(day: date, months: int) -> date:
    """The corresponding day so many months later (or earlier), or the month's last day where there is none."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day_of_period(starts_on: date, months: int) -> date:
    """Last day of a period of months: the corresponding day, included (Civil Code of the PRC, articles 201, 202)."""
    return add_months(starts_on, months)


def whole_years(birth_date: date, on: date) -> int:
    """Age in completed years; somebody born on 29 February turns a year older on 1 March of a common year."""
    had_birthday = (on.month, on.day) >= (birth_date.month, birth_date.day)
    return on.year - birth_date.year - (0 if had_birthday else 1)


def business_day(moment: datetime, zone: tzinfo) -> date:
    """The bank's calendar day at a moment."""
    return moment.astimezone(zone).date()
