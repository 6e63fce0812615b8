"""From the bus to the use case: decode, drop what was seen before, refuse what cannot be read."""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from tierflow_contact_planner.domain.facts import Version
from tierflow_contact_planner.handlers.learning import CONSUMED_TYPES, News, learn_news
from tierflow_contact_planner.ports import WritableRecords
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.contracts.outcomes import CustomerErased
from tierflow_shared.contracts.registry import SALES, TIERS, TYPE_OF_DATA
from tierflow_shared.ids import content_hash, identity_hash
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.events import Event, RefusedError, decode

TYPES: Final = CONSUMED_TYPES | {TYPE_OF_DATA[CustomerErased].name}


class NewsHandler:
    """Takes in whole batches: one read and one write per table. Keeps nothing in memory.

    An event that was seen before (source and id) has no second effect; the same id with other content is refused.
    """

    def __init__(
        self,
        writer: Callable[[Connection], WritableRecords],
        forget_keys: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._writer, self._forget_keys = writer, forget_keys

    @property
    def types(self) -> frozenset[str] | None:
        return TYPES

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept in memory."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept in memory."""

    def rolled_back(self, connection: Connection) -> None:
        """Nothing is kept in memory."""

    def unfinished(self) -> Sequence[TopicPartition]:
        return ()

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is put off."""

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        events = [event for record in records if (event := _readable(uow, record)) is not None]
        store = self._writer(uow.connection)
        fresh = _first_sightings(uow, store, events)
        erased = [event.data.customer_id for event in fresh if isinstance(event.data, CustomerErased)]
        if erased:
            uow.after_commit(lambda: self._forget_keys(erased))
        learn_news(store, [News(event.data, version_of(event), event.time) for event in fresh])


def version_of(event: Event) -> Version:
    """What orders statements about one thing: the producer's time, then source and id.

    Our own services say several things in one commit, all with its time, and in the order of their topic. There the
    place in the log comes right after the time; a second copy of a message is a duplicate and has no say.
    """
    time, source, event_id = event.version
    if event.record.topic in (TIERS, SALES):
        time = f"{time}#{event.record.offset:020d}"
    return (time, source, event_id)


def _readable(uow: UnitOfWork, record: Record) -> Event | None:
    if record.type not in TYPES:
        return None
    try:
        return decode(record)
    except RefusedError as refusal:
        uow.dead_letter(record, refusal.reason, refusal.detail)
        return None


def _first_sightings(uow: UnitOfWork, store: WritableRecords, events: Sequence[Event]) -> list[Event]:
    identities = [identity_hash(event.source, event.id) for event in events]
    known = dict(store.known_events(identities))
    fresh: list[Event] = []
    remembered: dict[bytes, bytes] = {}
    for event, identity in zip(events, identities, strict=True):
        content = content_hash(event.type, event.record.value)
        before = known.get(identity)
        if before is None:
            known[identity] = remembered[identity] = content
            fresh.append(event)
            uow.count(event.type, "applied")
        elif before == content:
            uow.count(event.type, "duplicate")
        else:
            uow.dead_letter(event.record, "id-reused", "this source used the id before with other content")
    store.remember_events(remembered)
    return fresh
