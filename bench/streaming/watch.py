"""How far a peer has come, seen from outside: what a reader of committed records can see of its output.

The consumer group's offsets would be cheaper, but Flink only mirrors them, up to ten seconds late.
"""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.streaming.engine import Job, Position


class Seen(NamedTuple):
    """Offsets before which everything is committed, by partition, and whether nothing uncommitted lies behind them."""

    position: Position
    nothing_open: bool


class OutputWatch:
    """Asks the broker for the ends of the output topic, for readers of committed and of all records."""

    def __init__(self, job: Job, committed: AIOKafkaConsumer, written: AIOKafkaConsumer) -> None:
        self._partitions = [TopicPartition(job.output, number) for number in range(job.partitions)]
        self._committed, self._written = committed, written

    async def look(self) -> Seen:
        """What is visible now. Offsets include the markers that end transactions."""
        stable = await self._committed.end_offsets(self._partitions)
        ends = await self._written.end_offsets(self._partitions)
        return Seen(tuple(stable[partition] for partition in self._partitions), stable == ends)


@asynccontextmanager
async def watching(job: Job) -> AsyncIterator[OutputWatch]:
    """A watch whose connections close in the end."""
    async with contextlib.AsyncExitStack() as stack:
        consumers = []
        for isolation in ("read_committed", "read_uncommitted"):
            consumer = AIOKafkaConsumer(bootstrap_servers=job.bootstrap, isolation_level=isolation)
            await consumer.start()
            stack.push_async_callback(consumer.stop)
            consumers.append(consumer)
        yield OutputWatch(job, *consumers)
