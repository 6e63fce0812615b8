"""Suitability's part of a customer's access report."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId
from tierflow_shared.web.routing import service_router
from tierflow_suitability.api.context import ERASED, REASON, Context
from tierflow_suitability.domain.customers import BirthDate, Customer
from tierflow_suitability.domain.records import AuditEntry


class Held(Protocol):
    """What is stored about a customer."""

    @property
    def customer(self) -> Customer: ...
    @property
    def birth_date(self) -> BirthDate | None: ...
    @property
    def entries(self) -> Sequence[AuditEntry]: ...


class StepOut(BaseModel):
    """A step of one of the customer's sales, and the reason that somebody gave."""

    sale_id: str | None
    step: str = Field(examples=["sale-declined"])
    at: datetime
    subject: str
    reason: str | None = Field(description="in the clear; `(erased)` once the person was erased")


class PersonalDataOut(BaseModel):
    """What suitability holds about a customer beside sales and assessments."""

    customer_id: str
    birth_date: date | None
    registers: dict[str, Any] = Field(description="profile, due diligence and holdings as last told")
    steps: list[StepOut]


def access_router(context: Context, held: Callable[[str], Held]) -> APIRouter:
    """One route, for the access report."""
    router = service_router("/suitability/v1", ["personal data"])

    @router.get("/customers/{customer_id}/personal-data")
    async def read_personal_data(
        customer_id: PathId,
        principal: Annotated[Principal, requires("personal-data:read")],  # noqa: ARG001
    ) -> PersonalDataOut:
        """The customer's part of the access report: registers, birth date, and the reasons that people gave."""
        found = await context.read(lambda: held(customer_id))
        sealed = [(customer_id, reason) for entry in found.entries if (reason := _reason(entry)) is not None]
        opened = iter(await context.read(lambda: context.vault.open_texts(REASON, sealed)) if sealed else ())
        steps = [
            StepOut(
                sale_id=entry.sale_id,
                step=entry.kind,
                at=entry.at,
                subject=entry.subject,
                reason=(next(opened) or ERASED) if _reason(entry) is not None else None,
            )
            for entry in found.entries
        ]
        return PersonalDataOut(
            customer_id=customer_id,
            birth_date=found.birth_date.day if found.birth_date else None,
            registers=msgspec.to_builtins(found.customer),
            steps=steps,
        )

    return router


def _reason(entry: AuditEntry) -> str | None:
    return entry.details.get("reason") if entry.details is not None else None
