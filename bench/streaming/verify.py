"""Is an engine's result the expected one: nothing lost, nothing twice, nothing out of order."""

import asyncio
import bisect
from array import array
from collections.abc import Iterable, Mapping

import msgspec
from aiokafka import TopicPartition

from bench.streaming import topics
from bench.streaming.engine import EngineError, Job, Outcome, Position
from bench.streaming.workload import Standing

_READ_MS = 1_000
_SHOWN = 5


class Written(msgspec.Struct, forbid_unknown_fields=True):
    """A record of the output topic."""

    customer_id: str
    sum_minor: int
    count: int
    tier: int


class Book:
    """Follows the records of an output topic in order; every record must be the customer's next step."""

    def __init__(self, partitions: int) -> None:
        self.standings: dict[str, Standing] = {}
        self._offsets: list[array[int]] = [array("q") for _ in range(partitions)]
        self._decode = msgspec.json.Decoder(Written).decode

    def add(self, partition: int, offset: int, key: bytes, value: bytes) -> None:
        """Takes the next record of a partition.

        Raises:
            EngineError: its count is not one more than that of the record before.
        """
        record = self._decode(value)
        if record.customer_id.encode() != key:
            raise EngineError(f"a record of {record.customer_id} has the key {key!r}")
        before = self.standings.get(record.customer_id)
        if record.count != (before.postings + 1 if before else 1):
            raise EngineError(f"{record.customer_id}: posting {record.count} was written after {before}")
        self.standings[record.customer_id] = Standing(record.sum_minor, record.count, record.tier)
        self._offsets[partition].append(offset)

    def events_at(self, position: Position) -> int:
        """How many records lie before an offset of each partition; a record stands for one event."""
        return sum(bisect.bisect_left(offsets, end) for offsets, end in zip(self._offsets, position, strict=True))

    @property
    def records(self) -> int:
        """How many records were added."""
        return sum(map(len, self._offsets))


async def read(job: Job) -> Outcome:
    """What a reader of committed records finds in the output topic: the last record of every customer counts.

    Raises:
        EngineError: the records of a customer are not one for each posting, in order.
    """
    book = Book(job.partitions)
    partitions = [TopicPartition(job.output, number) for number in range(job.partitions)]
    async with topics.reader(job.bootstrap, job.output, job.partitions) as consumer:
        ends = await consumer.end_offsets(partitions)
        while not all([await consumer.position(partition) >= ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=_READ_MS)).values():
                for record in records:
                    book.add(record.partition, record.offset, record.key, record.value)
            await asyncio.sleep(0)
    if book.records != job.workload.events:
        raise EngineError(f"{book.records} records were written for {job.workload.events} events")
    return Outcome(book.standings, book.events_at)


def differences(expected: Mapping[str, Standing], found: Mapping[str, Standing]) -> list[str]:
    """One line for each customer that stands elsewhere than it must; empty when all are right."""
    return [
        f"{customer}: {found.get(customer)} instead of {expected.get(customer)}"
        for customer in sorted(expected.keys() | found.keys())
        if expected.get(customer) != found.get(customer)
    ]


def check(expected: Mapping[str, Standing], found: Mapping[str, Standing]) -> None:
    """Raises an EngineError that counts and shows what is wrong."""
    wrong = differences(expected, found)
    if wrong:
        raise EngineError(f"{len(wrong)} of {len(expected)} customers are wrong: {_first(wrong)}")


def _first(lines: Iterable[str]) -> str:
    return "; ".join(list(lines)[:_SHOWN])
