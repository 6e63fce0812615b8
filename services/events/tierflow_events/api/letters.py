"""Dead letters of all services: list, look, send again, correct."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tierflow_events.api.letter_orders import (
    BulkAnswer,
    BulkBody,
    FixBody,
    GroupAnswer,
    ResultAnswer,
    StateName,
)
from tierflow_events.api.models import DeadLetterAnswer, DeadLetterDetail
from tierflow_events.domain.letters import Letter, LetterFilter
from tierflow_events.handlers.fixing import (
    AlreadyReplayedError,
    Correction,
    CorrectionRefusedError,
    Fixer,
    OtherCorrectionError,
)
from tierflow_events.handlers.ingest import TooBusyError
from tierflow_events.handlers.inspecting import Inspector
from tierflow_events.handlers.original import NotReplayableError
from tierflow_events.handlers.replay import AlreadyFixedError, BulkOrder, BulkStep, Replayer
from tierflow_events.ports import Letters
from tierflow_shared.bus.port import BusUnavailableError
from tierflow_shared.clock import Clock
from tierflow_shared.ids import new_id
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.idempotency import Answer, Idempotency, IdempotentCall, idempotent_call
from tierflow_shared.web.models import PathId, QueryMoment
from tierflow_shared.web.pages import Page, PageRequest, cursor_of, page_request
from tierflow_shared.web.problems import Problem, conflict, invalid, not_found, unavailable
from tierflow_shared.web.routing import service_router

Text = Annotated[str | None, Query(max_length=200, pattern=r"^[\x21-\x7e]+$")]
Moment = Annotated[QueryMoment | None, Query(description="RFC 3339 date-time with offset")]
Reader = Annotated[Principal, requires("dead-letters:read")]
Sender = Annotated[Principal, requires("dead-letters:replay")]
Call = Annotated[IdempotentCall, Depends(idempotent_call)]


class Desk(NamedTuple):
    """What the routes need."""

    letters: Letters
    inspector: Inspector
    replayer: Replayer
    fixer: Fixer
    idempotency: Idempotency
    clock: Clock

    async def answer(self, letter: Letter | None) -> DeadLetterAnswer:
        """The letter with what became of it, or 404."""
        if letter is None:
            raise not_found("dead letter")
        fates = await self.inspector.fates([letter])
        return DeadLetterAnswer.of(letter, fates[letter.id])


async def letter_filter(
    event_type: Annotated[Text, Query(alias="type", description="event type")] = None,
    customer: Annotated[Text, Query(description="the message's key: a customer's id")] = None,
    service: Annotated[Text, Query(description="which service could not take it")] = None,
    reason: Annotated[Text, Query(description="why")] = None,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Annotated[Moment, Query(alias="to")] = None,
    state: Annotated[StateName | None, Query(description="open: nobody has sent it again")] = None,
) -> LetterFilter:
    """The filters of the list."""
    for name, moment in (("from", since), ("to", until)):
        if moment is not None and moment.tzinfo is None:
            raise invalid(f"query.{name}", "offset", "a time needs an offset from UTC")
    return LetterFilter(event_type, customer, service, reason, since, until, state)


def letters_router(desk: Desk) -> APIRouter:
    """Routes about dead letters."""
    router = service_router("/events/v1/dead-letters", ["dead letters"])
    _looking(router, desk)
    _sending(router, desk)
    return router


def _looking(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    async def list_letters(
        principal: Reader,  # noqa: ARG001
        wanted: Annotated[LetterFilter, Depends(letter_filter)],
        page: Annotated[PageRequest, Depends(page_request)],
    ) -> Page[DeadLetterAnswer]:
        """Dead letters of all services, newest first, with what became of those that were sent again."""
        after = page.after(int, str)
        rows = await desk.letters.listed(wanted, (after[0], after[1]) if after else None, page.limit + 1)
        shown = rows[: page.limit]
        last = shown[-1] if len(rows) > page.limit else None
        fates = await desk.inspector.fates(shown)
        return Page(
            items=[DeadLetterAnswer.of(letter, fates[letter.id]) for letter in shown],
            next=cursor_of(last.occurred_at_ms, last.id) if last else None,
        )

    @router.get("/{letter_id}")
    async def show_letter(
        letter_id: PathId,
        principal: Reader,  # noqa: ARG001
    ) -> DeadLetterDetail:
        """One dead letter, with the names of its message's fields and the rule it breaks. Never a value."""
        letter = await desk.letters.get(letter_id)
        if letter is None:
            raise not_found("dead letter")
        fates = await desk.inspector.fates([letter])
        content = await desk.inspector.content(letter, desk.clock.now())
        return DeadLetterDetail.with_content(letter, fates[letter.id], content)


