"""Work that records leave behind goes on between and without records, and is fenced as they are."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.databases import OpenDatabase
from tests.integration.stream.ledger import SummingHandler, number
from tests.integration.stream.world import World, joined, opened
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.store import positions
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.processor import StreamProcessor, StreamSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path, open_database: OpenDatabase) -> AsyncIterator[World]:
    async with opened(tmp_path, None, open_database=open_database) as world:
        yield world


class Leaving(SummingHandler):
    """Each record leaves three steps to do: one more is added to every sum by each of them."""

    def __init__(self, world: World) -> None:
        super().__init__(world.total)
        self.left: dict[TopicPartition, int] = {}
        self.broken = False

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        super().process(uow, records)
        for record in records:
            self.left[record.topic_partition] = self.left.get(record.topic_partition, 0) + 3

    def unfinished(self) -> Sequence[TopicPartition]:
        return [here for here, left in self.left.items() if left]

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        if self.broken and partitions:
            raise ZeroDivisionError("a bug nobody foresaw")
        for here in partitions:
            self.left[here] -= 1
            uow.connection.execute(update(self._total).values(sum=self._total.c.sum + 1))


def member(world: World, handler: Leaving) -> StreamProcessor:
    limits = StreamSettings(poll_timeout_s=0.05)
    return StreamProcessor(
        world.bus, world.database, handler, group="g", member="a", topics=["numbers"], settings=limits
    )


async def test_it_goes_on_without_records_and_counts_as_lag_until_it_is_done(world: World) -> None:
    handler = Leaving(world)
    processor = member(world, handler)
    await world.bus.producer().publish([number("k", 10)])
    async with joined(processor):
        await world.drain(processor)
        assert handler.unfinished()
        steps = 0
        while handler.unfinished():
            await processor.measure_lag()
            (here,) = handler.unfinished()
            assert processor._metrics.value("tierflow_stream_lag_records", "g", here.topic, str(here.partition)) == 1
            assert await processor.step() == 0
            steps += 1
    assert (steps, world.sums()) == (3, {"k": 13})


async def unfinished_work_of_a_zombie(world: World) -> dict[str, int]:
    """A member has work left when another epoch claims its partition; then it goes on."""
    handler = Leaving(world)
    processor = member(world, handler)
    await world.bus.producer().publish([number("k", 10)])
    async with joined(processor):
        await world.drain(processor)
        (here,) = handler.unfinished()
        with world.database.writing() as uow:
            position = world.database.tables.consumer_position
            uow.connection.execute(update(position).values(epoch=position.c.epoch + 1))
        before = world.sums()
        await processor.step()
        assert here.topic == "numbers"
    return {key: total - before[key] for key, total in world.sums().items()}


async def test_a_zombie_cannot_go_on(world: World) -> None:
    """Its transaction moves no offset, but is refused all the same."""
    assert await unfinished_work_of_a_zombie(world) == {"k": 0}


async def test_control_without_fencing_the_zombie_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierflow_shared.stream.processor.advance", lambda *_: None)
    assert await unfinished_work_of_a_zombie(world) == {"k": 1}


async def test_a_bug_in_it_costs_no_records_and_is_no_silence(world: World) -> None:
    """Records that come meanwhile are taken; without any the loop ends by the error, and is not live."""
    handler = Leaving(world)
    processor = member(world, handler)
    await world.bus.producer().publish([number("k", 10)])
    async with joined(processor):
        await world.drain(processor)
        handler.broken = True
        await world.bus.producer().publish([number("k", 20)])
        await world.drain(processor)
        with world.database.reading() as connection:
            assert sum(positions.read_positions(connection, world.database.tables).values()) == 2
        assert world.sums() == {"k": 30}
        with pytest.raises(ZeroDivisionError):
            await processor.step()
