"""Dead letters of all services: list, look, send again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tierflow_events.api.models import DeadLetterAnswer
from tierflow_events.domain.letters import LetterFilter
from tierflow_events.handlers.replay import NotReplayableError, Replayer
from tierflow_events.ports import Letters
from tierflow_shared.bus.port import BusUnavailableError
from tierflow_shared.clock import Clock
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId
from tierflow_shared.web.pages import Page, PageRequest, cursor_of, page_request
from tierflow_shared.web.problems import conflict, invalid, not_found, unavailable
from tierflow_shared.web.routing import service_router

Text = Annotated[str | None, Query(max_length=200, pattern=r"^[\x21-\x7e]+$")]
Moment = Annotated[datetime | None, Query(description="RFC 3339 date-time with offset")]


async def letter_filter(
    event_type: Annotated[Text, Query(alias="type", description="event type")] = None,
    customer: Annotated[Text, Query(description="the message's key: a customer's id")] = None,
    service: Annotated[Text, Query(description="which service could not take it")] = None,
    reason: Annotated[Text, Query(description="why")] = None,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Annotated[Moment, Query(alias="to")] = None,
) -> LetterFilter:
    """The filters of the list."""
    for name, moment in (("from", since), ("to", until)):
        if moment is not None and moment.tzinfo is None:
            raise invalid(f"query.{name}", "offset", "a time needs an offset from UTC")
    return LetterFilter(event_type, customer, service, reason, since, until)


def letters_router(letters: Letters, replayer: Replayer, clock: Clock) -> APIRouter:
    """Routes about dead letters."""
    router = service_router("/events/v1/dead-letters", ["dead letters"])

    @router.get("")
    async def list_letters(
        principal: Annotated[Principal, requires("dead-letters:read")],  # noqa: ARG001
        wanted: Annotated[LetterFilter, Depends(letter_filter)],
        page: Annotated[PageRequest, Depends(page_request)],
    ) -> Page[DeadLetterAnswer]:
        """Dead letters of all services, newest first."""
        after = page.after(int, str)
        rows = await letters.listed(wanted, (after[0], after[1]) if after else None, page.limit + 1)
        shown = rows[: page.limit]
        last = shown[-1] if len(rows) > page.limit else None
        return Page(
            items=[DeadLetterAnswer.of(letter) for letter in shown],
            next=cursor_of(last.occurred_at_ms, last.id) if last else None,
        )

    @router.get("/{letter_id}")
    async def show_letter(
        letter_id: PathId,
        principal: Annotated[Principal, requires("dead-letters:read")],  # noqa: ARG001
    ) -> DeadLetterAnswer:
        """One dead letter."""
        letter = await letters.get(letter_id)
        if letter is None:
            raise not_found("dead letter")
        return DeadLetterAnswer.of(letter)

    @router.post("/{letter_id}/replay")
    async def replay_letter(
        letter_id: PathId, principal: Annotated[Principal, requires("dead-letters:replay")]
    ) -> DeadLetterAnswer:
        """Sends the message again, with the same id, to the same topic. A second call changes nothing."""
        try:
            letter = await replayer.replay(letter_id, by=principal.subject, at=clock.now())
        except NotReplayableError as error:
            raise conflict(str(error), code="not-replayable") from None
        except BusUnavailableError:
            raise unavailable("the log does not take messages now; nothing was sent") from None
        if letter is None:
            raise not_found("dead letter")
        return DeadLetterAnswer.of(letter)

    return router
