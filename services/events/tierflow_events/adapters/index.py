"""The event index over SQL: a row of hashes and numbers for each accepted event."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

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
_SELECT: Final = f"SELECT {_COLUMNS} FROM {EVENT_INDEX.name} WHERE id_hash IN "  # noqa: S608 - names of our own
_INSERT: Final = f"INSERT INTO {EVENT_INDEX.name} ({_COLUMNS})"


class SqlEventIndex:
    """Keeps the index in the service's database; blocking work runs on worker threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id_hashes: Sequence[bytes]) -> Mapping[bytes, Known]:
        return await asyncio.to_thread(self._find, id_hashes)

    def _find(self, id_hashes: Sequence[bytes]) -> dict[bytes, Known]:
        found: dict[bytes, Known] = {}
        with self._database.reading() as connection:
            mark = _mark(connection)
            for start in range(0, len(id_hashes), _CHUNK):
                chunk = tuple(id_hashes[start : start + _CHUNK])
                statement = _SELECT + f"({','.join([mark] * len(chunk))})"
                for id_hash, content_hash, topic, partition, offset in connection.exec_driver_sql(statement, chunk):
                    found[bytes(id_hash)] = Known(bytes(content_hash), Place(TOPIC_NAMES[topic], partition, offset))
        return found

    async def record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        await asyncio.to_thread(self._record, accepted, conflicts)

    def _record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        rows = [
            (candidate.id_hash, candidate.content_hash, TOPIC_CODES[topic], partition, offset)
            for candidate, (topic, partition, offset) in accepted
        ]
        with self._database.writing() as uow:
            rows.sort(key=itemgetter(0))  # neighbours in the table one after another: half the pages to look for
            write_rows(uow.connection, _INSERT, "ON CONFLICT DO NOTHING", rows)
            if conflicts:
                letters = [letter_row(_letter(candidate, place, uow.now)) for candidate, place in conflicts]
                uow.connection.execute(upsert(uow.connection, LETTER).on_conflict_do_nothing(), letters)
                for candidate, _ in conflicts:
                    uow.count(candidate.type, "refused")


def _mark(connection: Connection) -> str:
    """How this driver writes a parameter."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


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
