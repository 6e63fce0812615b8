"""The truth about how far a service has read: offsets that move by compare-and-swap under an epoch."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, select, update

from tierflow_shared.bus.port import Assignment, StaleEpochError, TopicPartition
from tierflow_shared.store.dialect import upsert
from tierflow_shared.store.tables import SharedTables


class FencedError(Exception):
    """Another member owns the partition now: what this one did must not count."""


class ClaimRefusedError(FencedError, StaleEpochError):
    """A newer epoch has claimed the partition."""


def claim(connection: Connection, tables: SharedTables, assignments: Sequence[Assignment]) -> dict[TopicPartition, int]:
    """Raises each partition's epoch to ours and returns the offsets to read from.

    Raises:
        ClaimRefusedError: a newer epoch has already claimed one of the partitions.
    """
    position = tables.consumer_position
    offsets: dict[TopicPartition, int] = {}
    for (topic, partition), epoch in sorted(assignments):
        connection.execute(
            upsert(connection, position)
            .values(topic=topic, partition=partition, next_offset=0, epoch=epoch)
            .on_conflict_do_nothing()
        )
        here = and_(position.c.topic == topic, position.c.partition == partition)
        claimed = connection.execute(update(position).where(here, position.c.epoch <= epoch).values(epoch=epoch))
        if claimed.rowcount != 1:
            claimed_by = connection.execute(select(position.c.epoch).where(here)).scalar_one()
            raise ClaimRefusedError(TopicPartition(topic, partition), epoch, claimed_by)
        offsets[TopicPartition(topic, partition)] = connection.execute(
            select(position.c.next_offset).where(here)
        ).scalar_one()
    return offsets


def renew(
    connection: Connection, tables: SharedTables, held: Mapping[TopicPartition, int], assignments: Sequence[Assignment]
) -> dict[TopicPartition, int]:
    """Raises the epochs of partitions that are ours since an earlier epoch; `held` says since which.

    Returns the offsets of those that nobody claimed in between: what is in memory about them is still true.
    The others have to be claimed like new ones.
    """
    position = tables.consumer_position
    kept: dict[TopicPartition, int] = {}
    for topic_partition, epoch in assignments:
        since = held.get(topic_partition)
        if since is None or since > epoch:
            continue
        here = and_(position.c.topic == topic_partition.topic, position.c.partition == topic_partition.partition)
        renewed = connection.execute(update(position).where(here, position.c.epoch == since).values(epoch=epoch))
        if renewed.rowcount == 1:
            kept[topic_partition] = connection.execute(select(position.c.next_offset).where(here)).scalar_one()
    return kept


def advance(
    connection: Connection,
    tables: SharedTables,
    start: Mapping[TopicPartition, int],
    end: Mapping[TopicPartition, int],
    epochs: Mapping[TopicPartition, int],
) -> None:
    """Moves the offsets from `start` to `end` if nobody else has moved or claimed them since.

    Raises:
        FencedError: an offset or an epoch is not the expected one; the transaction must be rolled back.
    """
    position = tables.consumer_position
    for topic_partition, offset in sorted(end.items()):  # one order for all writers: no deadlocks
        topic, partition = topic_partition
        moved = connection.execute(
            update(position)
            .where(
                position.c.topic == topic,
                position.c.partition == partition,
                position.c.next_offset == start[topic_partition],
                position.c.epoch == epochs[topic_partition],
            )
            .values(next_offset=offset)
        )
        if moved.rowcount != 1:
            raise FencedError(f"{topic}/{partition} is not at offset {start[topic_partition]} under our epoch")


def read_positions(connection: Connection, tables: SharedTables) -> dict[TopicPartition, int]:
    """All offsets of the service."""
    position = tables.consumer_position
    rows = connection.execute(select(position.c.topic, position.c.partition, position.c.next_offset))
    return {TopicPartition(row.topic, row.partition): row.next_offset for row in rows}


def own_positions(
    connection: Connection, tables: SharedTables, epochs: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Offsets of those partitions that nobody has claimed with another epoch than ours."""
    position = tables.consumer_position
    rows = connection.execute(select(position)).all()
    found = {TopicPartition(row.topic, row.partition): row for row in rows}
    ours = [here for here, epoch in epochs.items() if here in found and found[here].epoch == epoch]
    return {here: found[here].next_offset for here in ours}


def behind(connection: Connection, tables: SharedTables, ends: Mapping[TopicPartition, int]) -> int:
    """How many messages lie between the service's offsets and `ends`."""
    positions = read_positions(connection, tables)
    return sum(max(0, end - positions.get(topic_partition, 0)) for topic_partition, end in ends.items())


__all__ = [
    "ClaimRefusedError",
    "FencedError",
    "advance",
    "behind",
    "claim",
    "own_positions",
    "read_positions",
    "renew",
]
