"""The group on Kafka: kept partitions stay warm, epochs only grow, and who was fenced by mistake comes back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DeleteGroupsRequest

from tests.contract.bus.kafka_harness import quick_options, until_group_is_empty
from tests.integration.stream.ledger import expected_sums, number
from tests.integration.stream.world import World, joined, opened
from tierflow_shared.bus.kafka import KafkaOptions
from tierflow_shared.bus.kafka.membership import Joined
from tierflow_shared.bus.port import Assignment, BusUnavailableError, TopicPartition
from tierflow_shared.store import positions
from tierflow_shared.stream.processor import StreamProcessor

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, quick_options(kafka_bootstrap), partitions=4) as world:
        yield world


async def own(count: int, *processors: StreamProcessor) -> None:
    """Steps all members until each holds exactly `count` partitions."""
    async with asyncio.timeout(20):
        while any(len(processor._epochs) != count for processor in processors):
            await asyncio.gather(*(processor.step() for processor in processors))


async def test_kept_partitions_stay_warm_and_can_still_commit(world: World) -> None:
    """A member that comes and goes costs the others only the partitions that really move."""
    publish = world.bus.producer().publish
    first, first_notes = world.member("first")
    second, _ = world.member("second")
    async with joined(first), joined(second):
        await own(4, first)
        before = dict(first._epochs)
        await own(2, first, second)
        kept = set(first._epochs)
        await publish([number(f"k{n % 20}", n) for n in range(100)])
        await asyncio.gather(world.drain(first), world.drain(second))
        await second._consumer.close(5.0)
        await own(4, first)
        await publish([number(f"k{n % 20}", n) for n in range(100)])
        await world.drain(first)
    moved = set(before) - kept
    assert (len(kept), len(moved)) == (2, 2)
    assert sorted(first_notes.came) == sorted([*before, *moved])
    assert set(first_notes.went) == moved
    assert all(first._epochs[here] > before[here] for here in before)
    assert world.sums() == await expected_sums(world.bus)


async def test_a_partition_claimed_by_another_in_between_is_loaded_again(world: World) -> None:
    """A renewal is refused when the database saw somebody else: what is in memory is not trusted."""
    here, other = TopicPartition("numbers", 0), TopicPartition("numbers", 1)
    with world.database.writing() as uow:
        positions.claim(uow.connection, world.database.tables, [Assignment(here, 5), Assignment(other, 5)])
    with world.database.writing() as uow:
        positions.claim(uow.connection, world.database.tables, [Assignment(here, 6)])
    with world.database.writing() as uow:
        kept = positions.renew(
            uow.connection, world.database.tables, {here: 5, other: 5}, [Assignment(here, 7), Assignment(other, 7)]
        )
    assert (kept, world.epochs()) == ({other: 0}, {0: 6, 1: 7})


async def a_life_of_the_group(world: World, kafka: KafkaOptions, values: range) -> StreamProcessor:
    """A member that reads some numbers and dies; then the broker forgets the group."""
    await world.bus.producer().publish([number(f"k{n % 8}", n) for n in values])
    member, _ = world.member("one-life")
    async with joined(member):
        await world.drain(member)
        await own(4, member)
    await until_group_is_empty(kafka)
    admin = AIOKafkaAdminClient(**kafka.connection())
    await admin.start()
    coordinator = await admin.find_coordinator(kafka.full("g"))
    answer = await admin._send_request(DeleteGroupsRequest([kafka.full("g")]), coordinator)
    await admin.close()
    assert [code for _, code in answer.results] == [0]
    return member


async def test_epochs_grow_over_the_lives_of_a_group(world: World) -> None:
    """The broker forgot the group and counts generations from 1; the fencing epochs grow all the same."""
    assert world.kafka is not None
    seen = [0]
    for life in range(3):
        zombie = await a_life_of_the_group(world, world.kafka, range(life * 40, life * 40 + 40))
        assert min(world.epochs().values()) > max(seen)
        seen = list(world.epochs().values())
    successor, _ = world.member("successor")
    await world.bus.producer().publish([number("k", n) for n in range(40)])
    async with joined(successor):
        await world.drain(successor)
        await own(4, successor)
    assert min(world.epochs().values()) > max(seen)
    assert world.sums() == await expected_sums(world.bus)
    stale = {here: epoch for here, epoch in zombie._epochs.items() if here == TopicPartition("numbers", 0)}
    at = {TopicPartition("numbers", 0): await world.bus.high_watermark(TopicPartition("numbers", 0))}
    with pytest.raises(positions.FencedError), world.database.writing() as uow:
        positions.advance(uow.connection, world.database.tables, at, at, stale)


async def test_control_without_lifting_the_epoch_the_new_life_gets_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: with the bare generation as epoch, the database refuses the successor."""
    assert world.kafka is not None
    await a_life_of_the_group(world, world.kafka, range(40))
    with world.database.writing() as uow:
        table = world.database.tables.consumer_position
        uow.connection.execute(table.update().values(epoch=Joined(9, "m", frozenset()).epoch(0)))
    monkeypatch.setattr(Joined, "lift_above", lambda *_: 0)
    successor, _ = world.member("successor")
    async with joined(successor):
        with pytest.raises(BusUnavailableError):
            await own(4, successor)
    assert successor._epochs == {}


async def test_a_rightful_owner_that_was_fenced_claims_again(world: World) -> None:
    """A late claim of a zombie fences the owner once; it rejoins, claims under a newer epoch and goes on."""
    member, notes = world.member("owner")
    async with joined(member):
        await own(4, member)
        held = world.epochs()
        late = [Assignment(TopicPartition("numbers", partition), epoch + 1) for partition, epoch in held.items()]
        with world.database.writing() as uow:
            positions.claim(uow.connection, world.database.tables, late)
        await world.bus.producer().publish([number(f"k{n % 8}", n) for n in range(40)])
        await world.drain(member)
        await own(4, member)
    assert len(notes.came) > 4
    assert world.sums() == await expected_sums(world.bus)
