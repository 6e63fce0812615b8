"""Dead letters of all services over SQL."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, tuple_, update

from tierflow_events.adapters.tables import LETTER
from tierflow_events.domain.letters import Letter, LetterFilter, LetterGroup, Replay
from tierflow_events.domain.placing import Place
from tierflow_shared.store.acts import Act, record_acts
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import insert_if_new
from tierflow_shared.store.unit_of_work import UnitOfWork

_C: Final = LETTER.c
_LOG_ORDER: Final = (_C.topic, _C.partition, _C.offset, _C.letter_id)
_IS_OPEN: Final = and_(_C.replay_offset.is_(None), func.coalesce(_C.replay_kind, "replay") == "replay")


class SqlLetters:
    """Reads and marks letters; blocking work runs on worker threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, wanted: LetterFilter, after: tuple[int, str] | None, limit: int) -> Sequence[Letter]:
        statement = select(LETTER).where(*_conditions(wanted))
        if after is not None:
            time_ms, letter_id = after
            same_time = and_(_C.occurred_at_ms == time_ms, _C.letter_id < letter_id)
            statement = statement.where(or_(_C.occurred_at_ms < time_ms, same_time))
        newest_first = (_C.occurred_at_ms.desc(), _C.letter_id.desc())
        return await asyncio.to_thread(self._read, statement.order_by(*newest_first).limit(limit))

    async def get(self, letter_id: str) -> Letter | None:
        found = await asyncio.to_thread(self._read, select(LETTER).where(_C.letter_id == letter_id))
        return found[0] if found else None

    async def about(self, place: Place) -> Sequence[Letter]:
        return await asyncio.to_thread(self._read, _about(place))

    async def open_groups(self, wanted: LetterFilter) -> Sequence[LetterGroup]:
        columns = (_C.service, _C.event_type, _C.reason)
        statement = select(*columns, func.count()).where(_IS_OPEN, *_conditions(wanted))
        statement = statement.group_by(*columns).order_by(*columns)
        return await asyncio.to_thread(self._read_groups, statement)

    async def open_in_log_order(
        self, wanted: LetterFilter, after: tuple[str, int, int, str] | None, limit: int, *, not_of_run: str
    ) -> Sequence[Letter]:
        parent = LETTER.alias("parent")
        made_by_run = exists().where(parent.c.letter_id == _C.replay_of, parent.c.replay_run == not_of_run)
        statement = select(LETTER).where(_IS_OPEN, ~made_by_run, *_conditions(wanted))
        if after is not None:
            statement = statement.where(tuple_(*_LOG_ORDER) > tuple_(*after))
        return await asyncio.to_thread(self._read, statement.order_by(*_LOG_ORDER).limit(limit))

    async def failed_again(self, letter_ids: Collection[str]) -> Mapping[str, str]:
        return await asyncio.to_thread(self._failed_again, list(letter_ids)) if letter_ids else {}

    def _failed_again(self, letter_ids: Sequence[str]) -> dict[str, str]:
        query = select(_C.replay_of, func.max(_C.letter_id)).where(_C.replay_of.in_(letter_ids)).group_by(_C.replay_of)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    async def take_in_hand(self, letter_ids: Sequence[str], replay: Replay) -> frozenset[str]:
        return await asyncio.to_thread(self._take_in_hand, letter_ids, replay)

    def _take_in_hand(self, letter_ids: Sequence[str], replay: Replay) -> frozenset[str]:
        taken = (
            update(LETTER)
            .where(_C.letter_id.in_(letter_ids), _C.replayed_at_ms.is_(None))
            .values(
                replay_kind=replay.kind,
                replayed_by=replay.by,
                replayed_at_ms=milliseconds(replay.at),
                replay_run=replay.run,
                replay_event_id=replay.event_id,
                replay_content=replay.content,
            )
            .returning(_C.letter_id)
        )
        with self._database.writing() as uow:
            mine = frozenset(uow.connection.execute(taken).scalars())
            record_acts(uow, [Act(replay.by, f"dead-letter.{replay.kind}", one) for one in sorted(mine)])
        return mine

    async def sent(self, places: Mapping[str, Place]) -> None:
        await asyncio.to_thread(self._sent, places)

    def _sent(self, places: Mapping[str, Place]) -> None:
        with self._database.writing() as uow:
            for letter_id, place in sorted(places.items()):
                uow.connection.execute(
                    update(LETTER)
                    .where(_C.letter_id == letter_id, _C.replay_offset.is_(None))
                    .values(replay_partition=place.partition, replay_offset=place.offset)
                )

    def _read(self, statement: Select[Any]) -> list[Letter]:
        with self._database.reading() as connection:
            return [_letter(row) for row in connection.execute(statement)]

    def _read_groups(self, statement: Select[Any]) -> list[LetterGroup]:
        with self._database.reading() as connection:
            return [LetterGroup(*row) for row in connection.execute(statement)]


class LetterWriter:
    """Writes letters down inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._connection = uow.connection

    def add(self, letter: Letter) -> bool:
        return insert_if_new(self._connection, LETTER, letter_row(letter))

    def get(self, letter_id: str) -> Letter | None:
        row = self._connection.execute(select(LETTER).where(_C.letter_id == letter_id)).first()
        return None if row is None else _letter(row)

    def about(self, place: Place) -> Sequence[Letter]:
        return [_letter(row) for row in self._connection.execute(_about(place))]


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
        "replay_of": letter.replay_of,
        "first_letter_id": letter.first,
    }


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 (UTC)."""
    return int(moment.timestamp() * 1000)


def _moment(milliseconds_since_1970: int) -> datetime:
    return datetime.fromtimestamp(milliseconds_since_1970 / 1000, UTC)


def _about(place: Place) -> Select[Any]:
    topic, partition, offset = place
    here = and_(_C.topic == topic, _C.partition == partition, _C.offset == offset)
    return select(LETTER).where(here).order_by(_C.letter_id)


def _conditions(wanted: LetterFilter) -> list[ColumnElement[bool]]:
    equal = {
        _C.event_type: wanted.event_type,
        _C.key: wanted.key,
        _C.service: wanted.service,
        _C.reason: wanted.reason,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if wanted.since is not None:
        conditions.append(_C.occurred_at_ms >= milliseconds(wanted.since))
    if wanted.until is not None:
        conditions.append(_C.occurred_at_ms < milliseconds(wanted.until))
    if wanted.state is not None:
        conditions.append(_C.replayed_at_ms.is_(None) if wanted.state == "open" else _C.replayed_at_ms.is_not(None))
    if wanted.ids is not None:
        conditions.append(_C.letter_id.in_(wanted.ids))
    return conditions


def _letter(row: Row[Any]) -> Letter:
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
        replay=_replay(row),
        replay_of=row.replay_of,
        first=row.first_letter_id,
    )


def _replay(row: Row[Any]) -> Replay | None:
    if row.replayed_at_ms is None:
        return None
    return Replay(
        by=row.replayed_by,
        at=_moment(row.replayed_at_ms),
        place=None if row.replay_offset is None else Place(row.topic, row.replay_partition, row.replay_offset),
        kind=row.replay_kind or "replay",
        run=row.replay_run,
        event_id=row.replay_event_id,
        content=None if row.replay_content is None else bytes(row.replay_content),
    )
