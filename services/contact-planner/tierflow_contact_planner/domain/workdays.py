"""Working days of a country. Mainland China has make-up working days on weekends (调休), published year by year."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
import holidays


def is_working_day(day: date, region: str) -> bool:
    """Is `day` a working day in the country `region` (ISO 3166)?

    China: the State Council's calendar (package chinesecalendar), and for years it does not hold yet the statutory
    holidays alone. Other countries: Monday to Friday without public holidays (package holidays); a country that
    package does not know has Monday to Friday.
    """
    if region == "CN" and day.year in _chinese_years():
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and day not in _public_holidays(region, day.year)


def working_days(first: date, last: date, region: str) -> tuple[date, ...]:
    """The working days from `first` to `last`, both included."""
    return tuple(day for day in _days(first, last) if is_working_day(day, region))


def week_of(day: date) -> date:
    """The Monday of the day's week: names the week."""
    return day - timedelta(days=day.weekday())


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


@lru_cache(maxsize=1)
def _chinese_years() -> frozenset[int]:
    return frozenset(day.year for day in chinese_calendar.constants.holidays)


@lru_cache(maxsize=1024)
def _public_holidays(region: str, year: int) -> frozenset[date]:
    try:
        return frozenset(holidays.country_holidays(region, years=year))
    except NotImplementedError:
        return frozenset()
