"""One log of either kind, one database, and as many members as a test wants."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, MetaData, select

from tests.contract.bus.kafka_harness import until_group_is_empty
from tests.databases import OpenDatabase
from tests.integration.stream.ledger import SummingHandler, tables
from tierflow_shared.bus.kafka import KafkaBus, KafkaOptions
from tierflow_shared.bus.port import Bus, TopicPartition
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS, DEAD_LETTERS
from tierflow_shared.store import positions
from tierflow_shared.store.database import Database
from tierflow_shared.stream.processor import StreamProcessor, StreamSettings
from tierflow_shared.stream.relay import OutboxRelay

_LIMIT_S = 30.0


def _in(folder: Path) -> OpenDatabase:
    def open_file(metadata: MetaData) -> Database:
        database = Database(f"sqlite:///{folder}/s.db", metadata, service="summing", clock=SystemClock())
        metadata.create_all(database.engine)
        return database

    return open_file


class NotingHandler(SummingHandler):
    """Also notes which partitions came and went."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.total)
        self.came: list[TopicPartition] = []
        self.went: list[TopicPartition] = []

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        super().assigned(connection, partitions)
        self.came += partitions

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        super().revoked(partitions)
        self.went += partitions


class World:
    """A summing service with its surroundings. `kafka` None: the SQLite log."""

    def __init__(self, folder: Path, kafka: KafkaOptions | None, open_database: OpenDatabase | None = None) -> None:
        self.kafka = kafka
        self.bus: Bus
        if kafka is None:
            self.sqlite = SqliteBus(folder / "log.db", clock=SystemClock(), heartbeat_s=0.0, background_heartbeat=False)
            self.bus = self.sqlite
        else:
            self.bus = KafkaBus(kafka, clock=SystemClock())
        metadata, self.total = tables()
        self.database = (open_database or _in(folder))(metadata)

    def member(self, name: str) -> tuple[StreamProcessor, NotingHandler]:
        handler = NotingHandler(self)
        processor = StreamProcessor(
            self.bus, self.database, handler, group="g", member=name, topics=["numbers"],
            settings=StreamSettings(poll_timeout_s=0.05),
        )  # fmt: skip
        return processor, handler

    def sums(self) -> dict[str, int]:
        with self.database.reading() as connection:
            return {row.key: row.sum for row in connection.execute(select(self.total))}

    def epochs(self) -> dict[int, int]:
        """The stored epoch of each partition."""
        position = self.database.tables.consumer_position
        with self.database.reading() as connection:
            return {row.partition: row.epoch for row in connection.execute(select(position))}

    async def publish(self) -> None:
        """Brings the outbox to the bus and empties it."""
        relay = self.relay()
        await relay.publish_all()
        await relay.remove_published()

    def relay(self, producer: object | None = None) -> OutboxRelay:
        return OutboxRelay(self.database, producer or self.bus.producer(), batch_size=100, sweep_interval_s=0.1)  # type: ignore[arg-type]

    async def drain(self, processor: StreamProcessor) -> None:
        """Steps until the end of the log, as it is now, is behind the member or behind the database's offsets."""
        here = [TopicPartition("numbers", partition) for partition in range(await self.bus.partitions("numbers"))]
        ends = {topic_partition: await self.bus.high_watermark(topic_partition) for topic_partition in here}
        deadline = time.monotonic() + _LIMIT_S
        while self._behind(ends, processor):
            await processor.step()
            assert time.monotonic() < deadline, "the member does not catch up"

    def _behind(self, ends: dict[TopicPartition, int], processor: StreamProcessor) -> bool:
        with self.database.reading() as connection:
            stored = positions.read_positions(connection, self.database.tables)
        read = processor._progress.read_to
        return any(max(stored.get(here, 0), read.get(here, 0)) < end for here, end in ends.items())

    async def let_leases_end(self) -> None:
        """The members that do not poll lose their partitions."""
        if self.kafka is not None:
            await until_group_is_empty(self.kafka)
            return
        with self.sqlite._log.transaction() as connection:
            connection.execute("UPDATE lease SET expires_ms = 0")
            connection.execute("DELETE FROM member")


@asynccontextmanager
async def opened(
    folder: Path, kafka: KafkaOptions | None, partitions: int = 2, open_database: OpenDatabase | None = None
) -> AsyncIterator[World]:
    """A world with its topics; without `open_database` its database is a SQLite file in the folder."""
    world = World(folder, kafka, open_database)
    try:
        await world.bus.ensure_topics({"numbers": partitions, BANK_EVENTS: 2, DEAD_LETTERS: 1})
        yield world
    finally:
        await world.bus.close(5.0)
        world.database.close()


@asynccontextmanager
async def joined(processor: StreamProcessor) -> AsyncIterator[StreamProcessor]:
    consumer = processor._consumer
    await consumer.start(processor)
    yield processor
