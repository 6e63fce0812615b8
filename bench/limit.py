"""The limit of the pipeline bench: SQLite alone, writing the bytes that the pipeline wrote, in one file.

Every event is a row of the log, an entry of the index and an upsert of its bucket; how the product packs them is its
own affair.
"""

import sqlite3
import time
from pathlib import Path

import msgspec

from tierflow_shared.bus.port import Record

_LOG = """CREATE TABLE record (topic_id INTEGER, partition INTEGER, offset INTEGER, timestamp_ms INTEGER, type TEXT,
    key TEXT, headers BLOB, value BLOB, PRIMARY KEY (topic_id, partition, offset)) WITHOUT ROWID"""
_INDEX = """CREATE TABLE event_index (id_hash BLOB PRIMARY KEY, content_hash BLOB, topic INTEGER, partition INTEGER,
    "offset" INTEGER) WITHOUT ROWID"""
REPEATS = 3
Row = tuple[object, ...]


def connect(path: Path) -> sqlite3.Connection:
    """A file with the settings that the product uses."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA wal_autocheckpoint = 10000")
    return connection


def written(folder: Path) -> tuple[list[Row], list[Row], list[Row], list[str]]:
    """The transactions' log records, index entries and buckets as they came into the product's databases."""
    log = connect(folder / "log.db")
    batches = log.execute(
        "SELECT topic_id, body FROM batch WHERE types = '|bank.transaction.posted.v1|' ORDER BY base_offset, partition"
    )
    encode = msgspec.msgpack.encode
    records: list[Row] = [
        (topic_id, r.partition, r.offset, r.timestamp_ms, r.type, r.key, encode(r.headers), r.value)
        for topic_id, body in batches
        for r in msgspec.msgpack.decode(body, type=list[Record])
    ]
    events = connect(folder / "events.db")
    entries = events.execute("SELECT * FROM event_index ORDER BY offset, partition").fetchall()[-len(records) :]
    scoring = connect(folder / "scoring.db")
    cursor = scoring.execute("SELECT * FROM account_day ORDER BY day")
    columns = [column[0] for column in cursor.description]
    buckets = cursor.fetchall()
    return records, entries, (buckets * -(-len(records) // len(buckets)))[: len(records)], columns


def events_per_second(folder: Path, scratch: Path, batch: int) -> list[float]:
    """Appends every record, indexes it and upserts its bucket, `batch` to a durable transaction; several times."""
    records, entries, buckets, columns = written(folder)
    return [_once(scratch / f"limit-{n}.db", batch, (records, entries, buckets), columns) for n in range(REPEATS)]


def _once(path: Path, batch: int, rows: tuple[list[Row], list[Row], list[Row]], columns: list[str]) -> float:
    connection = connect(path)
    keys = ("partition", "day", "customer_id", "account_id")
    connection.execute(_LOG)
    connection.execute(_INDEX)
    connection.execute(f"CREATE TABLE bucket ({', '.join(columns)}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID")
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    statements = (
        f"INSERT INTO record VALUES ({', '.join('?' * len(rows[0][0]))})",
        f"INSERT INTO event_index VALUES ({', '.join('?' * len(rows[1][0]))}) ON CONFLICT DO NOTHING",
        f"INSERT INTO bucket VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO UPDATE SET {changed}",
    )
    started = time.perf_counter()
    for first in range(0, len(rows[0]), batch):
        connection.execute("BEGIN IMMEDIATE")
        for statement, table in zip(statements, rows, strict=True):
            connection.executemany(statement, table[first : first + batch])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    path.unlink()
    return len(rows[0]) / seconds
