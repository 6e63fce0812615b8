"""Working days by region, with China's make-up working days."""

from datetime import date

import pytest

from tierflow_contact_planner.domain.workdays import is_working_day, week_of, working_days


@pytest.mark.parametrize(
    ("on", "region", "works"),
    [
        (date(2026, 2, 14), "CN", True),  # a Saturday made up for Spring Festival
        (date(2026, 2, 17), "CN", False),  # Spring Festival, a Tuesday
        (date(2026, 2, 21), "CN", False),  # an ordinary Saturday
        (date(2026, 2, 14), "CZ", False),
        (date(1998, 7, 6), "CZ", False),  # Jan Hus, a Monday
        (date(1998, 7, 7), "CZ", True),
        (date(2003, 10, 1), "CN", False),  # National Day before the published calendar begins
        (date(2003, 9, 1), "CN", True),
        (date(2026, 12, 25), "XX", True),  # an unknown country has Monday to Friday
        (date(2026, 12, 26), "XX", False),
    ],
)
def test_working_days_follow_the_region(on: date, region: str, works: bool) -> None:
    """Public calendars decide, not weekdays alone."""
    assert is_working_day(on, region) is works


def test_a_period_keeps_its_working_days() -> None:
    """Both ends included; an empty period has none."""
    days = working_days(date(2026, 2, 9), date(2026, 2, 28), "CN")
    assert [day.day for day in days] == [9, 10, 11, 12, 13, 14, 24, 25, 26, 27, 28]
    assert working_days(date(2026, 2, 9), date(2026, 2, 8), "CN") == ()


def test_a_week_is_named_by_its_monday() -> None:
    """Sunday belongs to the week before."""
    assert week_of(date(2026, 3, 8)) == week_of(date(2026, 3, 2)) == date(2026, 3, 2)
