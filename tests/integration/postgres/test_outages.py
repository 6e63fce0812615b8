"""PostgreSQL goes away at the worst moment: what was read takes effect once, and the service heals by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, select, text

from tests.integration.postgres.cutting import Wire
from tests.integration.stream.ledger import SummingHandler, expected_sums, number, tables
from tests.integration.suitability.bank import open_bank
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS, DEAD_LETTERS
from tierflow_shared.store.database import Database
from tierflow_shared.store.positions import advance
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.processor import StreamProcessor, StreamSettings
from tierflow_stack.postgres import Cluster, database

pytestmark = pytest.mark.anyio
Outage = Callable[[UnitOfWork], None]


class InterruptedHandler(SummingHandler):
    """Meets an outage once, after it has written a batch and before the commit."""

    outage: Outage | None = None

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        super().process(uow, records)
        outage, self.outage = self.outage, None
        if outage is not None:
            outage(uow)


class World:
    """A log, a PostgreSQL database behind a wire, and a member that reads."""

    def __init__(self, folder: Path, cluster: Cluster, url: str) -> None:
        self.cluster = cluster
        self.wire = Wire(cluster.port)
        self.bus = SqliteBus(folder / "log.db", clock=SystemClock(), background_heartbeat=False)
        metadata, self.total = tables()
        through = make_url(url).set(port=self.wire.port).render_as_string(hide_password=False)
        self.database = Database(through, metadata, service="summing", clock=SystemClock())
        metadata.create_all(self.database.engine)
        self.handler = InterruptedHandler(self.total)
        settings = StreamSettings(poll_timeout_s=0.02, retry_delay_s=0.01, retry_delay_limit_s=0.05)
        self.processor = StreamProcessor(
            self.bus, self.database, self.handler, group="g", member="a", topics=["numbers"], settings=settings
        )

    def terminate(self, uow: UnitOfWork) -> None:
        """Ends the server process that works for this unit of work."""
        pid = uow.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with self.database.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    def crash(self, uow: UnitOfWork) -> None:
        """The whole server goes down at once; the test starts it again."""
        self.cluster.crash()

    def sums(self) -> dict[str, int]:
        with self.database.reading() as connection:
            return {row.key: row.sum for row in connection.execute(select(self.total))}

    async def run(self, until: Callable[[], bool]) -> None:
        """Lets the member read until something holds."""
        task = asyncio.create_task(self.processor.run())
        try:
            await reached(lambda: until() or task.done())
        finally:
            self.processor.stop()
            await task

    def has_read_all(self) -> bool:
        """The database's offsets are at the end of the log; False while the database is away."""
        if self.processor._blocked_since is not None or self.processor._unsure:
            return False
        return sum(self.processor._progress.read_to.values()) == 50

    async def close(self) -> None:
        await self.bus.close(5.0)
        self.database.close()
        self.wire.close()


