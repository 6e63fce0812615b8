"""Why a tier: reasons in numbers, what is missing for the next tier, what would keep a pending one."""

from dataclasses import dataclass

from tierflow_scoring.domain.features import MONEY_FEATURES
from tierflow_scoring.domain.measures import contributions
from tierflow_scoring.domain.policy import Measure, PolicyVersion, Tier
from tierflow_scoring.domain.standing import Standing
from tierflow_shared.contracts.outcomes import Reason
from tierflow_shared.money import decimal_text


@dataclass(frozen=True, slots=True)
class Distance:
    """How far it is to a tier, in the unit of the measure (minor units or points)."""

    tier: str
    amount: int
    words: str


def amount_text(measure: Measure, amount: int, currency: str) -> str:
    """A measure's value as text: money exactly, points as they are."""
    return decimal_text(amount, currency) if measure.unit == "money" else str(amount)


def _distance(version: PolicyVersion, tier: Tier, amount: int, currency: str) -> Distance:
    unit = currency if version.measure.unit == "money" else "points"
    text = amount_text(version.measure, amount, currency)
    return Distance(tier.name, amount, f"{text} {unit} short of {tier.name}")


def missing_for_next(version: PolicyVersion, standing: Standing, measure: int, currency: str) -> Distance | None:
    """What is missing for the tier above; None at the top, or when the measure suffices already."""
    if standing.tier + 1 >= len(version.tiers):
        return None
    above = version.tiers[standing.tier + 1]
    return _distance(version, above, above.enter - measure, currency) if measure < above.enter else None


def shortfall(version: PolicyVersion, standing: Standing, measure: int, currency: str) -> Distance:
    """What would keep the present tier while a downgrade is pending."""
    tier = version.tiers[standing.tier]
    return _distance(version, tier, max(0, tier.exit - measure), currency)


def reasons_for(
    version: PolicyVersion, standing: Standing, measure: int, features: dict[str, int], currency: str
) -> tuple[Reason, ...]:
    """The measure against the present tier's threshold, then each part of a composite with its contribution."""
    missing = missing_for_next(version, standing, measure, currency)
    tier = version.tiers[standing.tier]
    whole = Reason(
        measure=version.measure.name,
        value=amount_text(version.measure, measure, currency),
        threshold=amount_text(version.measure, tier.enter, currency),
        missing=amount_text(version.measure, missing.amount, currency) if missing else None,
    )
    if not version.measure.parts:
        return (whole,)
    given = contributions(version.measure, features)
    parts = (
        Reason(
            measure=part.name,
            value=f"{part.feature} {feature_text(part.feature, features[part.feature], currency)}",
            contribution=given[part.name],
        )
        for part in version.measure.parts
    )
    return (whole, *parts)


def feature_text(name: str, value: int, currency: str) -> str:
    """A feature as text: money exactly, days and counts as they are."""
    return decimal_text(value, currency) if name in MONEY_FEATURES else str(value)