def _sending(router: APIRouter, desk: Desk) -> None:
    @router.post("/replay", response_model=BulkAnswer)
    async def replay_letters(body: BulkBody, principal: Sender, call: Call) -> Response:
        """Sends the next open letters that meet the criteria again, in the order of the log, at most 500 a step."""

        async def step() -> Answer:
            return Answer(200, await _bulk_step(desk, body, principal.subject))

        return await desk.idempotency.run_repeatable(call, principal, step)

    @router.post("/{letter_id}/replay")
    async def replay_letter(letter_id: PathId, principal: Sender) -> DeadLetterAnswer:
        """Sends the message again, with the same id, to the same topic. A second call changes nothing."""
        try:
            letter = await desk.replayer.replay(letter_id, by=principal.subject, at=desk.clock.now())
        except NotReplayableError as error:
            raise conflict(str(error), code="not-replayable") from None
        except AlreadyFixedError:
            raise conflict("a corrected event stands in for this letter", code="already-fixed") from None
        except BusUnavailableError:
            raise unavailable("the log does not take messages now; nothing was sent") from None
        return await desk.answer(letter)

    @router.post("/{letter_id}/fix", response_model=DeadLetterAnswer)
    async def fix_letter(letter_id: PathId, body: FixBody, principal: Sender, call: Call) -> Response:
        """Puts a corrected event on the log that names the one it replaces. Doing it twice changes nothing."""

        async def fix() -> Answer:
            return Answer(200, await _fixed(desk, letter_id, body, principal.subject))

        return await desk.idempotency.run_repeatable(call, principal, fix)


async def _bulk_step(desk: Desk, body: BulkBody, by: str) -> BulkAnswer:
    keys = PageRequest(body.limit, body.cursor).after(str, str, int, int, str) if body.cursor else None
    run = keys[0] if keys else new_id("run")
    wanted = body.wanted()
    groups = await desk.letters.open_groups(wanted)
    done = BulkStep([], more=False)
    if not body.dry_run:
        after = (keys[1], keys[2], keys[3], keys[4]) if keys else None
        order = BulkOrder(wanted, body.limit, after, by, desk.clock.now(), run)
        try:
            done = await desk.replayer.replay_some(order)
        except BusUnavailableError:
            raise unavailable("the log does not take messages now; repeat this step") from None
    results = [result for _, result in done.results]
    last = done.results[-1][0] if done.more else None
    return BulkAnswer(
        run=run,
        dry_run=body.dry_run,
        matched=sum(group.letters for group in groups),
        groups=[GroupAnswer(service=g.service, type=g.event_type, reason=g.reason, letters=g.letters) for g in groups],
        replayed=results.count("replayed"),
        already=results.count("already"),
        not_replayable=results.count("not-replayable"),
        results=[ResultAnswer(id=letter.id, result=result) for letter, result in done.results],
        next=cursor_of(run, *last.place, last.id) if last else None,
    )


async def _fixed(desk: Desk, letter_id: str, body: FixBody, by: str) -> DeadLetterAnswer:
    correction = Correction(body.data, body.changes)
    try:
        letter = await desk.fixer.fix(letter_id, correction, by=by, at=desk.clock.now(), dry_run=body.dry_run)
    except CorrectionRefusedError as error:
        field, rule, message = error.fault
        raise Problem(422, "correction-refused", "Correction refused", message, field=field, rule=rule) from None
    except NotReplayableError as error:
        raise conflict(str(error), code="not-replayable") from None
    except AlreadyReplayedError:
        raise conflict(
            "this letter was replayed; if it fails again there is a new one", code="already-replayed"
        ) from None
    except OtherCorrectionError:
        raise conflict("this letter was fixed with other data; the first ones stay", code="already-fixed") from None
    except TooBusyError:
        raise unavailable("too many requests wait to be written; nothing was sent") from None
    except BusUnavailableError:
        raise unavailable("the log does not take messages now; send the same again") from None
    return await desk.answer(letter)
