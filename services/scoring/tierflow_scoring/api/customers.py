"""Routes about one customer: how she stands, and how she stood as known then."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from tierflow_scoring.api import models, views
from tierflow_scoring.api.context import Context, check_customer
from tierflow_scoring.domain.days import date_of, day_of
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.handlers.customer_view import UnknownCustomerError, view_customer
from tierflow_scoring.handlers.rows import decode_decision
from tierflow_scoring.ports import Belief, KnownAt
from tierflow_shared.money import decimal_text
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId, QueryDay
from tierflow_shared.web.problems import invalid, not_found
from tierflow_shared.web.routing import service_router

Reader = Annotated[Principal, requires("tiers:read", customers=True)]
SchemeName = Annotated[
    str | None, Query(max_length=64, pattern=r"^[\x21-\x7e]*$", description="one scheme; all without it")
]
On = Annotated[QueryDay | None, Query(description="the standing that held on this day; the whole path without it")]
KnownText = Annotated[
    str | None,
    Query(
        max_length=40,
        pattern=r"^[\x20-\x7e]*$",
        description="as believed at this RFC 3339 moment, or while this business day (a date) was open; now without it",
        examples=["2026-03-02", "2026-03-02T09:30:00Z"],
    ),
]


def customers_router(context: Context) -> APIRouter:
    """One customer's tiers."""
    router = service_router("/scoring/v1", ["customers"])

    @router.get("/customers/{customer_id}")
    def read_customer(principal: Reader, customer_id: PathId) -> models.CustomerOut:
        """Tier per scheme with reasons and what is missing for the next, scores, features, and what the tier gets."""
        check_customer(principal, customer_id)
        try:
            with context.reading() as (repository, _):
                view = view_customer(repository, context.policies, context.currency, customer_id)
        except UnknownCustomerError:
            raise not_found("customer") from None
        return views.customer(view, context.currency)

    @router.get("/customers/{customer_id}/tiers")
    def read_history(
        principal: Reader,
        customer_id: PathId,
        scheme: SchemeName = None,
        on: On = None,
        known_at: KnownText = None,
    ) -> models.History:
        """The tier history by day and by knowledge: which tier on a day, as believed at a moment."""
        check_customer(principal, customer_id)
        schemes = [context.scheme(scheme)] if scheme else list(context.policies.schemes)
        knowledge = _known_at(known_at)
        with context.reading() as (repository, queries):
            if repository.partition_of(customer_id) is None:
                raise not_found("customer")
            beliefs = queries.history(customer_id, [one.name for one in schemes], knowledge)
        if on is not None:
            beliefs = [belief for belief in beliefs if _holds_on(belief, day_of(on))]
        by_name = {one.name: one for one in schemes}
        items = [_belief(belief, by_name[belief.segment.scheme], context.currency) for belief in beliefs]
        return models.History(customer_id=customer_id, items=items)

    return router


def _holds_on(belief: Belief, day: int) -> bool:
    return belief.segment.valid_from <= day and (belief.valid_until is None or day <= belief.valid_until)


def _known_at(text: str | None) -> KnownAt:
    if text is None:
        return KnownAt()
    try:
        if len(text) == 10:
            return KnownAt(day=day_of(date.fromisoformat(text)))
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("query.known_at", "moment", "a date, or a date-time with its offset") from None
    if moment.tzinfo is None:
        raise invalid("query.known_at", "offset", "a date-time needs its offset")
    return KnownAt(moment_ms=int(moment.astimezone(UTC).timestamp() * 1000))


def _belief(belief: Belief, scheme: Scheme, currency: str) -> models.BeliefView:
    row = belief.segment
    tier, provisional, pending_tier, since, due_on, version_name = row.standing
    decision = decode_decision(row.decision)
    version = next((one for one in scheme.versions if one.version == version_name), scheme.versions[0])
    words = {one.name: one.title for one in version.tiers}
    pending = None
    if pending_tier is not None and since is not None and due_on is not None:
        pending = models.PendingView(tier=pending_tier, since=date_of(since), due_on=date_of(due_on))
    is_money = version.measure.unit == "money"
    return models.BeliefView(
        scheme=row.scheme,
        tier=tier,
        title=views.title(words[tier]) if tier in words else models.Title(en=tier, zh=tier),
        provisional=provisional,
        pending=pending,
        valid_from=date_of(row.valid_from),
        valid_until=views.optional_day(belief.valid_until),
        policy_version=version_name,
        measure_value=decimal_text(row.measure, currency) if is_money else str(row.measure),
        reasons=views.reasons(decision.reasons),
        features=views.features(decision.features, currency),
        known_from=views.moment(belief.known_from_ms),
        known_from_day=date_of(belief.known_from_day),
        known_until=None if belief.known_until_ms is None else views.moment(belief.known_until_ms),
        known_until_day=views.optional_day(belief.known_until_day),
    )
