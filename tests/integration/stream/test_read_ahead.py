"""While a full batch commits the next one is read; what goes wrong meanwhile leaves no trace of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.contract.bus.kafka_harness import quick_options
from tests.databases import OpenDatabase
from tests.integration.stream.ledger import expected_sums, number
from tests.integration.stream.world import NotingHandler, World, joined, opened
from tierflow_shared.bus.port import Batch, Record
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.batch_size import AdaptiveBatchSize
from tierflow_shared.stream.processor import StreamProcessor

pytestmark = pytest.mark.anyio
_BATCH = 10


@pytest.fixture(params=["sqlite", "kafka"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, open_database: OpenDatabase) -> AsyncIterator[World]:
    kafka = quick_options(request.getfixturevalue("kafka_bootstrap")) if request.param == "kafka" else None
    async with opened(tmp_path, kafka, 1, open_database=open_database) as world:
        await world.bus.producer().publish([number(f"k{n % 5}", n) for n in range(50)])
        yield world


class Slow:
    """A member whose transactions last until the next batch was read."""

    def __init__(self, world: World) -> None:
        self.processor, self.handler = world.member("a")
        self.processor._batch_size = AdaptiveBatchSize(_BATCH, 1.0)
        self.read = threading.Event()
        self._poll, self._process = self.processor._consumer.poll, self.handler.process
        self.processor._consumer.poll = self.poll  # type: ignore[method-assign]
        self.handler.process = self.process  # type: ignore[method-assign, assignment]
        self.ahead: list[int] = []
        self.partitions_move = False

    async def poll(self, max_records: int, timeout_s: float) -> Batch:
        under_way = self.processor._in_flight is not None
        batch = await self._poll(max_records, timeout_s)
        if under_way and batch.records:
            self.ahead.append(len(batch.records))
            self.read.set()
            if self.partitions_move:
                await self.processor.assigned([])
        return batch

    def process(self, *arguments: object) -> None:
        assert self.read.wait(20), "nothing was read meanwhile"
        self._process(*arguments)  # type: ignore[arg-type]


async def first_full_batch(processor: StreamProcessor) -> None:
    async with asyncio.timeout(30):
        while not await processor.step():
            pass


async def drained(world: World, processor: StreamProcessor, handler: NotingHandler) -> None:
    await world.drain(processor)
    assert world.sums() == handler.memory == await expected_sums(world.bus)


async def test_the_next_batch_is_read_while_this_one_commits(world: World) -> None:
    slow = Slow(world)
    async with joined(slow.processor):
        await first_full_batch(slow.processor)
        assert slow.processor._ahead is not None
        assert len(slow.processor._ahead.records) == sum(slow.ahead) == _BATCH
        await drained(world, slow.processor, slow.handler)
    assert world.database.outbox_depth() == 50


async def test_a_failed_commit_forgets_what_was_read_ahead(world: World) -> None:
    slow = Slow(world)
    slow.handler.fail_next = 1
    async with joined(slow.processor):
        await first_full_batch(slow.processor)
        await drained(world, slow.processor, slow.handler)
    assert world.database.outbox_depth() == 50


async def test_partitions_that_move_meanwhile_make_it_forget_what_was_read_ahead(world: World) -> None:
    slow = Slow(world)
    slow.partitions_move = True
    async with joined(slow.processor):
        await first_full_batch(slow.processor)
        assert slow.ahead
        assert slow.processor._ahead is None
        slow.partitions_move = False
        await drained(world, slow.processor, slow.handler)
    assert world.database.outbox_depth() == 50


async def test_transactions_grow_as_long_as_there_is_a_backlog(tmp_path: Path) -> None:
    sizes: list[int] = []
    async with opened(tmp_path, None, 1) as world:
        await world.bus.producer().publish([number(f"k{n % 5}", n) for n in range(7_000)])
        processor, handler = world.member("a")
        processor._batch_size = AdaptiveBatchSize(50_000, 1_000.0)
        process = handler.process

        def noting(uow: UnitOfWork, records: Sequence[Record]) -> None:
            sizes.append(len(records))
            process(uow, records)

        handler.process = noting  # type: ignore[method-assign]
        async with joined(processor):
            await drained(world, processor, handler)
    assert sizes == [1_000, 2_000, 4_000]
