"""The bare limit: the writes of scoring, recorded portion by portion, and repeated with nothing else around them.

`record` lets the real scoring work on the job in this process, against a scratch database, and keeps every write it
makes: bulk writes as finished COPY data, the rest as statements. `replay` sends them to PostgreSQL again, one
transaction a portion with the offsets. No Kafka, no decoding, no deciding, no rows made of Python objects.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from zlib import crc32

import numpy as np
import psycopg
import typer
from psycopg.abc import Buffer
from psycopg.copy import LibpqWriter
from sqlalchemy import Connection, event

from bench.streaming.portions import Bulk, Portion, Single, packed, portions
from bench.streaming.topics import partition_of
from bench.streaming.workload import POSTED, Workload
from tierflow_scoring.adapters import store
from tierflow_scoring.adapters.policy_files import load_policy_set
from tierflow_scoring.app import MIGRATIONS, create_handler, open_database
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.bulk import COPY_FROM_ROWS, BulkColumn, write_rows
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import upgrade

_READS: Final = ("SELECT", "WITH")
_TYPES: Final = (
    "SELECT atttypid::int FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
    "ORDER BY attnum"
)
_NEW_POSITION: Final = "INSERT INTO consumer_position (topic, partition, next_offset, epoch) VALUES (%s, %s, 0, 1)"
_ADVANCE: Final = "UPDATE consumer_position SET next_offset = %s WHERE topic = %s AND partition = %s AND epoch = 1"

app: Final = typer.Typer(pretty_exceptions_enable=False)


class _Tee(LibpqWriter):
    """Sends COPY data to the server and keeps them."""

    def __init__(self, cursor: "psycopg.Cursor[Any]") -> None:
        super().__init__(cursor)
        self.kept: list[bytes] = []

    def write(self, data: Buffer) -> None:
        self.kept.append(bytes(data))
        super().write(data)


class Recorder:
    """Stands between scoring and its database and keeps what passes."""

    def __init__(self, database: Database) -> None:
        self._loader = Loader()
        self.writes: list[Bulk | Single] = []
        event.listen(database.engine, "before_cursor_execute", self._statement)
        store.write_rows = self._rows  # type: ignore[attr-defined]
        store.write_columns = self._columns  # type: ignore[attr-defined]

    def _rows(self, connection: Connection, head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> None:
        if len(rows) < COPY_FROM_ROWS:
            write_rows(connection, head, tail, rows)
            return
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            self.writes.append(Bulk(head, tail, self._loader.rows(cursor, head, tail, rows)))

    def _columns(self, connection: Connection, head: str, tail: str, columns: Sequence[BulkColumn]) -> None:
        plain = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns]
        self._rows(connection, head, tail, list(zip(*plain, strict=True)))

    def _statement(self, _c: object, _cursor: object, text: str, values: Any, _context: object, many: bool) -> None:
        if not text.lstrip().startswith(_READS):
            self.writes.append(Single(text, list(values) if many else [values]))


class Loader:
    """COPY into a temporary table, then one INSERT … SELECT … with the tail; one connection's."""

    def __init__(self) -> None:
        self._types: dict[str, list[int]] = {}

    def rows(self, cursor: "psycopg.Cursor[Any]", head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> bytes:
        """Loads rows and returns them as COPY data."""
        name, columns = self._emptied(cursor, head)
        tee = _Tee(cursor)
        with cursor.copy(f"COPY {name} FROM STDIN (FORMAT BINARY)", writer=tee) as copy:
            copy.set_types(self._types[name])
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"{head} SELECT {columns} FROM {name} {tail}")
        return b"".join(tee.kept)

    def data(self, cursor: "psycopg.Cursor[Any]", bulk: Bulk) -> None:
        """Loads COPY data."""
        name, columns = self._emptied(cursor, bulk.head)
        with cursor.copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(bulk.data)
        cursor.execute(f"{bulk.head} SELECT {columns} FROM {name} {bulk.tail}")

    def _emptied(self, cursor: "psycopg.Cursor[Any]", head: str) -> tuple[str, str]:
        target, _, columns = head.removeprefix("INSERT INTO ").removesuffix(")").partition(" (")
        name = f"bare_{target}_{crc32(columns.encode()):08x}"
        if name not in self._types:
            rows = f"SELECT {columns} FROM {target} WITH NO DATA"
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ON COMMIT DELETE ROWS AS {rows}")
            self._types[name] = [oid for (oid,) in cursor.execute(_TYPES, (name,))]
        else:
            cursor.execute(f"TRUNCATE {name}")
        return name, columns


@app.command()
def record(
    events: int, customers: int, seed: int, partitions: int, portion: int, folder: Path,
) -> None:  # fmt: skip
    """Scores the job in this process, `portion` events a transaction, and leaves its writes in `folder`."""
    settings = ScoringSettings(data_dir=folder)
    database = open_database(settings, SystemClock())
    upgrade(database, MIGRATIONS)
    policies = load_policy_set(settings.policy_set, settings.base_currency)
    handler = create_handler(settings, policies, ServiceMetrics("limit"))
    with database.reading() as connection:
        handler.assigned(connection, [TopicPartition(BANK_EVENTS, number) for number in range(partitions)])
    recorder = Recorder(database)
    offsets = [0] * partitions
    for number, records in enumerate(_batches(Workload(events, customers, seed), partitions, portion)):
        with database.writing() as uow:
            handler.process(uow, records)
        for one in records:
            offsets[one.partition] = one.offset + 1
        (folder / f"{number:06d}.portion").write_bytes(packed(Portion(recorder.writes, list(offsets))))
        recorder.writes = []
    database.close()


def _batches(workload: Workload, partitions: int, portion: int) -> Iterator[list[Record]]:
    """The job as a consumer would be given it: a batch holds each partition's records one after the other."""
    ends, batch = [0] * partitions, list[Record]()
    where = [partition_of(number, partitions) for number in range(workload.customers)]
    for posting in workload.postings():
        partition = where[posting.customer]
        batch.append(
            Record(
                BANK_EVENTS, partition, ends[partition], posting.timestamp_ms, posting.key.decode(), POSTED,
                tuple(posting.headers), posting.value,
            )
        )  # fmt: skip
        ends[partition] += 1
        if len(batch) == portion:
            yield sorted(batch, key=lambda record: record.partition)
            batch = []
    if batch:
        yield sorted(batch, key=lambda record: record.partition)


@app.command()
def replay(folder: Path, partitions: int, data_dir: Annotated[Path, typer.Option(help="scratch folder")]) -> None:
    """Writes everything again into the service's database: COPY and upsert, one transaction a portion."""
    settings = ScoringSettings(data_dir=data_dir)
    database = open_database(settings, SystemClock())
    upgrade(database, MIGRATIONS)
    database.close()
    url = os.environ["TIERFLOW_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for number in range(partitions):
            cursor.execute(_NEW_POSITION, (BANK_EVENTS, number))
        connection.commit()
        loader = Loader()
        for portion in portions(folder):
            _write(cursor, loader, portion)
            connection.commit()


def _write(cursor: "psycopg.Cursor[Any]", loader: Loader, portion: Portion) -> None:
    for write in portion.writes:
        if isinstance(write, Bulk):
            loader.data(cursor, write)
        else:
            for values in write.parameters:
                cursor.execute(write.text, values)
    for partition, offset in enumerate(portion.offsets):
        cursor.execute(_ADVANCE, (offset, BANK_EVENTS, partition))


if __name__ == "__main__":
    app()
