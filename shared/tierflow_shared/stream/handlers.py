"""The port between the consumer loop and a service, and a handler that works one event at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from sqlalchemy import Connection

from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.contracts.registry import EVENT_TYPES
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.events import Event, Refused, RefusedError, caused_id, decode

Outcome = Literal["applied", "duplicate"]
EventFunction = Callable[[UnitOfWork, Event], Outcome]


class BatchHandler(Protocol):
    """What a service does with records. Called from one worker thread at a time, never concurrently."""

    @property
    def types(self) -> frozenset[str] | None:
        """The event types it wants; None for all."""

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        """These partitions are ours: load what must be in memory."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """These partitions are no longer ours: forget them."""

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        """Applies the records inside the unit of work. Records of one partition come in order.

        What cannot be taken goes to `uow.dead_letter`; any exception rolls the whole batch back, and it is
        tried again record by record so that one poisonous record cannot hold up the rest.
        """

    def rolled_back(self, connection: Connection) -> None:
        """The last `process` did not count: bring what is in memory back to what the database says."""

    def unfinished(self) -> Sequence[TopicPartition]:
        """Partitions for which records that were processed have left work to do."""

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        """Does a bounded part of that work; called in every transaction, with records or not, until none is left."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A handler that can understand records before their turn, while the transaction before them is under way."""

    def read_ahead(self, records: Sequence[Record]) -> None:
        """These records may be processed next, in this order. Called from a thread of its own; changes no state."""


class TypedHandler:
    """Applies one event at a time by its type. Keeps nothing in memory."""

    def __init__(self, functions: Mapping[str, EventFunction]) -> None:
        unknown = set(functions) - set(EVENT_TYPES)
        assert not unknown, f"not in the register of events: {sorted(unknown)}"
        self._functions = functions

    @property
    def types(self) -> frozenset[str] | None:
        return frozenset(self._functions)

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept in memory."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept in memory."""

    def rolled_back(self, connection: Connection) -> None:
        """Nothing is kept in memory."""

    def unfinished(self) -> Sequence[TopicPartition]:
        """Nothing is put off."""
        return ()

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is put off."""

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        for record in records:
            function = self._functions.get(record.type)
            if function is None:
                continue
            try:
                outcome = function(uow, decode(record))
            except RefusedError as refusal:
                uow.dead_letter(record, refusal.reason, refusal.detail)
            else:
                uow.count(record.type, outcome)


__all__ = [
    "BatchHandler",
    "Event",
    "EventFunction",
    "Outcome",
    "ReadsAhead",
    "Refused",
    "RefusedError",
    "TypedHandler",
    "caused_id",
]
