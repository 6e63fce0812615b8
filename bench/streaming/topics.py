"""Topics of the bench: made, filled, read and removed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from bench.streaming.workload import Workload, customer_id

BATCH_BYTES: Final = 131_072
_IN_FLIGHT: Final = 32
_KEEP_ALL: Final = {"retention.ms": "-1", "cleanup.policy": "delete"}


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for topics and groups, closed in the end."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create(bootstrap: str, names: Sequence[str], partitions: int) -> None:
    """Makes topics that keep everything, and waits until each partition has a leader."""
    async with admin(bootstrap) as client:
        answer = await client.create_topics([NewTopic(name, partitions, 1, topic_configs=_KEEP_ALL) for name in names])
        refused = [(topic, error) for topic, error, *_ in answer.topic_errors if error]
        if refused:
            raise RuntimeError(f"topics were not made: {refused}")
        while True:
            topics = await client.describe_topics(list(names))
            states = [part for topic in topics for part in topic["partitions"]]
            if len(states) == partitions * len(names) and all(part["leader"] >= 0 for part in states):
                return
            await asyncio.sleep(0.05)


async def remove(bootstrap: str, mark: str) -> None:
    """Removes every topic whose name holds `mark`."""
    async with admin(bootstrap) as client:
        ours = [name for name in await client.list_topics() if mark in name]
        if ours:
            await client.delete_topics(ours)


async def fill(bootstrap: str, topic: str, partitions: int, workload: Workload) -> None:
    """Writes the workload, each customer to one partition by Kafka's own hash, in order."""
    where = [partition_of(number, partitions) for number in range(workload.customers)]
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, max_batch_size=BATCH_BYTES, acks="all"
    )
    await producer.start()
    builders: dict[int, BatchBuilder] = defaultdict(producer.create_batch)
    sent: list[asyncio.Future[object]] = []

    async def send(partition: int) -> None:
        sent.append(await producer.send_batch(builders.pop(partition), topic, partition=partition))
        if len(sent) >= _IN_FLIGHT:
            await asyncio.gather(*sent)
            sent.clear()

    try:
        for posting in workload.postings():
            partition = where[posting.customer]
            parts = {
                "timestamp": posting.timestamp_ms, "key": posting.key, "value": posting.value,
                "headers": posting.headers,
            }  # fmt: skip
            if builders[partition].append(**parts) is None:
                await send(partition)
                builders[partition].append(**parts)
        for partition in list(builders):
            await send(partition)
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def partition_of(customer: int, partitions: int) -> int:
    """The partition of a customer, by Kafka's own hash."""
    hashed: int = murmur2(customer_id(customer).encode())
    return (hashed & 0x7FFFFFFF) % partitions


@asynccontextmanager
async def reader(bootstrap: str, topic: str, partitions: int) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of what is committed, at the beginning of every partition, in no group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20, fetch_max_bytes=16 << 20,
    )  # fmt: skip
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        await consumer.seek_to_beginning()
        yield consumer
    finally:
        await consumer.stop()
