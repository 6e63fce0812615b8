"""The event index over SQL: a row of hashes and numbers for each accepted event."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from tierflow_events.adapters.letters import letter_row
from tierflow_events.adapters.tables import EVENT_INDEX, LETTER, TOPIC_CODES, TOPIC_NAMES
from tierflow_events.domain.letters import CONFLICT, Letter
from tierflow_events.domain.placing import Candidate, Known, Place
from tierflow_shared.ids import derived_id
from tierflow_shared.store.bulk import write_rows
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import upsert

# Both databases take 32,767 parameters in one statement.
_CHUNK: Final = 5_000
_SERVICE: Final = "events"
# The two statements of the hot path go straight to the driver: building them per row would cost more than running them.
_COLUMNS: Final = 'id_hash, content_hash, topic, partition, "offset"'
_SELECT: Final = f"SELECT {_COLUMNS} FROM {EVENT_INDEX.name} WHERE id_hash "  # noqa: S608 - names of our own
_INSERT: Final = f"INSERT INTO {EVENT_INDEX.name} ({_COLUMNS})"
_TAIL: Final = "ON CONFLICT DO NOTHING"
# PostgreSQL takes a whole column as one parameter; for these rows that is faster than a COPY, whatever their number.
_SELECT_ANY: Final = _SELECT + "= ANY(%s::bytea[])"
_ARRAYS: Final = "unnest(%s::bytea[], %s::bytea[], %s::int2[], %s::int4[], %s::int8[])"
_INSERT_ARRAYS: Final = f"{_INSERT} SELECT * FROM {_ARRAYS} {_TAIL}"  # noqa: S608
_Row = tuple[bytes, bytes, int, int, int]


class SqlEventIndex:
    """Keeps the index in the service's database; blocking work runs on worker threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id_hashes: Sequence[bytes]) -> Mapping[bytes, Known]:
        return await asyncio.to_thread(self._find, id_hashes)

    def _find(self, id_hashes: Sequence[bytes]) -> dict[bytes, Known]:
        if not self._database.is_sqlite:
            from tierflow_shared.store.copying import fetch_planned_anew

            wanted = (_byte_array(id_hashes),)
            return _known(self._database.autocommit(lambda it: fetch_planned_anew(it, _SELECT_ANY, wanted)))
        found: dict[bytes, Known] = {}
        with self._database.reading() as connection:
            for start in range(0, len(id_hashes), _CHUNK):
                chunk = tuple(id_hashes[start : start + _CHUNK])
                marks = ",".join("?" * len(chunk))
                found |= _known(connection.exec_driver_sql(f"{_SELECT} IN ({marks})", chunk))
        return found

    async def record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        await asyncio.to_thread(self._record, accepted, conflicts)

    def _record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        rows: list[_Row] = [
            (candidate.id_hash, candidate.content_hash, TOPIC_CODES[topic], partition, offset)
            for candidate, (topic, partition, offset) in accepted
        ]
        rows.sort(key=itemgetter(0))  # neighbours in the table one after another: half the pages to look for
        if not conflicts and not self._database.is_sqlite:
            columns = _columns(rows)
            self._database.autocommit(lambda it: it.exec_driver_sql(_INSERT_ARRAYS, columns))
            return
        with self._database.writing() as uow:
            write_rows(uow.connection, _INSERT, _TAIL, rows)
            if conflicts:
                letters = [letter_row(_letter(candidate, place, uow.now)) for candidate, place in conflicts]
                uow.connection.execute(upsert(uow.connection, LETTER).on_conflict_do_nothing(), letters)
                for candidate, _ in conflicts:
                    uow.count(candidate.type, "refused")


def _known(rows: Iterable[Any]) -> dict[bytes, Known]:
    return {
        bytes(id_hash): Known(bytes(content_hash), Place(TOPIC_NAMES[topic], partition, offset))
        for id_hash, content_hash, topic, partition, offset in rows
    }


def _columns(rows: Sequence[_Row]) -> tuple[str, ...]:
    """The rows column by column, as arrays."""
    ids, contents, topics, partitions, offsets = zip(*rows, strict=True)
    return (_byte_array(ids), _byte_array(contents), *map(_number_array, (topics, partitions, offsets)))


def _byte_array(values: Iterable[bytes]) -> str:
    """PostgreSQL's text of an array of bytes, far cheaper than the driver's own."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def _number_array(values: Iterable[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _letter(candidate: Candidate, first: Place, now: datetime) -> Letter:
    """The dead letter of an event that came again with other content; it points to the one that came first."""
    return Letter(
        id=derived_id("dl", _SERVICE, candidate.id_hash.hex(), candidate.content_hash.hex()),
        service=_SERVICE,
        place=first,
        key=candidate.key,
        event_id=candidate.id,
        event_source=candidate.source,
        event_type=candidate.type,
        reason=CONFLICT,
        detail="the same source and id came again with other content; the first content stays",
        occurred_at=now,
    )
