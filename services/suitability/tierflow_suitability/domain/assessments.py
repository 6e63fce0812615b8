"""Assessments of a customer's risk tolerance: how often, when they count, and changed levels (order 7, article 29)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_suitability.domain.calendar import add_months
from tierflow_suitability.domain.cases import RiskAssessment


@dataclass(frozen=True, slots=True)
class Assessment:
    """One answered questionnaire, kept as answered. `number` counts a customer's assessments from 1."""

    assessment_id: str
    customer_id: str
    number: int
    questionnaire: str
    version: str
    questionnaire_hash: str
    answers: Mapping[str, str]
    points: int
    level: int
    previous_level: int | None
    answered_at: datetime
    answered_on: date
    declared_assets: PositiveMoney | None = None
    horizon_days: int | None = None
    confirmed_at: datetime | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """Sorts a customer's assessments, also those of one moment."""
        return (self.answered_at, self.number)

    @property
    def changed(self) -> bool:
        """Whether the level differs from the last one, so that the customer must confirm it."""
        return self.previous_level is not None and self.previous_level != self.level

    @property
    def confirmed(self) -> bool:
        return not self.changed or self.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one customer may be assessed."""

    max_per_day: int
    max_per_12_months: int


class LimitReachedError(Exception):
    """The customer has been assessed too often; `again_on` is the first day on which it is possible."""

    def __init__(self, rule: str, detail: str, again_on: date) -> None:
        super().__init__(detail)
        self.rule, self.detail, self.again_on = rule, detail, again_on


def newest(assessments: Sequence[Assessment], at: datetime) -> Assessment | None:
    """The last assessment not after `at`; if all are later, the first of them (so that a rule can say so)."""
    ordered = sorted(assessments, key=lambda one: one.order)
    before = [one for one in ordered if one.answered_at <= at]
    return before[-1] if before else (ordered[0] if ordered else None)


def check_limits(earlier: Sequence[Assessment], on: date, limits: Limits) -> None:
    """At most so many a day and in 12 months.

    Raises:
        LimitReachedError: one more would be too many.
    """
    days = sorted(one.answered_on for one in earlier if one.answered_on <= on)
    if days.count(on) >= limits.max_per_day:
        detail = f"at most {limits.max_per_day} assessments a day"
        raise LimitReachedError("max-per-day", detail, date.fromordinal(on.toordinal() + 1))
    counted = [day for day in days if on < add_months(day, 12)]
    if len(counted) >= limits.max_per_12_months:
        detail = f"at most {limits.max_per_12_months} assessments in 12 months"
        raise LimitReachedError("max-per-12-months", detail, add_months(counted[-limits.max_per_12_months], 12))


def confirmed(assessment: Assessment, at: datetime) -> Assessment:
    """The customer has confirmed the changed level; repeating it changes nothing."""
    return assessment if assessment.confirmed else replace(assessment, confirmed_at=at)


def for_sale(assessment: Assessment | None) -> RiskAssessment | None:
    """What rules may see of an assessment: the level, never the answers."""
    if assessment is None:
        return None
    return RiskAssessment(
        assessment_id=assessment.assessment_id,
        answered_at=assessment.answered_at,
        answered_on=assessment.answered_on,
        level=assessment.level,
        confirmed=assessment.confirmed,
        declared_assets=assessment.declared_assets,
        horizon_days=assessment.horizon_days,
    )
