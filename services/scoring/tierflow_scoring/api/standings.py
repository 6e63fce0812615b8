"""Every customer's tier on a day, page by page: what two policies are compared by."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tierflow_scoring.api import models, views
from tierflow_scoring.api.context import Context, closed_day
from tierflow_scoring.domain.days import date_of
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.handlers.rows import decode_decision
from tierflow_scoring.ports import SegmentRow
from tierflow_shared.money import decimal_text
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import QueryDay
from tierflow_shared.web.pages import Page, PageRequest, cursor_of, page_request
from tierflow_shared.web.routing import service_router


def standings_router(context: Context) -> APIRouter:
    """The list of standings."""
    router = service_router("/scoring/v1", ["book"])

    @router.get("/standings")
    def list_standings(
        principal: Annotated[Principal, requires("tiers:read", customers=True)],
        scheme: Annotated[str, Query(max_length=64, pattern=r"^[\x21-\x7e]*$", examples=["private-bank"])],
        as_of: Annotated[QueryDay, Query(description="a closed day", examples=["2026-03-02"])],
        page: Annotated[PageRequest, Depends(page_request)],
    ) -> Page[models.StandingLine]:
        """The tier of each customer that, as believed now, holds on a day, by customer id.

        A customer's token sees that customer alone.
        """
        known = context.scheme(scheme)
        after = page.after(str) or ("",)
        with context.reading() as (repository, queries):
            rows = queries.standings(
                scheme, closed_day(repository, as_of), after[0], page.limit + 1, principal.customer
            )
        shown = rows[: page.limit]
        following = cursor_of(shown[-1].customer_id) if len(rows) > page.limit else None
        return Page(items=[standing_line(row, known, context.currency) for row in shown], next=following)

    return router


def standing_line(row: SegmentRow, scheme: Scheme, currency: str) -> models.StandingLine:
    """A stored change point as people read it."""
    is_money = scheme.on(row.valid_from).measure.unit == "money"
    return models.StandingLine(
        customer_id=row.customer_id,
        tier=row.standing.tier,
        provisional=row.standing.provisional,
        decided_on=date_of(row.valid_from),
        policy_version=row.standing.policy_version,
        value=decimal_text(row.measure, currency) if is_money else str(row.measure),
        reasons=views.reasons(decode_decision(row.decision).reasons),
    )
