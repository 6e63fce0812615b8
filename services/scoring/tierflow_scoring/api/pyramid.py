"""Routes over the whole book: who stands where, who moved when, who moved most."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from tierflow_scoring.api import models, views
from tierflow_scoring.api.context import Context, closed_day, last_closed_day
from tierflow_scoring.domain.days import date_of
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.handlers.rows import decode_decision
from tierflow_scoring.ports import Move, Mover
from tierflow_shared.money import decimal_text
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import QueryDay
from tierflow_shared.web.routing import service_router

Reader = Annotated[Principal, requires("tiers:read")]
SchemeName = Annotated[str, Query(max_length=64, pattern=r"^[\x21-\x7e]*$", examples=["private-bank"])]
Period = Literal["day", "month", "year"]
_PERIOD_LENGTH = {"day": 10, "month": 7, "year": 4}


def pyramid_router(context: Context) -> APIRouter:
    """Pyramid, moves and movers."""
    router = service_router("/scoring/v1", ["book"])

    @router.get("/pyramid")
    def read_pyramid(
        principal: Reader,  # noqa: ARG001
        scheme: SchemeName,
        as_of: Annotated[QueryDay | None, Query(description="a closed day; the last one without it")] = None,
    ) -> models.PyramidOut:
        """How many customers stand on each tier, lowest first."""
        return _pyramid(context, context.scheme(scheme), as_of)

    @router.get("/moves")
    def read_moves(
        principal: Reader,  # noqa: ARG001
        scheme: SchemeName,
        by: Annotated[Period, Query(description="how long a period is")] = "month",
    ) -> models.MovesOut:
        """How many customers went from which tier to which, by period, as believed now."""
        names = context.scheme(scheme).tier_names
        with context.reading() as (_, queries):
            rows = queries.moves(scheme)
        return models.MovesOut(scheme=scheme, by=by, items=list(_by_period(rows, names, by)))

    @router.get("/movers")
    def read_movers(
        principal: Reader,  # noqa: ARG001
        scheme: SchemeName,
        limit: Annotated[int, Query(ge=1, le=200)] = 10,
    ) -> models.MoversOut:
        """The largest moves with the reasons of the decision."""
        known = context.scheme(scheme)
        with context.reading() as (_, queries):
            rows = queries.movers(scheme, limit)
        return models.MoversOut(scheme=scheme, items=[_mover(row, known, context.currency) for row in rows])

    return router


def _pyramid(context: Context, scheme: Scheme, as_of: date | None) -> models.PyramidOut:
    with context.reading() as (repository, queries):
        day = last_closed_day(repository) if as_of is None else closed_day(repository, as_of)
        rows = [] if day is None else queries.pyramid(scheme.name, day)
    version = scheme.versions[-1] if day is None else scheme.on(day)
    counts = {row.tier: row for row in rows}
    tiers = [
        models.PyramidTier(
            tier=tier.name,
            title=views.title(tier.title),
            customers=counts[tier.name].customers if tier.name in counts else 0,
            provisional=counts[tier.name].provisional if tier.name in counts else 0,
        )
        for tier in version.tiers
    ]
    return models.PyramidOut(
        scheme=scheme.name,
        title=views.title(version.title),
        as_of=views.optional_day(day),
        policy_version=version.version,
        customers=sum(row.customers for row in rows),
        tiers=tiers,
    )


def _by_period(rows: Iterable[Move], names: Sequence[str], by: Period) -> Iterator[models.MoveView]:
    """Adds up days; rows come by day, so do the periods."""
    totals: Counter[tuple[str, str | None, str]] = Counter()
    for row in rows:
        totals[date_of(row.day).isoformat()[: _PERIOD_LENGTH[by]], row.previous, row.tier] += row.customers
    for (period, previous, tier), customers in sorted(totals.items(), key=lambda one: str(one[0])):
        direction = direction_of(previous, tier, names)
        yield models.MoveView(
            period=period, direction=direction, previous_tier=previous, tier=tier, customers=customers
        )


def direction_of(previous: str | None, tier: str, names: Sequence[str]) -> str:
    """initial, up or down; a tier that the policy does not know any more lies below all others."""
    if previous is None:
        return "initial"
    places = {name: place for place, name in enumerate(names)}
    return "up" if places.get(tier, -1) > places.get(previous, -1) else "down"


def _mover(row: Mover, scheme: Scheme, currency: str) -> models.MoverView:
    segment = row.segment
    is_money = scheme.on(segment.valid_from).measure.unit == "money"
    before, after = (
        decimal_text(amount, currency) if is_money else str(amount)
        for amount in (row.previous_measure, segment.measure)
    )
    return models.MoverView(
        customer_id=segment.customer_id,
        previous_tier=row.previous_tier,
        tier=segment.standing.tier,
        direction=direction_of(row.previous_tier, segment.standing.tier, scheme.tier_names),
        effective_on=date_of(segment.valid_from),
        provisional=segment.standing.provisional,
        previous_value=before,
        value=after,
        policy_version=segment.standing.policy_version,
        reasons=views.reasons(decode_decision(segment.decision).reasons),
    )
