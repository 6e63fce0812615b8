"""How often a customer may be assessed, and which assessment counts (order 7 of 2025, article 29)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tierflow_suitability.domain.assessments import (
    Assessment,
    LimitReachedError,
    Limits,
    check_limits,
    confirmed,
    for_sale,
    newest,
)

LIMITS = Limits(max_per_day=2, max_per_12_months=8)
TODAY = date(2026, 3, 2)


def assessment(on: date, number: int = 1, level: int = 3, previous: int | None = None) -> Assessment:
    return Assessment(
        assessment_id=f"a-{number}",
        customer_id="c-1",
        number=number,
        questionnaire="cn-retail",
        version="2026.1",
        questionnaire_hash="",
        answers={},
        points=50,
        level=level,
        previous_level=previous,
        answered_at=datetime(on.year, on.month, on.day, 9, 0, number, tzinfo=UTC),
        answered_on=on,
    )


def test_the_third_of_a_day_is_refused() -> None:
    """Tomorrow it is possible again."""
    check_limits([assessment(TODAY, 1)], TODAY, LIMITS)
    with pytest.raises(LimitReachedError) as error:
        check_limits([assessment(TODAY, 1), assessment(TODAY, 2)], TODAY, LIMITS)
    assert (error.value.rule, error.value.again_on) == ("max-per-day", date(2026, 3, 3))


def test_the_ninth_in_12_months_is_refused() -> None:
    """The day says when the oldest one no longer counts."""
    earlier = [assessment(date(2025, 3, 3) + timedelta(days=30 * n), n) for n in range(8)]
    with pytest.raises(LimitReachedError) as error:
        check_limits(earlier, TODAY, LIMITS)
    assert (error.value.rule, error.value.again_on) == ("max-per-12-months", date(2026, 3, 3))
    check_limits(earlier, date(2026, 3, 3), LIMITS)


def test_a_changed_level_waits_for_the_customer() -> None:
    """The first one and an unchanged one count at once."""
    assert assessment(TODAY).confirmed
    assert assessment(TODAY, level=3, previous=3).confirmed
    changed = assessment(TODAY, level=4, previous=3)
    assert not changed.confirmed
    at = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    once = confirmed(changed, at)
    assert once.confirmed
    assert confirmed(once, at + timedelta(hours=1)) is once


def test_the_newest_before_the_sale_counts() -> None:
    """Later ones are taken only if there is nothing else, so that a rule can object to them."""
    first, second = assessment(date(2026, 1, 1), 1), assessment(date(2026, 2, 1), 2)
    assert newest([second, first], datetime(2026, 1, 15, tzinfo=UTC)) is first
    assert newest([second, first], datetime(2026, 3, 1, tzinfo=UTC)) is second
    assert newest([second], datetime(2026, 1, 15, tzinfo=UTC)) is second
    assert newest([], datetime(2026, 1, 15, tzinfo=UTC)) is None


def test_rules_see_the_level_and_never_the_answers() -> None:
    """What goes into decisions is the least that is needed."""
    seen = for_sale(assessment(TODAY))
    assert seen is not None
    assert not hasattr(seen, "answers")
    assert for_sale(None) is None
