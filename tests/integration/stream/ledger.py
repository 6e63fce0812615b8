"""A tiny service that sums what it reads per key, and an independent look at whether it did so exactly once."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, select

from tierflow_shared.bus.port import Bus, Message, Record, TopicPartition
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.store.dialect import upsert
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.handlers import caused_id


def tables() -> tuple[MetaData, Table]:
    metadata = MetaData()
    total = Table(
        "total",
        metadata,
        Column("key", String(64), primary_key=True),
        Column("sum", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
    )
    return metadata, total


class SummingHandler:
    """Adds numbers up in memory and in the database, and says each sum. `poison` raises, as an unforeseen bug would."""

    types = None

    def __init__(self, total: Table) -> None:
        self._total = total
        self.memory: dict[str, int] = {}
        self.fail_next = 0

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        self._load(connection)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.memory.clear()

    def rolled_back(self, connection: Connection) -> None:
        self._load(connection)

    def _load(self, connection: Connection) -> None:
        self.memory = {row.key: row.sum for row in connection.execute(select(self._total))}

    def unfinished(self) -> Sequence[TopicPartition]:
        return ()

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is put off."""

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        for record in records:
            if record.value == b"poison":
                raise ZeroDivisionError("a bug nobody foresaw")
            number = int(record.value)
            self.memory[record.key] = self.memory.get(record.key, 0) + number
            row = {"key": record.key, "sum": number, "last": number}
            statement = upsert(uow.connection, self._total).values(row)
            changed = {"sum": self._total.c.sum + statement.excluded.sum, "last": statement.excluded.last}
            uow.connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changed))
            uow.emit(BusinessDateAdvanced(business_date=_day(number)), event_id=caused_id("summing", record, 0))
            uow.count("number", "applied")
        if self.fail_next:
            self.fail_next -= 1
            raise ConnectionResetError("the process died before its commit")


def _day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def number(key: str, value: int | bytes) -> Message:
    text = value if isinstance(value, bytes) else str(value).encode()
    return Message("numbers", key, text, (("ce_type", b"number"), ("ce_id", key.encode() + text)))


async def said(bus: Bus, topic: str) -> list[tuple[str, str]]:
    """Every outgoing message on a topic: its id and its data."""
    found = []
    for partition in range(await bus.partitions(topic)):
        records = await bus.fetch(TopicPartition(topic, partition), 0, 10_000)
        found += [(record.header("ce_id"), json.dumps(json.loads(record.value))) for record in records]
    return found


async def expected_sums(bus: Bus) -> dict[str, int]:
    """What the sums must be: computed from the log alone."""
    sums: dict[str, int] = defaultdict(int)
    for partition in range(await bus.partitions("numbers")):
        for record in await bus.fetch(TopicPartition("numbers", partition), 0, 10_000):
            if record.value != b"poison":
                sums[record.key] += int(record.value)
    return dict(sums)
