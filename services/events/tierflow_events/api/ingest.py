"""`POST /events/v1/events`: CloudEvents in structured, batched and binary mode."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, NamedTuple
from urllib.parse import unquote

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tierflow_events.api.answers import answer
from tierflow_events.api.documents import INGEST_OPENAPI
from tierflow_events.domain.arrivals import Arrival, NotJsonError, Raw, TooManyEventsError, Unreadable
from tierflow_events.domain.placing import Candidate
from tierflow_events.handlers.ingest import Ingest, TooBusyError
from tierflow_events.handlers.sealing import Sealing
from tierflow_events.ports import EventReader, OpenReader
from tierflow_events.settings import EventsSettings
from tierflow_shared.bus.port import BusUnavailableError, MessageTooLargeError
from tierflow_shared.clock import Clock
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.web.auth import Principal, RequiredScope, requires
from tierflow_shared.web.direct import direct_route
from tierflow_shared.web.limits import too_large
from tierflow_shared.web.problems import Problem, shown_name, unavailable
from tierflow_shared.web.routing import service_router

_log = structlog.get_logger("tierflow.ingest")
PATH: Final = "/events/v1/events"
STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
BINARY: Final = "application/json"
_MAY_WRITE: Final = RequiredScope("events:write")  # the scope that the route declares
_NONE_ACCEPTED: Final = {"accepted": 0, "duplicates": 0, "results": []}


class Intake(NamedTuple):
    """What the route needs."""

    ingest: Ingest
    sealing: Sealing
    open_reader: OpenReader
    settings: EventsSettings
    clock: Clock
    metrics: ServiceMetrics


def ingest_router(intake: Intake) -> APIRouter:
    """The route by which events come in."""
    router = service_router("/events/v1", ["events"])

    async def send_events(
        request: Request,
        principal: Annotated[Principal, requires("events:write")],  # noqa: ARG001
    ) -> Response:
        """Takes one CloudEvent or a batch. 202: the log has all of them.

        409 or 422 say, event by event, what was refused and why; the others of the batch are accepted and stay so.
        The same source and id with the same content again is a duplicate, and fine.
        """
        return await _taken(intake, request, await request.body())

    async def at_once(request: Request) -> Response | None:
        if request.scope["query_string"]:
            return None
        await _MAY_WRITE(request)
        return await _taken(intake, request, await request.body())

    router.add_api_route(
        "/events",
        send_events,
        methods=["POST"],
        status_code=202,
        openapi_extra=INGEST_OPENAPI,
        route_class_override=direct_route(at_once),
    )
    return router


async def _taken(intake: Intake, request: Request, body: bytes) -> Response:
    is_batch, raw = _read(intake, request, body)
    read = await intake.sealing.sealed(raw)
    candidates = [one for one in read if isinstance(one, Candidate)]
    try:
        placed = await intake.ingest.take(candidates)
    except TooBusyError:
        raise _too_busy() from None
    except MessageTooLargeError:
        raise too_large(intake.settings.kafka_max_batch_bytes) from None
    except BusUnavailableError as error:
        _log.warning("the log takes no events", detail=str(error))
        raise unavailable("the log does not take events now; send them again", extra=_NONE_ACCEPTED) from None
    _count(intake.metrics, read, [placement.status for placement in placed])
    return answer(read, placed, is_batch=is_batch)


def _read(intake: Intake, request: Request, body: bytes) -> tuple[bool, list[Raw]]:
    settings = intake.settings
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MODES:
        raise _unsupported()
    if media_type != BATCHED and len(body) > settings.max_request_bytes:
        raise too_large(settings.max_request_bytes)
    if not body:
        raise Problem(422, "invalid", "Invalid input", "the body is empty", field="body", rule="required")
    reader = intake.open_reader(intake.clock.now(), _traceparent(request))
    try:
        return media_type == BATCHED, _MODES[media_type](reader, request, body, settings)
    except NotJsonError as error:
        raise _not_json(error) from None
    except TooManyEventsError:
        raise _too_many(settings.max_batch_events) from None


def _structured(reader: EventReader, _request: Request, body: bytes, _settings: EventsSettings) -> list[Raw]:
    return [reader.single(body)]


def _batched(reader: EventReader, _request: Request, body: bytes, settings: EventsSettings) -> list[Raw]:
    return reader.batch(body, settings.max_batch_events)


def _binary(reader: EventReader, request: Request, body: bytes, _settings: EventsSettings) -> list[Raw]:
    attributes: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        if raw_name.startswith(b"ce-"):
            name = raw_name[3:].decode("latin-1")
            if name in attributes:
                raise _bad_header(name, "once", "this header came twice")
            attributes[name] = _unescaped(name, raw_value)
    return [reader.binary(attributes, body)]


def _unescaped(name: str, raw_value: bytes) -> str:
    try:
        return unquote(raw_value.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise _bad_header(name, "utf-8", "a header must be ASCII, other characters as %-escapes of UTF-8") from None


Mode = Callable[[EventReader, Request, bytes, EventsSettings], list[Raw]]
_MODES: Final[Mapping[str, Mode]] = {STRUCTURED: _structured, BATCHED: _batched, BINARY: _binary}


def _traceparent(request: Request) -> str:
    text = request.headers.get("traceparent", "")
    return text if len(text) == 55 and text.isascii() and text.isprintable() else ""


def _count(metrics: ServiceMetrics, read: list[Arrival], statuses: list[str]) -> None:
    metrics.observe("tierflow_ingest_batch_events", value=len(read))
    tally: dict[tuple[str, str], int] = {}
    outcomes = iter(statuses)
    for one in read:
        label = ("-", "refused") if isinstance(one, Unreadable) else (one.type, next(outcomes))
        tally[label] = tally.get(label, 0) + 1
    for (event_type, outcome), count in tally.items():
        metrics.add("tierflow_ingest_events_total", event_type, outcome, amount=count)


def _unsupported() -> Problem:
    detail = f"this takes {STRUCTURED}, {BATCHED}, or {BINARY} with ce- headers"
    title = "Unsupported content type"
    return Problem(415, "unsupported-media-type", title, detail, field="header.content-type", rule="content-type")


def _not_json(error: NotJsonError) -> Problem:
    field, rule, message = error.fault
    status = 422 if rule in ("type", "depth") else 400
    code, title = ("invalid", "Invalid input") if status == 422 else ("malformed-json", "Malformed JSON")
    return Problem(status, code, title, message, field=field, rule=rule, extra=_NONE_ACCEPTED)


def _too_many(limit: int) -> Problem:
    detail = f"a batch has at most {limit} events"
    return Problem(413, "too-large", "Too large", detail, field="body", rule="max-events", extra=_NONE_ACCEPTED)


def _bad_header(name: str, rule: str, message: str) -> Problem:
    field = f"header.ce-{shown_name(name)}"
    return Problem(422, "invalid", "Invalid input", message, field=field, rule=rule, extra=_NONE_ACCEPTED)


def _too_busy() -> Problem:
    headers, detail = {"Retry-After": "1"}, "too many requests wait to be written; nothing of this one was taken"
    return Problem(429, "too-busy", "Too busy", detail, headers=headers, extra=_NONE_ACCEPTED)


__all__ = ["BATCHED", "BINARY", "PATH", "STRUCTURED", "Intake", "ingest_router"]