async def reached(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - outages have no signal
            await asyncio.sleep(0.005)


@pytest.fixture
def url(own_cluster: Cluster) -> Iterator[str]:
    """A database on a server of this test."""
    with database(own_cluster) as made:
        yield made
        own_cluster.start()


@pytest.fixture
async def world(tmp_path: Path, own_cluster: Cluster, url: str) -> AsyncIterator[World]:
    async with opened(tmp_path, own_cluster, url) as one:
        await one.bus.producer().publish([number(f"k{n % 5}", n) for n in range(50)])
        yield one


@asynccontextmanager
async def opened(folder: Path, cluster: Cluster, url: str) -> AsyncIterator[World]:
    one = World(folder, cluster, url)
    await one.bus.ensure_topics({"numbers": 1, BANK_EVENTS: 1, DEAD_LETTERS: 1})
    try:
        yield one
    finally:
        await one.close()


async def survive(world: World, outage: str) -> None:
    """Reads everything while the outage strikes in the middle of the first batch."""
    world.handler.outage = getattr(world, outage)
    if outage == "crash":
        async with asyncio.TaskGroup() as group:
            group.create_task(world.run(world.has_read_all))
            await reached(lambda: world.processor._blocked_since is not None)
            await asyncio.to_thread(world.cluster.start)
    else:
        await world.run(world.has_read_all)


@pytest.mark.parametrize("outage", ["terminate", "crash"])
async def test_an_outage_in_the_middle_of_a_batch_counts_once(world: World, outage: str) -> None:
    """A killed backend, and an immediate shutdown with restart: state, memory and outbox agree with the log."""
    await survive(world, outage)
    assert world.handler.outage is None
    assert world.sums() == world.handler.memory == await expected_sums(world.bus)
    assert world.database.outbox_depth() == 50


@pytest.mark.parametrize("outage", ["terminate", "crash"])
async def test_control_with_the_offset_committed_before_the_effects_the_outage_loses(
    world: World, outage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above can fail: two transactions instead of one."""

    def in_two(
        self: StreamProcessor,
        records: Sequence[Record],
        start: Mapping[TopicPartition, int],
        end: Mapping[TopicPartition, int],
        unfinished: Sequence[TopicPartition] = (),
    ) -> None:
        with self._database.writing() as uow:
            advance(uow.connection, self._database.tables, start, end, self._epochs)
        with self._database.writing() as uow:
            self._handler.process(uow, records)
            self._handler.continue_unfinished(uow, unfinished)

    monkeypatch.setattr(StreamProcessor, "_commit_once", in_two)
    await survive(world, outage)
    assert world.sums() != await expected_sums(world.bus)


async def test_control_with_memory_not_restored_the_outage_doubles_in_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a rolled-back batch left in memory must go."""
    monkeypatch.setattr(InterruptedHandler, "rolled_back", lambda *_: None)
    await survive(world, "terminate")
    assert world.sums() == await expected_sums(world.bus) != world.handler.memory


async def test_a_commit_whose_answer_is_lost_counts_once(world: World) -> None:
    """Done, but nobody heard of it: the database is asked, and the batch is not repeated."""
    world.handler.outage = lambda _: world.wire.lose_next_answer_to_commit()
    await world.run(world.has_read_all)
    assert world.wire.cuts == 1
    assert world.sums() == world.handler.memory == await expected_sums(world.bus)
    assert world.database.outbox_depth() == 50


async def test_control_without_asking_and_without_comparing_it_doubles(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that goes back to where it began, and an offset that moves without comparison."""

    def from_the_start(_connection: Connection, _tables: Any, epochs: Mapping[TopicPartition, int]) -> dict[Any, int]:
        return dict.fromkeys(epochs, 0)

    monkeypatch.setattr("tierflow_shared.stream.processor.own_positions", from_the_start)
    monkeypatch.setattr("tierflow_shared.stream.processor.advance", lambda *_: None)
    world.handler.outage = lambda _: world.wire.lose_next_answer_to_commit()
    await world.run(world.has_read_all)
    assert world.sums() == {key: 2 * value for key, value in (await expected_sums(world.bus)).items()}


async def test_requests_get_503_while_it_is_away_and_answers_when_it_is_back(
    tmp_path: Path, own_cluster: Cluster, url: str
) -> None:
    """With Retry-After, not ready but alive; the first request after the restart succeeds."""
    async with open_bank(tmp_path, database_url=url, database_connect_timeout_s=2) as bank:
        await bank.get("/progress")
        await asyncio.to_thread(own_cluster.crash)
        away = await bank.call("GET", "/sales/s-1", expect=503)
        assert away.headers["retry-after"] == "1"
        assert away.json()["code"] == "unavailable"
        written = await bank.call("POST", "/sales/s-1/confirm", {"decision_id": "d"}, key="k", expect=503)
        assert "retry-after" in written.headers
        assert (await bank.client.get("/readyz")).json()["missing"] == ["database"]
        assert (await bank.client.get("/livez")).status_code == 200
        await asyncio.to_thread(own_cluster.start)
        await bank.call("GET", "/sales/s-1", expect=404)
        assert (await bank.client.get("/readyz")).status_code == 200
