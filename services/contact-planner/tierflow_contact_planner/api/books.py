"""Routes over whole books: how well customers are covered by contacts, managers, digest."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from tierflow_contact_planner.api import models
from tierflow_contact_planner.api.contacts import AsOf, Manager, Paging
from tierflow_contact_planner.api.context import Context, check_manager
from tierflow_contact_planner.api.views import Views, percent
from tierflow_contact_planner.handlers import seeing
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import Id
from tierflow_shared.web.pages import PageRequest, cursor_of
from tierflow_shared.web.routing import service_router


def books_router(context: Context) -> APIRouter:
    """Coverage, managers, digest."""
    router = service_router("/contact-planner/v1", ["contacts"])

    @router.get("/coverage")
    def read_coverage(
        principal: Manager,
        page: Paging,
        rm: Annotated[Id | None, Query(description="one manager's book; default: the whole bank")] = None,
        as_of: AsOf = None,
    ) -> models.CoverageView:
        """The share of customers whose last contact lies within their cadence, and the overdue list."""
        rm_id = rm or principal.rm
        if rm_id is not None:
            check_manager(principal, rm_id)
        return _coverage(context, rm_id, page, as_of)

    @router.get("/rms")
    def read_managers(principal: Manager, page: Paging, as_of: AsOf = None) -> models.ManagersView:
        """Relationship managers with the size of their books; a manager's token sees that manager alone."""
        return _managers(context, principal, page, as_of)

    @router.get("/contacts-digest")
    def read_digest(
        principal: Annotated[Principal, requires("operations:read")],  # noqa: ARG001
        as_of: AsOf = None,
    ) -> models.DigestView:
        """One number over all due contacts of a day: equal knowledge, equal number."""
        with context.reading() as records:
            day = context.as_of(records, as_of)
            found = seeing.contacts_digest(records, day, context.policy)
        return models.DigestView(
            as_of=day,
            sha256=found.sha256,
            contacts=found.contacts,
            blocked=found.blocked,
            reasons=dict(found.reasons),
        )

    return router


def _coverage(context: Context, rm_id: str | None, page: PageRequest, asked: date | None) -> models.CoverageView:
    after = page.after(str, str)
    with context.reading() as records:
        day = context.as_of(records, asked)
        found = seeing.coverage(records, rm_id, day, context.policy)
    rest = [late for late in found.overdue if after is None or (late.due_on.isoformat(), late.customer_id) > after]
    shown = rest[: page.limit]
    following = cursor_of(shown[-1].due_on.isoformat(), shown[-1].customer_id) if len(rest) > page.limit else None
    with_cadence, within = (sum(t.with_cadence for t in found.tiers), sum(t.within for t in found.tiers))
    return models.CoverageView(
        as_of=day,
        rm_id=rm_id,
        customers=sum(tier.customers for tier in found.tiers),
        with_cadence=with_cadence,
        within=within,
        percent=percent(within, with_cadence),
        overdue_total=len(found.overdue),
        tiers=Views(context.policy, {}).coverage(found),
        items=[
            models.OverdueView(customer_id=o.customer_id, tier=o.tier, due_on=o.due_on, days_late=o.days_late)
            for o in shown
        ],
        next=following,
    )


def _managers(context: Context, principal: Principal, page: PageRequest, asked: date | None) -> models.ManagersView:
    after = page.after(str)
    with context.reading() as records:
        day = context.as_of(records, asked)
        found = seeing.managed_books(records, day, context.policy)
    own = [one for one in found if principal.rm in (None, one.manager.rm_id)]
    rest = [one for one in own if after is None or one.manager.rm_id > after[0]]
    shown = rest[: page.limit]
    return models.ManagersView(
        as_of=day,
        items=[
            models.ManagerView(
                rm_id=one.manager.rm_id,
                role=one.manager.role,
                region=one.manager.region,
                active=one.manager.is_active,
                weekly_list=one.manager.weekly_list,
                daily_reached=one.manager.daily_reached,
                customers=one.customers,
            )
            for one in shown
        ],
        next=cursor_of(shown[-1].manager.rm_id) if len(rest) > page.limit else None,
    )
