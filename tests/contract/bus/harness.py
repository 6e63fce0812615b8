"""What the conformance suite needs from an adapter's surroundings: a bus, and a way to let a member die."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tierflow_shared.bus.port import Assignment, Bus, Consumer, Message, Position, Record, TopicPartition


class Harness(Protocol):
    """One adapter under test."""

    def open(self) -> AbstractAsyncContextManager[Bus]:
        """A bus on the harness's one log; opening again sees what was written before."""

    async def let_leases_end(self) -> None:
        """Time passes until a member that does not poll has lost its partitions."""


class Reader:
    """Drives one consumer as the product does: it remembers assignments and starts where it is told."""

    def __init__(self, consumer: Consumer, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        self.consumer = consumer
        self.offsets = dict(offsets or {})
        self.epochs: dict[TopicPartition, int] = {}
        self.records: list[Record] = []

    async def assigned(self, assignments: Sequence[Assignment]) -> Mapping[TopicPartition, int]:
        self.epochs.update(assignments)
        return {a.topic_partition: self.offsets.get(a.topic_partition, 0) for a in assignments}

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        for topic_partition in partitions:
            self.epochs.pop(topic_partition, None)

    async def start(self) -> "Reader":
        await self.consumer.start(self)
        return self

    async def read(self, count: int) -> list[Record]:
        """Polls until `count` more records have come; fails when a poll of five seconds brings none."""
        wanted = len(self.records) + count
        before = len(self.records)
        while len(self.records) < wanted:
            batch = await self.consumer.poll(100, 5.0)
            assert batch.end, f"only {len(self.records) - before} of {count} records came"
            self.records += batch.records
            self.offsets.update(batch.end)
        return self.records[before:]

    async def own(self, count: int) -> None:
        """Polls until the member owns exactly `count` partitions."""
        for _ in range(200):
            batch = await self.consumer.poll(100, 0.05)
            self.records += batch.records
            self.offsets.update(batch.end)
            if len(self.epochs) == count:
                return
        raise AssertionError(f"owns {sorted(self.epochs)}, wanted {count}")


def message(key: str, number: int, topic: str = "t", partition: int | None = None) -> Message:
    """A small message whose value tells its number."""
    headers = (("ce_type", b"odd" if number % 2 else b"even"), ("ce_id", f"{key}-{number}".encode()))
    return Message(topic, key, str(number).encode(), headers, partition)


def numbers(records: Sequence[Record], key: str) -> list[int]:
    """The numbers of one key's messages, as they came."""
    return [int(record.value) for record in records if record.key == key]


__all__ = ["Harness", "Position", "Reader", "message", "numbers"]
