"""How far an engine with a consumer group has come, seen from outside: the one rule that ends every peer's clock."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench.streaming import topics
from bench.streaming.engine import Job


class GroupWatch:
    """Counts input events whose offset the group has committed while no transaction hides output."""

    def __init__(
        self, job: Job, client: AIOKafkaAdminClient, visible: AIOKafkaConsumer, written: AIOKafkaConsumer
    ) -> None:
        self._group, self._events = job.name, job.workload.events
        self._input = [TopicPartition(job.topic, number) for number in range(job.partitions)]
        self._output = [TopicPartition(job.output, number) for number in range(job.partitions)]
        self._client, self._visible, self._written = client, visible, written
        self._coordinator: int | None = None
        self._before = 0

    async def committed(self) -> int:
        """Committed input events; the last one counts only when readers of the output see everything written."""
        offsets = 0
        # Until the group exists the broker answers with errors, and nothing is committed.
        with contextlib.suppress(KafkaError):
            if self._coordinator is None:
                self._coordinator = await self._client.find_coordinator(self._group)
            known = await self._client.list_consumer_group_offsets(self._group, self._coordinator, self._input)
            offsets = sum(max(position.offset, 0) for position in known.values())
        if offsets == self._events and not await self._all_visible():
            return self._before
        self._before = max(self._before, offsets)
        return self._before

    async def _all_visible(self) -> bool:
        stable = await self._visible.end_offsets(self._output)
        return bool(stable == await self._written.end_offsets(self._output))


@asynccontextmanager
async def watching(job: Job) -> AsyncIterator[GroupWatch]:
    """A watch whose connections close in the end."""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(topics.admin(job.bootstrap))
        consumers = []
        for isolation in ("read_committed", "read_uncommitted"):
            consumer = AIOKafkaConsumer(bootstrap_servers=job.bootstrap, isolation_level=isolation)
            await consumer.start()
            stack.push_async_callback(consumer.stop)
            consumers.append(consumer)
        yield GroupWatch(job, client, *consumers)
