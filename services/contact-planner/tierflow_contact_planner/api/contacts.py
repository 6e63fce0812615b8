"""Routes of contacts: a customer's contacts, their outcomes and notes."""

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tierflow_contact_planner.api import models
from tierflow_contact_planner.api.context import Context, problems
from tierflow_contact_planner.domain.contacts import Outcome
from tierflow_contact_planner.domain.ownership import Staff
from tierflow_contact_planner.handlers import seeing
from tierflow_contact_planner.handlers.recording import UnknownContactError, record_outcome
from tierflow_shared.privacy.vault import ErasedError
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.idempotency import Answer, IdempotentCall, idempotent_call
from tierflow_shared.web.models import PathId, QueryDay
from tierflow_shared.web.pages import PageRequest, cursor_of, page_request
from tierflow_shared.web.problems import conflict, invalid, not_found
from tierflow_shared.web.routing import service_router

AsOf = Annotated[QueryDay | None, Query(description="day of the question; default: the latest business date")]
OwnReader = Annotated[Principal, requires("contacts:read", customers=True, rms=True)]
Manager = Annotated[Principal, requires("contacts:read", rms=True)]
Paging = Annotated[PageRequest, Depends(page_request)]
NOTE: Final = "contact-planner/note"


def contacts_router(context: Context) -> APIRouter:
    """A customer's contacts, and what came of them."""
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

    @router.get("/contacts/{contact_id}/note")
    def read_note(principal: Manager, contact_id: PathId) -> models.NoteView:
        """What the manager noted when the outcome was recorded."""
        with context.reading() as records:
            contact = records.contact(contact_id)
        if contact is None or principal.rm not in (None, contact.rm_id):
            raise not_found("contact")
        sealed = contact.result.note if contact.result else None
        note = context.vault.open_texts(NOTE, [(contact.customer_id, sealed)])[0] if sealed else None
        return models.NoteView(contact_id=contact_id, note=note, erased=sealed is not None and note is None)

    @router.get("/customers/{customer_id}/contacts")
    def read_customer(
        principal: OwnReader,
        customer_id: PathId,
        page: Paging,
        as_of: AsOf = None,
    ) -> models.CustomerContactsView:
        """Who owns the customer, what is due, and all contacts so far, newest first."""
        return _customer_contacts(context, principal, customer_id, page, as_of)

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
            note=_sealed(context, planned.customer_id, said.note),
        )
        recorded = record_outcome(records, uow, contact_id, outcome, context.policy)
    uow.after_commit(lambda: context.metrics.add("tierflow_contacts_recorded_total", outcome.outcome))
    return Answer(200, context.views(records, [recorded]).contact(recorded))


def _sealed(context: Context, customer_id: str, note: str | None) -> str | None:
    try:
        return None if note is None else context.vault.seal_text(customer_id, NOTE, note)
    except ErasedError:
        raise conflict("this person was erased; no note is taken", code="erased", field="body.note") from None


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
