"""Routes of contacts: a customer's contacts, outcomes, coverage, managers, digest."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tierflow_contact_planner.api import models
from tierflow_contact_planner.api.context import Context, check_manager, problems
from tierflow_contact_planner.api.views import Views, percent
from tierflow_contact_planner.domain.contacts import Outcome
from tierflow_contact_planner.domain.ownership import Staff
from tierflow_contact_planner.handlers import seeing
from tierflow_contact_planner.handlers.recording import UnknownContactError, record_outcome
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.idempotency import Answer, IdempotentCall, idempotent_call
from tierflow_shared.web.models import Id, PathId, QueryDay
from tierflow_shared.web.pages import PageRequest, cursor_of, page_request
from tierflow_shared.web.problems import invalid, not_found
from tierflow_shared.web.routing import service_router

AsOf = Annotated[QueryDay | None, Query(description="day of the question; default: the latest business date")]
OwnReader = Annotated[Principal, requires("contacts:read", customers=True, rms=True)]
Manager = Annotated[Principal, requires("contacts:read", rms=True)]
Paging = Annotated[PageRequest, Depends(page_request)]


def contacts_router(context: Context) -> APIRouter:
    """Contacts and how well customers are covered by them."""
    router = service_router("/contact-planner/v1", ["contacts"])

    @router.post("/contacts/{contact_id}/outcome", response_model=models.ContactView)
    def record(
        principal: Annotated[Principal, requires("contacts:write", rms=True)],
        call: Annotated[IdempotentCall, Depends(idempotent_call)],
        contact_id: PathId,
        said: models.OutcomeRequest,
    ) -> Response:
        """What came of a contact. Restarts the cadence, answers its causes; a complaint stops pitches."""
        context.admit()
        return context.idempotency.run(call, principal, lambda uow: _record(context, uow, principal, contact_id, said))

    @router.get("/customers/{customer_id}/contacts")
    def read_customer(
        principal: OwnReader,
        customer_id: PathId,
        page: Paging,
        as_of: AsOf = None,
    ) -> models.CustomerContactsView:
        """Who owns the customer, what is due, and all contacts so far, newest first."""
        return _customer_contacts(context, principal, customer_id, page, as_of)

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


def _record(
    context: Context, uow: UnitOfWork, principal: Principal, contact_id: str, said: models.OutcomeRequest
) -> Answer:
    now = context.clock.now()
    occurred_at = said.occurred_at or now
    if occurred_at > now + timedelta(seconds=context.settings.outcome_ahead_s):
        raise invalid("body.occurred_at", "past", "a contact cannot have happened in the future")
    records = context.writer(uow.connection)
    with problems():
        planned = records.contact(contact_id)
        if planned is None or principal.rm not in (None, planned.rm_id):
            raise UnknownContactError(contact_id)
        outcome = Outcome(
            outcome=said.outcome,
            channel=said.channel or planned.channel,
            occurred_at=occurred_at,
            recorded_by=principal.subject,
            satisfaction=said.satisfaction,
            next_step_on=said.next_step_on,
        )
        recorded = record_outcome(records, uow, contact_id, outcome, context.policy)
    uow.after_commit(lambda: context.metrics.add("tierflow_contacts_recorded_total", outcome.outcome))
    return Answer(200, context.views(records, [recorded]).contact(recorded))


def _customer_contacts(
    context: Context, principal: Principal, customer_id: str, page: PageRequest, asked: date | None
) -> models.CustomerContactsView:
    if principal.customer not in (None, customer_id):
        raise not_found("customer")
    with context.reading() as records:
        day = context.as_of(records, asked)
        facts = seeing.customer_of(records, customer_id)
        if principal.rm is not None:
            # Whose book it is today decides, not whose it was or will be on the day that was asked for.
            today = context.as_of(records, None)
            if seeing.owner_of(facts, Staff(records.managers()), today, context.policy) != principal.rm:
                raise not_found("customer")
        due = seeing.due_now(facts, day, context.policy)
        owner = seeing.owner_of(facts, Staff(records.managers()), day, context.policy)
        found = records.contacts_of(customer_id, _after_contact(page), page.limit + 1)
        views = context.views(records, [*found, *([due] if due else [])])
    shown = found[: page.limit]
    following = cursor_of(shown[-1].planned_on.isoformat(), shown[-1].contact_id) if len(found) > page.limit else None
    return models.CustomerContactsView(
        customer_id=customer_id,
        as_of=day,
        owner=owner,
        due=views.due(due) if due else None,
        items=[views.contact(one) for one in shown],
        next=following,
    )


def _after_contact(page: PageRequest) -> tuple[str, str] | None:
    keys = page.after(str, str)
    if keys is None:
        return None
    try:
        date.fromisoformat(keys[0])
    except ValueError:
        raise invalid("query.cursor", "cursor", "this cursor does not belong to this list") from None
    return keys[0], keys[1]


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
