"""Days as numbers, and months that are not all of the same length."""

from datetime import date

import pytest

from tierflow_scoring.domain.days import add_months, date_of, day_of


def test_days_count_from_1970() -> None:
    """There and back."""
    assert day_of(date(1970, 1, 1)) == 0
    assert date_of(day_of(date(1993, 7, 1))) == date(1993, 7, 1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2024, 1, 15), 6, (2024, 7, 15)),
        ((2024, 8, 31), 6, (2025, 2, 28)),
        ((2023, 8, 31), 6, (2024, 2, 29)),
        ((2024, 7, 1), 6, (2025, 1, 1)),
        ((2024, 6, 30), 0, (2024, 6, 30)),
    ],
)
def test_months_end_where_the_shorter_month_ends(
    start: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    """Six months after the last of August is the last of February."""
    assert add_months(day_of(date(*start)), months) == day_of(date(*end))
