"""Erasing a person with four eyes, and what the log holds about one."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from tierflow_events.domain.erasures import Erasure
from tierflow_events.handlers.access import PersonalLog
from tierflow_events.handlers.erasing import ErasureBook, Erasures, FourEyesError, confirm
from tierflow_shared.contracts.outcomes import ErasureBasis
from tierflow_shared.ids import new_id
from tierflow_shared.store.acts import Act, record_acts
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.idempotency import Answer, Idempotency, IdempotentCall, idempotent_call
from tierflow_shared.web.models import Id, PathId, StrictModel
from tierflow_shared.web.pages import Page, PageRequest, cursor_of, page_request
from tierflow_shared.web.problems import forbidden, not_found
from tierflow_shared.web.routing import service_router

Asks = Annotated[Principal, requires("erasure:request")]
Confirms = Annotated[Principal, requires("erasure:approve")]
Reports = Annotated[Principal, requires("personal-data:read")]
Call = Annotated[IdempotentCall, Depends(idempotent_call)]


class Office(NamedTuple):
    """What the routes need."""

    erasures: Erasures
    open_book: Callable[[UnitOfWork], ErasureBook]
    personal_log: PersonalLog
    idempotency: Idempotency


class ErasureBody(StrictModel):
    """Whose data go, and on what ground."""

    customer_id: Id
    basis: ErasureBasis


class ErasureAnswer(BaseModel):
    """An erasure, and who wanted it. `done`: the key is deleted."""

    id: str = Field(examples=["erasure-5f0c"])
    customer_id: str = Field(examples=["C-1"])
    basis: ErasureBasis
    state: Literal["requested", "done"]
    requested_by: str = Field(examples=["desk-3"])
    requested_at: datetime
    confirmed_by: str | None = Field(examples=["privacy-1"])
    confirmed_at: datetime | None

    @staticmethod
    def of(erasure: Erasure) -> "ErasureAnswer":
        return ErasureAnswer(**erasure._asdict(), state=erasure.state)


class LoggedEvent(BaseModel):
    """An event about the customer, in the clear; a field whose key was deleted reads `(erased)`."""

    offset: int
    id: str
    source: str
    type: str = Field(examples=["bank.customer.updated.v1"])
    time: str
    data: dict[str, Any]


class PersonalDataAnswer(BaseModel):
    """What the events service holds about a customer. The events come in pages."""

    customer_id: str
    key_made_at: datetime | None = Field(description="since when there are sealed data; null: none, or erased")
    erasures: list[ErasureAnswer]
    partition: int = Field(description="the partition of the log in which the customer's events lie")
    events: list[LoggedEvent]
    next: int | None = Field(description="pass as `from_offset` to read on; null at the end of the log")


def erasures_router(office: Office) -> APIRouter:
    """Requests, confirmations, the list, and the events' part of the access report."""
    router = service_router("/events/v1", ["personal data"])

    @router.post("/erasures", status_code=201, response_model=ErasureAnswer)
    def request_erasure(body: ErasureBody, principal: Asks, call: Call) -> Response:
        """Asks for the erasure of a person. Nothing happens until somebody else confirms it."""
        return office.idempotency.run(call, principal, lambda uow: _requested(office, uow, body, principal))

    @router.post("/erasures/{erasure_id}/confirm")
    def confirm_erasure(erasure_id: PathId, principal: Confirms) -> ErasureAnswer:
        """Erases: the customer's key is deleted in one transaction with the message that tells everybody.

        Who asked cannot confirm. Confirmed again, it answers the same and does nothing.
        """
        try:
            done = office.erasures.in_transaction(lambda uow: _confirmed(office, uow, erasure_id, principal))
        except FourEyesError:
            raise forbidden("who asked for an erasure cannot confirm it", rule="four-eyes") from None
        if done is None:
            raise not_found("erasure")
        return ErasureAnswer.of(done)

    @router.get("/erasures")
    def list_erasures(
        principal: Asks,  # noqa: ARG001
        page: Annotated[PageRequest, Depends(page_request)],
    ) -> Page[ErasureAnswer]:
        """All erasures, oldest first: who asked, who confirmed. Keep a copy apart from the back-ups."""
        after = page.after(int, str)
        found = office.erasures.listed((after[0], after[1]) if after else None, page.limit + 1)
        shown = found[: page.limit]
        last = cursor_of(_ms(shown[-1]), shown[-1].id) if len(found) > page.limit else None
        return Page(items=[ErasureAnswer.of(one) for one in shown], next=last)

    @router.get("/erasures/{erasure_id}")
    def read_erasure(erasure_id: PathId, principal: Asks) -> ErasureAnswer:  # noqa: ARG001
        """One erasure."""
        found = office.erasures.get(erasure_id)
        if found is None:
            raise not_found("erasure")
        return ErasureAnswer.of(found)

    @router.get("/customers/{customer_id}/personal-data")
    async def read_personal_data(
        customer_id: PathId,
        principal: Reports,  # noqa: ARG001
        from_offset: Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before")] = 0,
    ) -> PersonalDataAnswer:
        """The customer's part of the access report: keys, erasures and every event on the log, in the clear."""
        erasures = await asyncio.to_thread(office.erasures.of_customer, customer_id)
        made_at = await asyncio.to_thread(office.erasures.key_made_at, customer_id)
        found = await office.personal_log.events_of(customer_id, from_offset)
        return PersonalDataAnswer(
            customer_id=customer_id,
            key_made_at=made_at,
            erasures=[ErasureAnswer.of(one) for one in erasures],
            partition=found.partition,
            events=[LoggedEvent(**one._asdict()) for one in found.events],
            next=found.next_offset,
        )

    return router


def _requested(office: Office, uow: UnitOfWork, body: ErasureBody, principal: Principal) -> Answer:
    erasure = Erasure(new_id("erasure"), body.customer_id, body.basis, principal.subject, uow.now)
    office.open_book(uow).keep(erasure)
    record_acts(uow, [Act(principal.subject, "erasure.request", erasure.id)])
    return Answer(201, ErasureAnswer.of(erasure))


def _confirmed(office: Office, uow: UnitOfWork, erasure_id: str, principal: Principal) -> Erasure | None:
    done = confirm(office.open_book(uow), uow, erasure_id, principal.subject)
    if done is not None:
        record_acts(uow, [Act(principal.subject, "erasure.confirm", erasure_id)])
    return done


def _ms(erasure: Erasure) -> int:
    return int(erasure.requested_at.timestamp() * 1000)
