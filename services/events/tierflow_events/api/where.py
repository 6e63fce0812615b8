"""Where an event is now, and how the log stands."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Path
from starlette.requests import Request

from tierflow_events.api.models import (
    DeadLetterAnswer,
    GroupProgress,
    LogAnswer,
    LogPosition,
    PartitionAnswer,
    WhereAnswer,
)
from tierflow_events.handlers.inspecting import Inspector
from tierflow_events.ports import EventIndex, Letters
from tierflow_events.settings import EventsSettings
from tierflow_shared.bus.port import Bus, BusUnavailableError, TopicPartition
from tierflow_shared.contracts.registry import EVENT_TYPES, TOPICS
from tierflow_shared.generate.schemas import event_schema
from tierflow_shared.ids import identity_hash
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.problems import not_found, unavailable
from tierflow_shared.web.routing import service_router

_PREFIX: Final = b"/events/v1/events/"

Source = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,200}$", description="URI reference of the producer")]
EventId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,128}$", description="unique within its source")]
TypeName = Annotated[str, Path(pattern=r"^[a-z0-9.-]{1,100}$", description="a type of GET /events/v1/schemas")]


def where_router(
    index: EventIndex, letters: Letters, inspector: Inspector, bus: Bus, settings: EventsSettings
) -> APIRouter:
    """Routes that look at events, schemas and the log."""
    router = service_router("/events/v1", ["events"])

    @router.get("/events/{source:path}/{event_id}")
    async def find_event(
        source: Source,  # noqa: ARG001 - read from the undecoded path, where a slash of a name is told from a separator
        event_id: EventId,  # noqa: ARG001
        request: Request,
        principal: Annotated[Principal, requires("events:read")],  # noqa: ARG001
    ) -> WhereAnswer:
        """Where the event with this source and id lies, which groups have passed it, and who could not take it."""
        wanted_source, wanted_id = _names(request)
        id_hash = identity_hash(wanted_source, wanted_id)
        known = (await index.find([id_hash])).get(id_hash)
        if known is None:
            raise not_found("event")
        topic, partition, offset = known.place
        groups = await _positions(bus, settings)
        here = TopicPartition(topic, partition)
        about = await letters.about(known.place)
        fates = await inspector.fates(about)
        return WhereAnswer(
            source=wanted_source,
            id=wanted_id,
            position=LogPosition(topic=topic, partition=partition, offset=offset),
            groups={
                group: GroupProgress(position=positions[here], passed=positions[here] > offset)
                for group, positions in groups.items()
                if here in positions
            },
            dead_letters=[DeadLetterAnswer.of(letter, fates[letter.id]) for letter in about],
        )

    @router.get("/schemas")
    async def list_schemas(
        principal: Annotated[Principal, requires("events:read", customers=True, rms=True)],  # noqa: ARG001
    ) -> dict[str, list[str]]:
        """The names of all event types."""
        return {"types": sorted(EVENT_TYPES)}

    @router.get("/schemas/{event_type}")
    async def show_schema(
        event_type: TypeName,
        principal: Annotated[Principal, requires("events:read", customers=True, rms=True)],  # noqa: ARG001
    ) -> dict[str, Any]:
        """The JSON Schema of a type's data."""
        if event_type not in EVENT_TYPES:
            raise not_found("event type")
        return event_schema(EVENT_TYPES[event_type])

    @router.get("/log")
    async def show_log(principal: Annotated[Principal, requires("operations:read")]) -> LogAnswer:  # noqa: ARG001
        """Topics, partitions and offsets, and how far each consumer group lies behind."""
        groups = await _positions(bus, settings)
        return LogAnswer(topics={topic: await _partitions(bus, topic, groups) for topic in TOPICS})

    return router


def _names(request: Request) -> tuple[str, str]:
    """Source and id from the path as sent: the last plain slash separates them."""
    source, _, event_id = request.scope["raw_path"].removeprefix(_PREFIX).rpartition(b"/")
    return unquote(source.decode("ascii")), unquote(event_id.decode("ascii"))


Positions = Mapping[str, Mapping[TopicPartition, int]]


async def _positions(bus: Bus, settings: EventsSettings) -> Positions:
    try:
        found = await asyncio.gather(*(bus.mirrored(group) for group in settings.consumer_groups))
    except BusUnavailableError:
        raise unavailable("the log cannot be read now") from None
    return dict(zip(settings.consumer_groups, found, strict=True))


async def _partitions(bus: Bus, topic: str, groups: Positions) -> list[PartitionAnswer]:
    answers = []
    for partition in range(await bus.partitions(topic)):
        here = TopicPartition(topic, partition)
        end = await bus.high_watermark(here)
        positions = {group: of_group[here] for group, of_group in groups.items() if here in of_group}
        answers.append(
            PartitionAnswer(
                partition=partition,
                earliest=await bus.earliest(here),
                end=end,
                groups=positions,
                lag={group: max(0, end - position) for group, position in positions.items()},
            )
        )
    return answers
