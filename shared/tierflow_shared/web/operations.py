"""`GET /{service}/v1/progress`: how far a service has read and what became of it."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection, func, select

from tierflow_shared.store.database import Database
from tierflow_shared.store.outbox import count_messages
from tierflow_shared.store.positions import read_positions
from tierflow_shared.web.acts import add_acts_route
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.routing import service_router


class Outcomes(BaseModel):
    """What became of the events of one type."""

    applied: int = 0
    duplicate: int = 0
    refused: int = 0


class Progress(BaseModel):
    """How far a service has come. All numbers are of one moment."""

    positions: dict[str, int] = Field(description='next offset to read, by "topic/partition"')
    consumption: dict[str, Outcomes] = Field(description="by event type")
    outbox: int = Field(description="messages that wait for the bus")
    dead_letters: int = Field(description="messages that could not be taken")
    unfinished: int = Field(0, description="partitions in which messages that were read have left work under way")


def operations_router(
    service: str, database: Database, unfinished: Callable[[Connection], int] = lambda _: 0
) -> APIRouter:
    """The operators' view of one service. `unfinished` counts the partitions that have work under way."""
    router = service_router(f"/{service}/v1", ["operations"])

    @router.get("/progress")
    async def progress(principal: Annotated[Principal, requires("operations:read")]) -> Progress:  # noqa: ARG001
        """Positions, outcomes by event type, outbox and dead letters of this service."""
        return await asyncio.to_thread(read_progress, database, unfinished)

    add_acts_route(router, database)
    return router


def read_progress(database: Database, unfinished: Callable[[Connection], int] = lambda _: 0) -> Progress:
    """Reads the shared tables in one transaction."""
    tables = database.tables
    outcomes: dict[str, dict[str, int]] = {}
    with database.reading() as connection:
        positions = read_positions(connection, tables)
        for row in connection.execute(select(tables.consumption)):
            outcomes.setdefault(row.event_type, {})[row.outcome] = row._mapping["count"]
        under_way = unfinished(connection)
        outbox = count_messages(connection, tables)
        dead_letters = connection.execute(select(func.count()).select_from(tables.dead_letter)).scalar_one()
    return Progress(
        positions={f"{topic}/{partition}": offset for (topic, partition), offset in sorted(positions.items())},
        consumption={event_type: Outcomes(**counts) for event_type, counts in sorted(outcomes.items())},
        outbox=outbox,
        dead_letters=dead_letters,
        unfinished=under_way,
    )
