"""From domain values to the shapes of answers."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from tierflow_scoring.api import models
from tierflow_scoring.domain.days import date_of
from tierflow_scoring.domain.decision import amount_text, feature_text
from tierflow_scoring.domain.policy import PolicyVersion, Service, Words
from tierflow_scoring.domain.scores import Score
from tierflow_scoring.handlers.customer_view import CustomerView, StandingView
from tierflow_shared.contracts.outcomes import Reason
from tierflow_shared.money import decimal_text


def title(words: Words) -> models.Title:
    """Both languages."""
    return models.Title(en=words.en, zh=words.zh)


def money(minor: int, currency: str) -> models.Amount:
    """An exact amount."""
    return models.Amount(value=decimal_text(minor, currency), currency=currency)


def reasons(rows: Iterable[Reason]) -> list[models.ReasonView]:
    """Reasons as they stand in decisions."""
    return [
        models.ReasonView(
            measure=row.measure,
            value=row.value,
            threshold=row.threshold,
            missing=row.missing,
            contribution=row.contribution,
        )
        for row in rows
    ]


def features(values: Mapping[str, int], currency: str) -> dict[str, str]:
    """Features as text."""
    return {name: feature_text(name, value, currency) for name, value in values.items()}


def optional_day(day: int | None) -> date | None:
    """A day as a date."""
    return None if day is None else date_of(day)


def moment(ms: int) -> datetime:
    """A moment in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def service(row: Service) -> models.ServiceView:
    """What a tier gets."""
    return models.ServiceView(
        owner=title(row.owner),
        channel=title(row.channel),
        response_time=title(row.response_time),
        cadence=title(row.cadence),
        benefits=[title(benefit) for benefit in row.benefits],
    )


def customer(view: CustomerView, currency: str) -> models.CustomerOut:
    """A customer as she stands now."""
    return models.CustomerOut(
        customer_id=view.customer_id,
        as_of=optional_day(view.as_of),
        tiers=[standing(row, currency) for row in view.standings],
        scores=[score(row) for row in view.scores],
        features=features(view.features, currency),
    )


def standing(row: StandingView, currency: str) -> models.StandingOut:
    """One scheme's standing."""
    version = row.version
    tier = version.tiers[row.standing.tier]
    return models.StandingOut(
        scheme=row.scheme,
        tier=tier.name,
        title=title(tier.title),
        provisional=row.standing.provisional,
        effective_on=date_of(row.effective_on),
        policy_version=version.version,
        measure=version.measure.name,
        measure_value=amount_text(version.measure, row.measure, currency),
        reasons=reasons(row.reasons),
        pending=pending(row, currency),
        next=next_tier(row, currency),
        service=service(tier.service),
    )


def pending(row: StandingView, currency: str) -> models.PendingView | None:
    """The pending downgrade of a standing, with what would keep the tier."""
    waiting, keep = row.standing.pending, row.to_keep
    if waiting is None or keep is None:
        return None
    version = row.version
    return models.PendingView(
        tier=version.tiers[waiting.tier].name,
        since=date_of(waiting.since),
        due_on=date_of(waiting.due_on),
        shortfall=f"{amount_text(version.measure, keep.amount, currency)} {unit(version, currency)}",
        words=keep.words,
    )


def unit(version: PolicyVersion, currency: str) -> str:
    """What a version's measure counts in."""
    return currency if version.measure.unit == "money" else "points"


def next_tier(row: StandingView, currency: str) -> models.NextTier | None:
    """What is missing for the tier above."""
    missing, version = row.missing, row.version
    if missing is None:
        return None
    is_money = version.measure.unit == "money"
    return models.NextTier(
        tier=missing.tier,
        missing=amount_text(version.measure, missing.amount, currency),
        amount=money(missing.amount, currency) if is_money else None,
        words=missing.words,
    )


def score(row: Score) -> models.ScoreView:
    """A dimension's score with its parts."""
    return models.ScoreView(
        dimension=row.dimension.name,
        title=models.Title(en=row.dimension.en, zh=row.dimension.zh),
        score=row.points,
        parts=[
            models.ScorePartView(feature=part.feature, points=points, weight_percent=part.weight_percent)
            for part, points in row.parts
        ],
    )
