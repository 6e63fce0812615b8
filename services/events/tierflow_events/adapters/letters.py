"""Dead letters of all services over SQL."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, update

from tierflow_events.adapters.tables import LETTER
from tierflow_events.domain.letters import Letter, LetterFilter, Replay
from tierflow_events.domain.placing import Place
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import insert_if_new
from tierflow_shared.store.unit_of_work import UnitOfWork


class SqlLetters:
    """Reads and marks letters; blocking work runs on worker threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, wanted: LetterFilter, after: tuple[int, str] | None, limit: int) -> Sequence[Letter]:
        statement = select(LETTER).where(*_conditions(wanted))
        if after is not None:
            time_ms, letter_id = after
            same_time = and_(LETTER.c.occurred_at_ms == time_ms, LETTER.c.letter_id < letter_id)
            statement = statement.where(or_(LETTER.c.occurred_at_ms < time_ms, same_time))
        newest_first = (LETTER.c.occurred_at_ms.desc(), LETTER.c.letter_id.desc())
        return await asyncio.to_thread(self._read, statement.order_by(*newest_first).limit(limit))

    async def get(self, letter_id: str) -> Letter | None:
        found = await asyncio.to_thread(self._read, select(LETTER).where(LETTER.c.letter_id == letter_id))
        return found[0] if found else None

    async def about(self, place: Place) -> Sequence[Letter]:
        topic, partition, offset = place
        here = and_(LETTER.c.topic == topic, LETTER.c.partition == partition, LETTER.c.offset == offset)
        return await asyncio.to_thread(self._read, select(LETTER).where(here).order_by(LETTER.c.letter_id))

    async def replayed(self, letter_id: str, replay: Replay) -> None:
        await asyncio.to_thread(self._mark, letter_id, replay)

    def _mark(self, letter_id: str, replay: Replay) -> None:
        with self._database.writing() as uow:
            uow.connection.execute(
                update(LETTER)
                .where(LETTER.c.letter_id == letter_id, LETTER.c.replayed_at_ms.is_(None))
                .values(
                    replayed_by=replay.by,
                    replayed_at_ms=milliseconds(replay.at),
                    replay_partition=replay.place.partition,
                    replay_offset=replay.place.offset,
                )
            )

    def _read(self, statement: Select[Any]) -> list[Letter]:
        with self._database.reading() as connection:
            return [_letter(row) for row in connection.execute(statement)]


class LetterWriter:
    """Writes letters down inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._connection = uow.connection

    def add(self, letter: Letter) -> bool:
        return insert_if_new(self._connection, LETTER, letter_row(letter))


def letter_row(letter: Letter) -> dict[str, object]:
    """The columns of a letter that was not replayed yet."""
    return {
        "letter_id": letter.id,
        "service": letter.service,
        "topic": letter.place.topic,
        "partition": letter.place.partition,
        "offset": letter.place.offset,
        "key": letter.key,
        "event_id": letter.event_id,
        "event_source": letter.event_source,
        "event_type": letter.event_type,
        "reason": letter.reason,
        "detail": letter.detail,
        "occurred_at_ms": letter.occurred_at_ms,
    }


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 (UTC)."""
    return int(moment.timestamp() * 1000)


def _moment(milliseconds_since_1970: int) -> datetime:
    return datetime.fromtimestamp(milliseconds_since_1970 / 1000, UTC)


def _conditions(wanted: LetterFilter) -> list[ColumnElement[bool]]:
    equal = {
        LETTER.c.event_type: wanted.event_type,
        LETTER.c.key: wanted.key,
        LETTER.c.service: wanted.service,
        LETTER.c.reason: wanted.reason,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if wanted.since is not None:
        conditions.append(LETTER.c.occurred_at_ms >= milliseconds(wanted.since))
    if wanted.until is not None:
        conditions.append(LETTER.c.occurred_at_ms < milliseconds(wanted.until))
    return conditions


def _letter(row: Row[Any]) -> Letter:
    replay = None
    if row.replayed_at_ms is not None:
        place = Place(row.topic, row.replay_partition, row.replay_offset)
        replay = Replay(row.replayed_by, _moment(row.replayed_at_ms), place)
    return Letter(
        id=row.letter_id,
        service=row.service,
        place=Place(row.topic, row.partition, row.offset),
        key=row.key,
        event_id=row.event_id,
        event_source=row.event_source,
        event_type=row.event_type,
        reason=row.reason,
        detail=row.detail,
        occurred_at=_moment(row.occurred_at_ms),
        replay=replay,
    )
