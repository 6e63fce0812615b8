"""Controls: each function takes one protection away from the product in this process. Never part of the product."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tierflow_contact_planner.adapters.writing import SqlWritableRecords
from tierflow_events.adapters.index import SqlEventIndex
from tierflow_scoring.handlers import booking
from tierflow_scoring.handlers.commands import Bookings
from tierflow_shared import crash_points
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.store import positions
from tierflow_shared.store.database import Database
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream import processor
from tierflow_suitability.adapters.seen import SqlSeenEvents


def no_dedupe() -> None:
    """Nobody remembers what was there before: neither the ingest nor a consumer."""

    def find_nothing(_self: SqlEventIndex, _hashes: Sequence[bytes]) -> dict[bytes, Any]:
        return {}

    def take_all(ledgers: list[bytes], places: list[int], bookings: Bookings) -> dict[int, bool]:
        for place, identity, content in zip(places, bookings.identities, bookings.contents, strict=True):
            ledgers[place] += identity + content
        return {}

    def forget(_self: object, *_arguments: object) -> None:
        return None

    SqlEventIndex._find = find_nothing  # type: ignore[method-assign, assignment]
    booking.take_into_ledgers = take_all
    SqlSeenEvents.content = forget  # type: ignore[method-assign, assignment]
    SqlSeenEvents.flush = forget  # type: ignore[method-assign, assignment]
    SqlWritableRecords.known_events = lambda _self, _identities: {}  # type: ignore[method-assign, assignment]
    SqlWritableRecords.remember_events = forget  # type: ignore[method-assign, assignment]


def no_fencing() -> None:
    """The compare-and-swap of the offset always succeeds, whoever asks and wherever the offset is."""

    def advance(
        connection: Any,
        tables: Any,
        _start: Mapping[TopicPartition, int],
        end: Mapping[TopicPartition, int],
        _epochs: Mapping[TopicPartition, int],
    ) -> None:
        position = tables.consumer_position
        for (topic, partition), offset in end.items():
            connection.execute(
                position.update()
                .where(position.c.topic == topic, position.c.partition == partition)
                .values(next_offset=offset)
            )

    processor.advance = advance  # type: ignore[attr-defined, assignment]
    positions.advance = advance  # type: ignore[assignment]


def commit_before_write() -> None:
    """The offset moves in a transaction of its own, before the effects."""

    def commit_once(
        self: Any,
        records: Sequence[Record],
        start: Mapping[TopicPartition, int],
        end: Mapping[TopicPartition, int],
        unfinished: Sequence[TopicPartition] = (),
    ) -> None:
        with self._database.writing() as uow:
            positions.advance(uow.connection, self._database.tables, start, end, self._epochs)
        with self._database.writing() as uow:
            self._handler.process(uow, records)
            self._handler.continue_unfinished(uow, [one for one in unfinished if one in end])
            uow.after_commit(lambda: self._count(uow))
            crash_points.reached("before-commit")
        crash_points.reached("after-commit")

    processor.StreamProcessor._commit_once = commit_once  # type: ignore[method-assign]


def outbox_apart() -> None:
    """What a transaction says is written in a second transaction, after the first is durable."""
    original, reached = Database.writing, crash_points.reached
    crash_points.reached = lambda point: None if point == "after-commit" else reached(point)

    @contextmanager
    def writing(self: Database, **how: Any) -> Iterator[UnitOfWork]:
        with original(self, **how) as uow:
            yield uow
            held, uow._outbox = uow._outbox, []
        if held:
            reached("after-commit")
            with original(self) as later:
                later._outbox = held

    Database.writing = writing  # type: ignore[method-assign]


SABOTAGES: Final[Mapping[str, Callable[[], None]]] = {
    "dedupe": no_dedupe,
    "fencing": no_fencing,
    "atomic-offset": commit_before_write,
    "atomic-outbox": outbox_apart,
}
