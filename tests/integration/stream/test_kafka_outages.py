"""A broker that dies, stays away and comes back: nothing is lost, nothing counts twice, and nobody waits for ever."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.bus.kafka_harness import quick_options
from tests.integration.stream.ledger import expected_sums, number
from tests.integration.stream.world import World, opened
from tierflow_shared.bus.kafka import KafkaBus, KafkaOptions
from tierflow_shared.bus.kafka.faults import late
from tierflow_shared.bus.port import BusUnavailableError, Consumer, Message, MessageTooLargeError, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_stack.kafka import KafkaBroker

pytestmark = pytest.mark.anyio
_BATCH = 50


@pytest.fixture
async def world(broker: KafkaBroker, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, quick_options(broker.bootstrap, request_timeout_s=1.0)) as world:
        yield world


async def publish_until_taken(world: World, first: int) -> int:
    """Sends a batch again until it is acknowledged; returns how often it was refused."""
    refused = 0
    while True:
        try:
            await world.bus.producer().publish([number(f"k{n % 7}", n) for n in range(first, first + _BATCH)])
        except BusUnavailableError:
            refused += 1
        else:
            return refused


async def until(world: World, sums: dict[str, int]) -> None:
    """Waits until the service has worked out these sums."""
    async with asyncio.timeout(30):
        while world.sums() != sums:  # noqa: ASYNC110 - a database has no signal
            await asyncio.sleep(0.05)


async def poll_for_ever(consumer: Consumer) -> None:
    while True:
        await consumer.poll(10, 0.1)


async def acknowledged_are_on_the_log(world: World, count: int) -> bool:
    seen = set()
    for partition in range(2):
        for record in await world.bus.fetch(TopicPartition("numbers", partition), 0, 10_000):
            seen.add(int(record.value))
    return seen == set(range(count))


async def test_a_killed_broker_comes_back_and_all_goes_on_by_itself(broker: KafkaBroker, world: World) -> None:
    """kill -9 under a running producer, consumer and relay; all three go on when it is up again."""
    processor, _ = world.member("steady")
    running = asyncio.create_task(processor.run())
    await publish_until_taken(world, 0)
    await asyncio.to_thread(broker.kill)
    publishing = asyncio.create_task(publish_until_taken(world, _BATCH))
    started = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await world.bus.high_watermark(TopicPartition("numbers", 0))
    with pytest.raises(BusUnavailableError):
        await world.bus.producer().publish([number("k", 0)])
    assert time.monotonic() - started < 6.0
    await asyncio.to_thread(broker.start)
    assert await publishing > 0
    assert await acknowledged_are_on_the_log(world, 2 * _BATCH)
    await until(world, await expected_sums(world.bus))
    await world.publish()
    processor.stop()
    await running
    assert world.database.outbox_depth() == 0


async def test_a_broker_that_answers_nothing_bounds_every_wait(broker: KafkaBroker, world: World) -> None:
    """Suspended, not dead: connections stand, answers do not come. Each call ends, and closing does, too."""
    processor, _ = world.member("patient")
    await world.bus.producer().publish([number("k", 1)])
    consumer = processor._consumer
    await consumer.start(processor)
    await world.drain(processor)
    await asyncio.to_thread(broker.suspend)
    started = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await world.bus.producer().publish([number("k", 2)])
    with pytest.raises(BusUnavailableError):
        await world.bus.partitions("numbers")
    with pytest.raises(BusUnavailableError):
        await poll_for_ever(consumer)
    assert time.monotonic() - started < 15.0
    started = time.monotonic()
    await consumer.close(1.0)
    await world.bus.close(1.0)
    assert time.monotonic() - started < 10.0
    broker.resume()
    async with asyncio.timeout(20):
        while late:  # noqa: ASYNC110 - calls of the library that end by its own timeout
            await asyncio.sleep(0.05)


async def test_a_service_starts_reading_when_the_broker_is_there(broker: KafkaBroker, tmp_path: Path) -> None:
    """A loop that starts before the broker waits and does not end."""
    async with opened(tmp_path, quick_options(broker.bootstrap, request_timeout_s=1.0)) as world:
        await world.bus.producer().publish([number("k", 5)])
        await asyncio.to_thread(broker.kill)
        processor, _ = world.member("early")
        running = asyncio.create_task(processor.run())
        with pytest.raises(BusUnavailableError):
            await world.bus.partitions("numbers")
        assert not running.done()
        await asyncio.to_thread(broker.start)
        await until(world, {"k": 5})
        processor.stop()
        await running


async def test_too_large_a_message_is_refused_by_name(kafka_bootstrap: str) -> None:
    """It is not an outage, so it must not look like one: nobody should send it again."""
    bus = KafkaBus(quick_options(kafka_bootstrap, max_batch_bytes=100_000), clock=SystemClock())
    await bus.ensure_topics({"t": 1})
    with pytest.raises(MessageTooLargeError):
        await bus.producer().publish([Message("t", "k", b"x" * 100_001, ())])
    positions = await bus.producer().publish([Message("t", "k", b"x" * 40_000, ()) for _ in range(10)])
    assert [position.offset for position in positions] == list(range(10))
    await bus.close(5.0)


async def test_a_broker_with_a_smaller_limit_is_told_apart_from_an_outage(kafka_bootstrap: str) -> None:
    """The broker's own refusal of a batch's size names the setting."""
    options: KafkaOptions = quick_options(kafka_bootstrap, max_batch_bytes=3_000_000)
    bus = KafkaBus(options, clock=SystemClock())
    await bus.ensure_topics({"t": 1})
    with pytest.raises(MessageTooLargeError, match="TIERFLOW_KAFKA_MAX_BATCH_BYTES"):
        await bus.producer().publish([Message("t", "k", b"x" * 2_000_000, ())])
    assert len(await bus.producer().publish([Message("t", "k", b"x", ())])) == 1
    await bus.close(5.0)


async def test_a_producer_with_a_fatal_error_is_made_anew(kafka_bootstrap: str) -> None:
    """After an out-of-order sequence the broker refuses the old producer for good; the next call has a new one."""
    bus = KafkaBus(quick_options(kafka_bootstrap), clock=SystemClock())
    await bus.ensure_topics({"t": 1})
    publish = bus.producer().publish
    await publish([number("k", 0)._replace(topic="t")])
    client = await bus._sender.client()
    for there in client._txn_manager._sequence_numbers:
        client._txn_manager._sequence_numbers[there] += 1000
    with pytest.raises(BusUnavailableError, match="OutOfOrderSequence"):
        await publish([number("k", 1)._replace(topic="t")])
    (position,) = await publish([number("k", 2)._replace(topic="t")])
    assert position.offset == 1
    assert await bus._sender.client() is not client
    await bus.close(5.0)
