"""The limit of the pipeline bench: SQLite alone, writing the bytes that the pipeline wrote."""

import sqlite3
import time
from itertools import islice
from pathlib import Path

_LOG = """CREATE TABLE record (topic_id INTEGER, partition INTEGER, offset INTEGER, timestamp_ms INTEGER, type TEXT,
    key TEXT, headers BLOB, value BLOB, PRIMARY KEY (topic_id, partition, offset)) WITHOUT ROWID"""


def connect(path: Path) -> sqlite3.Connection:
    """A file with the settings that the product uses."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def written(folder: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[str]]:
    """The transaction records of the log and the buckets of the scoring database, as they lie there."""
    log = connect(folder / "log.db")
    records = log.execute(
        "SELECT * FROM record WHERE type = 'bank.transaction.posted.v1' ORDER BY offset, partition"
    ).fetchall()
    scoring = connect(folder / "scoring.db")
    cursor = scoring.execute("SELECT * FROM account_day ORDER BY day")
    columns = [column[0] for column in cursor.description]
    return records, cursor.fetchall(), columns


def events_per_second(folder: Path, scratch: Path, batch: int) -> float:
    """Appends every record and upserts its bucket, `batch` at a time, one durable transaction for each batch."""
    records, buckets, columns = written(folder)
    keys = ("customer_id", "account_id", "day")
    connection = connect(scratch / "limit.db")
    connection.execute(_LOG)
    connection.execute(f"CREATE TABLE bucket ({', '.join(columns)}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID")
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    upsert = f"INSERT INTO bucket VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO UPDATE SET {changed}"
    append = f"INSERT INTO record VALUES ({', '.join('?' * 8)})"
    appended, upserted = iter(records), iter(_as_often_as(buckets, len(records)))
    started = time.perf_counter()
    while rows := list(islice(appended, batch)):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(append, rows)
        connection.executemany(upsert, list(islice(upserted, len(rows))))
        connection.execute("COMMIT")
    return len(records) / (time.perf_counter() - started)


def _as_often_as(buckets: list[tuple[object, ...]], events: int) -> list[tuple[object, ...]]:
    repeated = -(-events // len(buckets))
    return (buckets * repeated)[:events]
