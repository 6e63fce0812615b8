"""The limit of the pipeline bench: SQLite alone, writing the bytes that the pipeline wrote, in one file."""

import sqlite3
import time
from pathlib import Path

_LOG = """CREATE TABLE batch (topic_id INTEGER, partition INTEGER, base_offset INTEGER, messages INTEGER,
    timestamp_ms INTEGER, types TEXT, body BLOB, PRIMARY KEY (topic_id, partition, base_offset))"""
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
    """The transactions' part of the log, their index entries and buckets as they lie in the product's databases."""
    log = connect(folder / "log.db")
    batches = log.execute(
        "SELECT * FROM batch WHERE types = '|bank.transaction.posted.v1|' ORDER BY base_offset, partition"
    ).fetchall()
    messages = sum(row[3] for row in batches)
    events = connect(folder / "events.db")
    entries = events.execute("SELECT * FROM event_index ORDER BY offset, partition").fetchall()[-messages:]
    scoring = connect(folder / "scoring.db")
    cursor = scoring.execute("SELECT * FROM account_day ORDER BY day")
    columns = [column[0] for column in cursor.description]
    buckets = cursor.fetchall()
    return batches, entries, (buckets * -(-messages // len(buckets)))[:messages], columns


def events_per_second(folder: Path, scratch: Path, batch: int) -> list[float]:
    """Appends the log, indexes every event and upserts its bucket, `batch` to a durable transaction; several times."""
    batches, entries, buckets, columns = written(folder)
    return [_once(scratch / f"limit-{n}.db", batch, (batches, entries, buckets), columns) for n in range(REPEATS)]


def _once(path: Path, batch: int, rows: tuple[list[Row], list[Row], list[Row]], columns: list[str]) -> float:
    connection = connect(path)
    keys = ("partition", "day", "customer_id", "account_id")
    connection.execute(_LOG)
    connection.execute(_INDEX)
    connection.execute(f"CREATE TABLE bucket ({', '.join(columns)}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID")
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    batches, entries, buckets = rows
    append = f"INSERT INTO batch VALUES ({', '.join('?' * len(batches[0]))})"
    index = f"INSERT INTO event_index VALUES ({', '.join('?' * len(entries[0]))}) ON CONFLICT DO NOTHING"
    upsert = f"INSERT INTO bucket VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO UPDATE SET {changed}"
    begun, done, waiting = time.perf_counter(), 0, iter(batches)
    while done < len(entries):
        taken: list[Row] = []
        while (count := sum(int(str(row[3])) for row in taken)) < min(batch, len(entries) - done):
            taken.append(next(waiting))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(append, taken)
        connection.executemany(index, entries[done : done + count])
        connection.executemany(upsert, buckets[done : done + count])
        connection.execute("COMMIT")
        done += count
    seconds = time.perf_counter() - begun
    connection.close()
    path.unlink()
    return len(entries) / seconds
