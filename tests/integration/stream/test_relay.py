"""The relay beside its database: order, memory, other processes' rows, and patience in an outage."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.databases import OpenDatabase
from tests.integration.stream.world import World, opened
from tierflow_shared.bus.port import BusUnavailableError, Message, Position
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.store.outbox import OutboxQueue, write_entries
from tierflow_shared.stream import relay as relay_module
from tierflow_shared.stream.relay import OutboxRelay

pytestmark = pytest.mark.anyio


class NotingProducer:
    """Keeps what it is given; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.attempts = 0
        self.keys: list[str] = []

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        self.attempts += 1
        if self.failures:
            self.failures -= 1
            raise BusUnavailableError("no broker")
        self.keys += [message.key for message in messages]
        return []


@pytest.fixture
async def world(tmp_path: Path, open_database: OpenDatabase) -> AsyncIterator[World]:
    async with opened(tmp_path, None, open_database=open_database) as world:
        yield world


def say(world: World, *keys: str) -> None:
    """One transaction with a message for each key."""
    with world.database.writing() as uow:
        uow._outbox += [Message(BANK_EVENTS, key, b"{}", ()) for key in keys]


async def until_waiting(world: World, count: int) -> None:
    async with asyncio.timeout(20):
        while world.database.outbox.waiting != count:  # noqa: ASYNC110 - the queue has no signal
            await asyncio.sleep(0.005)


async def attempts_of_ten_commits(world: World, retry_delay_s: float) -> int:
    """How often the bus is asked when ten transactions commit while it is away."""
    producer = NotingProducer(failures=1_000)
    relay = OutboxRelay(
        world.database, producer, batch_size=100, sweep_interval_s=30.0, retry_delay_s=retry_delay_s
    )  # fmt: skip
    relay.start()
    try:
        async with asyncio.timeout(20):
            while not producer.attempts:
                say(world, "first")
                await asyncio.sleep(0.02)
        for number in range(10):
            await asyncio.to_thread(say, world, f"k{number}")
            await asyncio.sleep(0.02)  # time enough for an eager relay, longer than it gathers
        return producer.attempts
    finally:
        producer.failures = 0
        await relay.close(10.0)


async def test_in_an_outage_commits_do_not_make_it_ask_again_and_again(world: World) -> None:
    assert await attempts_of_ten_commits(world, 30.0) == 1


async def test_control_without_a_delay_each_commit_asks(world: World) -> None:
    assert await attempts_of_ten_commits(world, 0.0) >= 5


async def test_after_an_outage_everything_is_said_in_order(world: World) -> None:
    producer = NotingProducer(failures=2)
    relay = OutboxRelay(world.database, producer, batch_size=2, sweep_interval_s=30.0, retry_delay_s=0.01)
    relay.start()
    for number in range(20):
        await asyncio.to_thread(say, world, f"k{number}")
    await until_waiting(world, 0)
    await relay.close(10.0)
    assert producer.keys == [f"k{number}" for number in range(20)]
    assert world.database.outbox_depth() == 0


async def test_what_memory_does_not_hold_is_read_from_the_table(world: World) -> None:
    world.database.outbox = OutboxQueue(messages_in_memory=3)
    for first in range(0, 12, 2):
        say(world, f"k{first}", f"k{first + 1}")
    assert any(entry.messages is None for entry in world.database.outbox.head(100))
    producer = NotingProducer()
    relay = world.relay(producer)
    relay._left_behind = False
    await relay.publish_all()
    assert producer.keys == [f"k{number}" for number in range(12)]


async def test_a_failed_commit_is_looked_up_in_the_table(world: World) -> None:
    """Who hears of no commit does not know whether there was one; the table does."""
    say(world, "sure")
    with world.database.writing() as uow:
        doubtful = write_entries(uow.connection, world.database.tables, [Message(BANK_EVENTS, "there", b"{}", ())], 0)
    world.database.outbox.enter(doubtful)
    world.database.outbox.withdraw(doubtful)
    producer = NotingProducer()
    relay = world.relay(producer)
    await relay.publish_all()
    assert sorted(producer.keys) == ["sure", "there"]
    assert relay.depth == 0


async def test_rows_of_another_process_are_its_own_for_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = world.relay(producer := NotingProducer())
    await relay.publish_all()
    with world.database.writing() as uow:
        write_entries(
            uow.connection, world.database.tables, [Message(BANK_EVENTS, "theirs", b"{}", ())], world.database.now_ms()
        )  # fmt: skip
    relay.start()
    await asyncio.sleep(0.3)  # three sweeps: a time in which nothing must happen
    assert producer.keys == []
    monkeypatch.setattr(relay_module, "_OTHERS_AFTER_MS", 0)
    async with asyncio.timeout(20):
        while not producer.keys:  # noqa: ASYNC110 - a fake has no signal
            await asyncio.sleep(0.01)
    await relay.close(10.0)
    assert producer.keys == ["theirs"]
