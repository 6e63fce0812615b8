"""Routes of plans: look, make, take along."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import Response as PlainResponse

from tierflow_contact_planner.api import models, views
from tierflow_contact_planner.api.context import Context, check_manager, problems
from tierflow_contact_planner.domain.planning import Period
from tierflow_contact_planner.handlers.planning import Committed, ShownPlan, commit_plans, make_plans, show_plan
from tierflow_shared.store.acts import Act, record_acts
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.idempotency import Answer, IdempotentCall, idempotent_call
from tierflow_shared.web.models import PathId, QueryDay
from tierflow_shared.web.problems import invalid
from tierflow_shared.web.routing import service_router

First = Annotated[QueryDay, Query(alias="from", description="first day, included", examples=["2026-03-02"])]
Last = Annotated[QueryDay, Query(alias="to", description="last day, included", examples=["2026-03-08"])]
Reader = Annotated[Principal, requires("contacts:read", rms=True)]


def plans_router(context: Context) -> APIRouter:
    """Plans of relationship managers."""
    router = service_router("/contact-planner/v1", ["plans"])

    @router.get("/rms/{rm_id}/plan")
    def read_plan(principal: Reader, rm_id: PathId, first: First, last: Last) -> models.PlanView:
        """The committed plan of the period; where none was made, a draft on what is known now."""
        check_manager(principal, rm_id)
        with context.reading() as records:
            shown = show_plan(records, rm_id, Period(first, last), context.policy, context.settings.plan_max_listed)
            plan = shown.stored.plan
            due = [*(left.due for left in plan.overflow), *plan.blocked]
            return context.views(records, [*shown.contacts, *due]).plan(shown)

    @router.get(
        "/rms/{rm_id}/plan.ics",
        response_class=Response,
        responses={200: {"content": {"text/calendar": {}}, "description": "iCalendar (RFC 5545)"}},
    )
    def read_calendar(principal: Reader, rm_id: PathId, first: First, last: Last) -> Response:
        """The same plan for a calendar program. Carries contact ids, never who the customer is."""
        check_manager(principal, rm_id)
        with context.reading() as records:
            shown = show_plan(records, rm_id, Period(first, last), context.policy, context.settings.plan_max_listed)
        return Response(_calendar(context, shown), media_type="text/calendar; charset=utf-8")

    @router.post("/plans", status_code=200, response_model=models.PlansView)
    def make(
        principal: Annotated[Principal, requires("plans:write", rms=True)],
        call: Annotated[IdempotentCall, Depends(idempotent_call)],
        wanted: models.PlanRequest,
    ) -> PlainResponse:
        """Makes and publishes the plans of a period. Repeating it keeps what was promised and says nothing twice.

        A manager's token plans for that manager alone.
        """
        rm_id = wanted.rm_id or principal.rm
        if rm_id is not None:
            check_manager(principal, rm_id)
        context.admit()
        if wanted.last < wanted.first:
            raise invalid("body.to", "period", "the last day is before the first")
        period = Period(wanted.first, wanted.last)
        with context.reading() as records:
            plans = make_plans(records, rm_id, period, context.policy)
        limit = context.settings.plan_max_listed

        def commit(uow: UnitOfWork) -> Answer:
            store = context.writer(uow.connection)
            with problems():
                done = commit_plans(store, uow, plans, context.policy, limit)
            record_acts(uow, [Act(principal.subject, "plans.commit", rm_id or "all-managers")])
            uow.after_commit(_counting(context, done))
            return Answer(200, views.plans(done, wanted))

        return context.idempotency.run(call, principal, commit)

    return router


def _calendar(context: Context, shown: ShownPlan) -> bytes:
    hours = context.policy.hours_of(shown.manager.region)
    return context.calendar_file(shown.contacts, hours, context.policy, context.clock.now())


def _counting(context: Context, done: Committed) -> Callable[[], None]:
    def count() -> None:
        for contact in done.said:
            context.metrics.add("tierflow_contacts_planned_total", contact.purpose)

    return count
