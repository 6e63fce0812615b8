"""Days and periods as the law counts them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tierflow_suitability.domain.calendar import add_months, business_day, last_day_of_period, whole_years


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(1961, 3, 2), date(2026, 3, 1), 64),
        (date(1961, 3, 2), date(2026, 3, 2), 65),
        (date(1960, 2, 29), date(2025, 2, 28), 64),
        (date(1960, 2, 29), date(2025, 3, 1), 65),
        (date(1960, 2, 29), date(2024, 2, 29), 64),
        (date(2026, 3, 2), date(2026, 3, 2), 0),
    ],
)
def test_a_birthday_makes_a_year_older(born: date, on: date, age: int) -> None:
    """The day before the birthday the old age still holds."""
    assert whole_years(born, on) == age


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2025, 3, 2), 12, date(2026, 3, 2)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 8, 31), 1, date(2025, 9, 30)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2025, 12, 31), -1, date(2025, 11, 30)),
    ],
)
def test_months_end_on_the_corresponding_day(start: date, months: int, end: date) -> None:
    """Where the month is too short, its last day takes the place (Civil Code 202)."""
    assert add_months(start, months) == end
    if months > 0:
        assert last_day_of_period(start, months) == end


def test_the_banks_day_is_the_day_in_its_zone() -> None:
    """Late evening in London is the next day in Shanghai."""
    moment = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    assert business_day(moment, UTC) == date(2026, 3, 1)
    assert business_day(moment, ZoneInfo("Asia/Shanghai")) == date(2026, 3, 2)
