"""The log file: its tables, and the few statements that read and append."""

import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from tierflow_shared.bus.port import BusUnavailableError, Message, Position, Record, TopicPartition

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS topic (
    topic_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS partition (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, earliest INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, PRIMARY KEY (topic_id, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL,
    type TEXT NOT NULL, key TEXT NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (topic_id, partition, offset)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (
    consumer_group TEXT NOT NULL, member TEXT NOT NULL, heartbeat_ms INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, member)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (
    consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, member TEXT NOT NULL,
    epoch INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mirrored (
    consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)) WITHOUT ROWID;
"""

_ROWS_PER_STATEMENT: Final = 250
_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT: Final = f"INSERT INTO record VALUES {_ROW}"  # noqa: S608
_INSERT_MANY: Final = f"INSERT INTO record VALUES {', '.join([_ROW] * _ROWS_PER_STATEMENT)}"  # noqa: S608
_SELECT: Final = """SELECT offset, timestamp_ms, type, key, headers, value FROM record
    WHERE topic_id = ? AND partition = ? AND offset >= ? AND offset < ? {types} ORDER BY offset LIMIT ?"""
_encode_headers: Final = msgspec.msgpack.Encoder().encode
_decode_headers: Final = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode
MAX_SCAN: Final = 100_000


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key. A stable hash: equal on every machine and in every release."""
    return zlib.crc32(key.encode()) % partitions


class LogFile:
    """One connection to the log file. Calls are serialised; SQLite's own locks serialise processes."""

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._topics: dict[str, tuple[int, int]] = {}
        with _available():
            self._connection = sqlite3.connect(
                path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA cache_size = -32768")
            self._connection.execute("PRAGMA wal_autocheckpoint = 10000")

    def create(self) -> None:
        """Makes the tables that are missing."""
        with self.transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """An exclusive write, durable when the block ends.

        Raises:
            BusUnavailableError: the file is locked for too long, full or broken; nothing was written.
        """
        with self._lock, _available():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """One consistent view."""
        with self._lock, _available():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    def topic(self, connection: sqlite3.Connection, name: str) -> tuple[int, int]:
        """Id and number of partitions of a topic.

        Raises:
            KeyError: no such topic.
        """
        known = self._topics.get(name)
        if known is None:
            row = connection.execute("SELECT topic_id, partitions FROM topic WHERE name = ?", (name,)).fetchone()
            if row is None:
                raise KeyError(f"no topic {name}")
            known = self._topics[name] = (row[0], row[1])
        return known

    def close(self) -> None:
        with self._lock:
            self._connection.close()


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BusUnavailableError(str(error)) from error


def create_topics(log: LogFile, topics: Mapping[str, int]) -> None:
    """Adds missing topics; a topic keeps the number of partitions it was born with."""
    with log.transaction() as connection:
        for name, partitions in topics.items():
            assert partitions >= 1
            connection.execute("INSERT OR IGNORE INTO topic (name, partitions) VALUES (?, ?)", (name, partitions))
            topic_id, kept = log.topic(connection, name)
            connection.executemany(
                "INSERT OR IGNORE INTO partition VALUES (?, ?, 0, 0, 0)", [(topic_id, p) for p in range(kept)]
            )


def append(log: LogFile, messages: Sequence[Message], now_ms: int) -> list[Position]:
    """Appends in order, all or nothing, and says where each message lies."""
    rows: list[tuple[int, int, int, int, str, str, bytes, bytes]] = []
    positions: list[Position] = []
    with log.transaction() as connection:
        ends: dict[tuple[int, int], tuple[int, int]] = {}
        for message in messages:
            topic_id, partitions = log.topic(connection, message.topic)
            partition = message.partition
            if partition is None:
                partition = partition_of(message.key, partitions)
            here = (topic_id, partition)
            if here not in ends:
                ends[here] = _end(connection, here, now_ms)
            offset, timestamp_ms = ends[here]
            ends[here] = (offset + 1, timestamp_ms)
            headers = message.headers
            event_type = ""
            for name, value in headers:
                if name == "ce_type":
                    event_type = value.decode()
                    break
            rows.append(
                (
                    topic_id,
                    partition,
                    offset,
                    timestamp_ms,
                    event_type,
                    message.key,
                    _encode_headers(headers),
                    message.value,
                )
            )
            positions.append(Position(message.topic, partition, offset))
        _insert(connection, rows)
        connection.executemany(
            "UPDATE partition SET next_offset = ?, last_ms = ? WHERE topic_id = ? AND partition = ?",
            [(offset, last_ms, *here) for here, (offset, last_ms) in ends.items()],
        )
    return positions


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Many rows in one statement (the driver gives up the interpreter once a statement), the rest one by one."""
    whole = len(rows) - len(rows) % _ROWS_PER_STATEMENT
    for first in range(0, whole, _ROWS_PER_STATEMENT):
        connection.execute(_INSERT_MANY, tuple(chain.from_iterable(rows[first : first + _ROWS_PER_STATEMENT])))
    connection.executemany(_INSERT, rows[whole:])


def _end(connection: sqlite3.Connection, here: tuple[int, int], now_ms: int) -> tuple[int, int]:
    row = connection.execute("SELECT next_offset, last_ms FROM partition WHERE topic_id = ? AND partition = ?", here)
    found = row.fetchone()
    if found is None:
        raise KeyError(f"no partition {here[1]}")
    return found[0], max(now_ms, found[1])


def bounds(log: LogFile, connection: sqlite3.Connection, topic_partition: TopicPartition) -> tuple[int, int]:
    """The oldest offset kept and the next one to be written."""
    topic_id, _ = log.topic(connection, topic_partition.topic)
    row = connection.execute(
        "SELECT earliest, next_offset FROM partition WHERE topic_id = ? AND partition = ?",
        (topic_id, topic_partition.partition),
    ).fetchone()
    if row is None:
        raise KeyError(f"no partition {topic_partition}")
    return row[0], row[1]


def all_bounds(connection: sqlite3.Connection) -> dict[tuple[str, int], tuple[int, int]]:
    """The oldest and the next offset of every partition, in one look."""
    rows = connection.execute(
        "SELECT name, partition, earliest, next_offset FROM partition JOIN topic USING (topic_id)"
    ).fetchall()
    return {(name, partition): (earliest, end) for name, partition, earliest, end in rows}


def read(
    log: LogFile,
    connection: sqlite3.Connection,
    topic_partition: TopicPartition,
    start: int,
    end: int,
    limit: int,
    types: Sequence[str] | None,
) -> tuple[list[Record], int]:
    """Records from `start` on and before `end`, and the offset up to which the log was looked at."""
    topic, partition = topic_partition
    topic_id, _ = log.topic(connection, topic)
    end = min(end, start + MAX_SCAN)
    if start >= end:
        return [], start
    condition = "" if types is None else f"AND type IN ({','.join('?' * len(types))})"
    rows = connection.execute(
        _SELECT.format(types=condition), (topic_id, partition, start, end, *(types or ()), limit)
    ).fetchall()
    records = [
        Record(topic, partition, offset, timestamp_ms, key, event_type, _decode_headers(headers), value)
        for offset, timestamp_ms, event_type, key, headers, value in rows
    ]
    return records, records[-1].offset + 1 if len(records) == limit else end
