"""`GET /{service}/v1/acts`: what privileged callers did, for auditors."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from tierflow_shared.store.acts import ActFilter, read_acts
from tierflow_shared.store.database import Database
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import Id, starts_like_a_day
from tierflow_shared.web.pages import Page, PageRequest, cursor_of, page_request

MAX_SEQ = 2**63 - 1
AwareMoment = Annotated[AwareDatetime, BeforeValidator(starts_like_a_day)]


class ActView(BaseModel):
    """One privileged act."""

    seq: int = Field(description="its number; later acts have larger ones")
    at: datetime
    subject: str = Field(description="who, as the token says", examples=["operator-7"])
    action: str = Field(examples=["dead-letter.replay"])
    object: str = Field(description="id of what it was done to", examples=["dl-4be1"])
    outcome: str = Field(description="done, or the code of the refusal", examples=["done"])
    trace: str = Field(description="the trace id of the request, by which the logs can be found")


async def act_filter(
    subject: Annotated[Id | None, Query(description="only what this subject did")] = None,
    action: Annotated[Id | None, Query(description="only acts of this kind")] = None,
    thing: Annotated[Id | None, Query(alias="object", description="only what was done to this")] = None,
    since: Annotated[AwareMoment | None, Query(alias="from", description="not before; RFC 3339 with offset")] = None,
    until: Annotated[AwareMoment | None, Query(alias="to", description="before; RFC 3339 with offset")] = None,
) -> ActFilter:
    """The filters of the list."""
    return ActFilter(subject, action, thing, _milliseconds(since), _milliseconds(until))


def add_acts_route(router: APIRouter, database: Database) -> None:
    """Adds the auditors' list to a service's router."""

    @router.get("/acts")
    async def list_acts(
        principal: Annotated[Principal, requires("audit:read")],  # noqa: ARG001
        wanted: Annotated[ActFilter, Depends(act_filter)],
        page: Annotated[PageRequest, Depends(page_request)],
    ) -> Page[ActView]:
        """Privileged acts of this service, newest first: who did what to what, and how it came out."""
        after = page.after(int)
        before = min(after[0], MAX_SEQ) if after else None
        rows = await asyncio.to_thread(_read, database, wanted, before, page.limit + 1)
        shown = rows[: page.limit]
        following = cursor_of(shown[-1].seq) if len(rows) > page.limit else None
        return Page(items=[_view(row) for row in shown], next=following)


def _read(database: Database, wanted: ActFilter, before: int | None, limit: int) -> Sequence[Any]:
    with database.reading() as connection:
        return read_acts(connection, database.tables, wanted, before, limit)


def _view(row: Any) -> ActView:
    return ActView(
        seq=row.seq,
        at=datetime.fromtimestamp(row.at_ms / 1000, UTC),
        subject=row.subject,
        action=row.action,
        object=row.thing,
        outcome=row.outcome,
        trace=row.trace,
    )


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
