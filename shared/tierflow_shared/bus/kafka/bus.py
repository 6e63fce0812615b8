"""`KafkaBus`: the port on a Kafka cluster. Connections are made when they are first needed."""

import asyncio
from collections.abc import Mapping, Sequence

from tierflow_shared.bus.kafka.consumer import KafkaConsumer
from tierflow_shared.bus.kafka.looking import Looker
from tierflow_shared.bus.kafka.options import KafkaOptions
from tierflow_shared.bus.kafka.producer import KafkaProducer, Sender
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.clock import Clock


class KafkaBus:
    """The log of the production shape. Used from one event loop; opening it asks nothing of the broker."""

    def __init__(self, options: KafkaOptions, *, clock: Clock) -> None:
        self._options = options
        self._looker = Looker(options)
        self._counts: dict[str, int] = {}
        self._sender = Sender(options, clock, self._count)
        self._consumers: list[KafkaConsumer] = []
        self._closed = False

    async def _count(self, topic: str) -> int:
        known = self._counts.get(topic)
        if known is None:
            known = self._counts[topic] = await self._looker.partitions(topic)
        return known

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        await self._looker.create_topics(topics)

    async def partitions(self, topic: str) -> int:
        return await self._looker.partitions(topic)

    async def earliest(self, topic_partition: TopicPartition) -> int:
        return (await self._looker.bounds(topic_partition))[0]

    async def high_watermark(self, topic_partition: TopicPartition) -> int:
        return (await self._looker.bounds(topic_partition))[1]

    async def offset_for_time(self, topic_partition: TopicPartition, timestamp_ms: int) -> int:
        return await self._looker.offset_for_time(topic_partition, timestamp_ms)

    async def mirrored(self, group: str) -> Mapping[TopicPartition, int]:
        return await self._looker.mirrored(group)

    async def fetch(self, topic_partition: TopicPartition, offset: int, max_records: int) -> Sequence[Record]:
        return await self._looker.fetch(topic_partition, offset, max_records)

    async def trim(self, topic_partition: TopicPartition, before_offset: int) -> None:
        await self._looker.trim(topic_partition, before_offset)

    def producer(self) -> KafkaProducer:
        return KafkaProducer(self._sender)

    def consumer(
        self, group: str, member: str, topics: Sequence[str], types: frozenset[str] | None = None
    ) -> KafkaConsumer:
        """A member of a group. Its id is given by the broker; `member` only names it in the client id."""
        consumer = KafkaConsumer(self._options, self._looker, group=group, member=member, topics=topics, types=types)
        self._consumers.append(consumer)
        return consumer

    async def close(self, timeout_s: float) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.gather(
            *(consumer.close(timeout_s) for consumer in self._consumers), self._sender.close(timeout_s)
        )
        await self._looker.close(timeout_s)
