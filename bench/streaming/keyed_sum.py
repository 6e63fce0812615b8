"""The peers' keyed sum on the product's own pipeline: Kafka adapter, consumer loop, one transaction a batch."""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np
import typer
import uvloop
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table, select

from bench.streaming.workload import POSTED, THRESHOLDS_MINOR
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.interpreter import tune_the_interpreter
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.store.bulk import write_rows
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import upsert_text
from tierflow_shared.store.tables import shared_tables
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.processor import StreamProcessor, StreamSettings

SERVICE: Final = "keyed-sum"
METADATA: Final = MetaData()
STANDING: Final = Table(
    "standing",
    METADATA,
    Column("customer_id", String(64), primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("sum_minor", BigInteger, nullable=False),
    Column("postings", BigInteger, nullable=False),
    Column("tier", Integer, nullable=False),
)


class _Amount(msgspec.Struct, gc=False):
    value: str


class _Posting(msgspec.Struct, gc=False):
    amount: _Amount
    direction: str


_decode: Final = msgspec.json.Decoder(_Posting).decode
_THRESHOLDS: Final = np.array(THRESHOLDS_MINOR, np.int64)


class _Columns:
    """A partition's customers in memory: a slot each."""

    def __init__(self) -> None:
        self.slot_of: dict[str, int] = {}
        self.ids: list[str] = []
        self.sums: NDArray[np.int64] = np.zeros(1024, np.int64)
        self.postings: NDArray[np.int64] = np.zeros(1024, np.int64)

    def slot(self, customer_id: str) -> int:
        slot = self.slot_of.get(customer_id)
        if slot is None:
            slot = self.slot_of[customer_id] = len(self.ids)
            self.ids.append(customer_id)
            if slot == len(self.sums):
                self.sums, self.postings = np.resize(self.sums, 2 * slot), np.resize(self.postings, 2 * slot)
                self.sums[slot:] = self.postings[slot:] = 0
        return slot


class KeyedSum:
    """`BatchHandler`: folds a batch in columns and writes every customer it touched once."""

    types = frozenset({POSTED})

    def __init__(self) -> None:
        self._partitions: dict[int, _Columns] = {}

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        for _, partition in partitions:
            columns = self._partitions[partition] = _Columns()
            for row in connection.execute(select(STANDING).where(STANDING.c.partition == partition)):
                slot = columns.slot(row.customer_id)
                columns.sums[slot], columns.postings[slot] = row.sum_minor, row.postings

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        for _, partition in partitions:
            self._partitions.pop(partition, None)

    def rolled_back(self, connection: Connection) -> None:
        self.assigned(connection, [TopicPartition(BANK_EVENTS, partition) for partition in self._partitions])

    def unfinished(self) -> Sequence[TopicPartition]:
        return ()

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is put off."""

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        by_partition: dict[int, tuple[list[int], list[int]]] = {}
        here, slots, changes = -1, list[int](), list[int]()
        columns = _Columns()
        for record in records:
            if record.partition != here:
                here = record.partition
                columns = self._partitions[here]
                slots, changes = by_partition.setdefault(here, ([], []))
            posting = _decode(record.value)
            minor = int(posting.amount.value.replace(".", ""))
            slots.append(columns.slot(record.key))
            changes.append(minor if posting.direction == "credit" else -minor)
        rows: list[tuple[object, ...]] = []
        for partition, (touched, signed) in by_partition.items():
            rows += _fold(partition, self._partitions[partition], touched, signed)
        write_rows(uow.connection, *upsert_text(STANDING), rows)
        uow.count(POSTED, "applied", len(records))


def _fold(partition: int, columns: _Columns, slots: list[int], signed: list[int]) -> list[tuple[object, ...]]:
    at = np.array(slots, np.int64)
    np.add.at(columns.sums, at, np.array(signed, np.int64))
    np.add.at(columns.postings, at, 1)
    changed = np.unique(at)
    sums, postings = columns.sums[changed], columns.postings[changed]
    tiers = np.searchsorted(_THRESHOLDS, sums, side="right")
    numbers = zip(changed.tolist(), sums.tolist(), postings.tolist(), tiers.tolist(), strict=True)
    return [(columns.ids[slot], partition, total, count, tier) for slot, total, count, tier in numbers]


async def _run(settings: ServiceSettings) -> None:
    clock = SystemClock()
    shared_tables(METADATA)
    database = Database(settings.database_url_for(SERVICE), METADATA, service=SERVICE, clock=clock)
    METADATA.create_all(database.engine)
    bus = open_bus(settings, clock)
    processor = StreamProcessor(
        bus, database, KeyedSum(), group=SERVICE, member="one", topics=[BANK_EVENTS],
        settings=StreamSettings(max_records=settings.poll_max_records, transaction_s=settings.transaction_s),
    )  # fmt: skip
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, processor.stop)
    await processor.run()
    await bus.close(5.0)
    database.close()


def main(data_dir: Annotated[Path, typer.Option(help="scratch folder")]) -> None:
    """Runs until it is terminated; Kafka and the database come from the environment, all as for a service."""
    tune_the_interpreter()
    uvloop.run(_run(ServiceSettings(data_dir=data_dir)))


if __name__ == "__main__":
    typer.run(main)
