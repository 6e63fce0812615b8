"""Effectively once: whatever goes wrong, state, outbox and offsets stand or fall together."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from tests.contract.bus.kafka_harness import quick_options
from tests.databases import OpenDatabase
from tests.integration.stream.ledger import expected_sums, number, said, tables
from tests.integration.stream.world import World, joined, opened
from tierflow_shared.bus.port import BusUnavailableError, Message, Position, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS, DEAD_LETTERS
from tierflow_shared.store import positions
from tierflow_shared.store.database import Database

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "kafka"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, open_database: OpenDatabase) -> AsyncIterator[World]:
    kafka = quick_options(request.getfixturevalue("kafka_bootstrap")) if request.param == "kafka" else None
    async with opened(tmp_path, kafka, open_database=open_database) as world:
        yield world


async def test_each_message_takes_effect_once(world: World) -> None:
    """State, outgoing messages and the offset agree with the log."""
    await world.bus.producer().publish([number(f"k{n % 5}", n) for n in range(50)])
    processor, _ = world.member("a")
    async with joined(processor):
        await world.drain(processor)
    assert world.sums() == await expected_sums(world.bus)
    await world.publish()
    assert len(await said(world.bus, BANK_EVENTS)) == 50


async def test_a_crash_before_the_commit_leaves_nothing_and_repeats_all(world: World) -> None:
    """The failed batch is rolled back with its messages; tried again it counts once, also in memory."""
    await world.bus.producer().publish([number(f"k{n % 5}", n) for n in range(50)])
    processor, handler = world.member("a")
    handler.fail_next = 1
    async with joined(processor):
        await world.drain(processor)
    assert world.sums() == handler.memory == await expected_sums(world.bus)
    assert world.database.outbox_depth() == 50


async def test_a_new_member_goes_on_where_the_database_says(world: World) -> None:
    """A restart neither repeats nor skips."""
    publish = world.bus.producer().publish
    await publish([number("k", n) for n in range(10)])
    first, _ = world.member("a")
    async with joined(first):
        await world.drain(first)
        await first._consumer.close(1.0)
    await publish([number("k", n) for n in range(10, 20)])
    second, _ = world.member("b")
    async with joined(second):
        await world.drain(second)
    assert world.sums() == {"k": sum(range(20))}


async def zombie_writes(world: World) -> dict[str, int]:
    """A member holds a polled batch while another takes over and works; then the first one commits."""
    await world.bus.producer().publish([number("k", n) for n in range(10)])
    zombie, _ = world.member("zombie")
    async with joined(zombie):
        while not (batch := await zombie._consumer.poll(100, 1.0)).records:
            pass
        successor, _ = world.member("successor")
        await world.let_leases_end()
        async with joined(successor):
            await world.drain(successor)
        zombie._commit(batch)
    return world.sums()


async def test_a_zombie_cannot_commit(world: World) -> None:
    """After its lease went to another member, its transaction is refused as a whole."""
    with pytest.raises(positions.FencedError):
        await zombie_writes(world)
    assert world.sums() == {"k": sum(range(10))}


async def test_control_without_fencing_the_zombie_doubles(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above can fail: with compare-and-swap switched off, the sum is wrong."""
    monkeypatch.setattr("tierflow_shared.stream.processor.advance", lambda *_: None)
    assert await zombie_writes(world) != {"k": sum(range(10))}


async def test_a_poisonous_record_is_set_aside_and_the_rest_goes_on(world: World) -> None:
    """One bug-triggering record becomes a dead letter; every other record of its batch counts once."""
    values: list[int | bytes] = [1, 2, b"poison", 4]
    await world.bus.producer().publish([number("k", value) for value in values])
    processor, handler = world.member("a")
    async with joined(processor):
        await world.drain(processor)
    assert world.sums() == handler.memory == {"k": 7}
    with world.database.reading() as connection:
        (letter,) = connection.execute(select(world.database.tables.dead_letter)).all()
    assert (letter.reason, letter.detail, letter.offset) == ("unexpected-error", "ZeroDivisionError", 2)
    await world.publish()
    assert len(await said(world.bus, DEAD_LETTERS)) == 1


class BrokenProducer:
    """Fails after it has published: the acknowledgement is lost on the way."""

    def __init__(self, publish: Callable[[Sequence[Message]], object]) -> None:
        self._publish = publish

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        await self._publish(messages)  # type: ignore[misc]
        raise BusUnavailableError("the answer was lost")

    async def close(self, timeout_s: float) -> None:
        """Holds nothing."""


async def test_a_lost_acknowledgement_repeats_messages_under_the_same_ids(world: World) -> None:
    """The relay sends again; the second copy carries the first one's id, so readers can drop it."""
    await world.bus.producer().publish([number("k", n) for n in range(5)])
    processor, _ = world.member("a")
    async with joined(processor):
        await world.drain(processor)
    with pytest.raises(BusUnavailableError):
        await world.relay(BrokenProducer(world.bus.producer().publish)).publish_all()
    await world.publish()
    ids = [event_id for event_id, _ in await said(world.bus, BANK_EVENTS)]
    assert (len(ids), len(set(ids)), world.database.outbox_depth()) == (10, 5, 0)


async def test_the_offset_is_part_of_the_transaction(world: World) -> None:
    """After each committed step the database's offsets equal what its sums are made of."""
    await world.bus.producer().publish([number("k", 1) for _ in range(30)])
    processor, _ = world.member("a")
    async with joined(processor):
        while not world.sums():
            await processor.step()
        with world.database.reading() as connection:
            read = positions.read_positions(connection, world.database.tables)
    assert sum(read.values()) == world.sums()["k"]


async def test_positions_of_unknown_partitions_start_at_zero(world: World) -> None:
    """A claim makes the row and returns the first offset; an older epoch cannot claim back."""
    here = TopicPartition("numbers", 0)
    with world.database.writing() as uow:
        assert positions.claim(uow.connection, world.database.tables, [(here, 5)]) == {here: 0}  # type: ignore[list-item]
    with pytest.raises(positions.FencedError), world.database.writing() as uow:
        positions.claim(uow.connection, world.database.tables, [(here, 4)])  # type: ignore[list-item]


def test_a_service_has_the_shared_tables(tmp_path: Path) -> None:
    """The toy service's table belongs to the same metadata as the shared tables."""
    metadata, total = tables()
    Database(f"sqlite:///{tmp_path}/x.db", metadata, service="x", clock=SystemClock())
    assert isinstance(total, Table)
    assert {"outbox", "dead_letter", "consumer_position", "consumption", "idempotency", "total"} <= set(metadata.tables)
