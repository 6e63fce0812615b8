"""The log file: its tables, and the few statements that read and append."""

import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
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
CREATE TABLE IF NOT EXISTS batch (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, messages INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL, types TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (topic_id, partition, base_offset));
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

MESSAGES_PER_BATCH: Final = 500
_INSERT: Final = "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)"
# A batch that begins before the wanted offset may still hold it.
_SELECT: Final = """SELECT base_offset, messages, body FROM batch WHERE topic_id = ? AND partition = ?
    AND base_offset > ? AND base_offset < ? {types} ORDER BY base_offset"""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Record]).decode
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


class _Tail:
    """The end of one partition while messages are appended to it."""

    __slots__ = ("offset", "partition", "records", "timestamp_ms", "topic", "topic_id")

    def __init__(self, topic: str, topic_id: int, partition: int, end: tuple[int, int]) -> None:
        self.topic, self.topic_id, self.partition = topic, topic_id, partition
        self.offset, self.timestamp_ms = end
        self.records: list[tuple[object, ...]] = []

    def add(self, message: Message) -> Position:
        place = Position(self.topic, self.partition, self.offset)
        event_type = _type_of(message.headers)
        self.records.append((*place, self.timestamp_ms, message.key, event_type, message.headers, message.value))
        self.offset += 1
        return place

    def rows(self) -> Iterator[tuple[object, ...]]:
        """The records as rows of the table: a few hundred in each, so that one step of a cursor brings them all."""
        base = self.offset - len(self.records)
        for first in range(0, len(self.records), MESSAGES_PER_BATCH):
            some = self.records[first : first + MESSAGES_PER_BATCH]
            types = f"|{'|'.join(sorted({str(record[5]) for record in some}))}|"
            where = (self.topic_id, self.partition, base + first)
            yield (*where, len(some), self.timestamp_ms, types, _encode(some))


def append(log: LogFile, messages: Sequence[Message], now_ms: int) -> list[Position]:
    """Appends in order, all or nothing, and says where each message lies."""
    positions: list[Position] = []
    tails: dict[tuple[str, int], _Tail] = {}
    with log.transaction() as connection:
        for message in messages:
            topic, partition = message.topic, message.partition
            topic_id, partitions = log.topic(connection, topic)
            if partition is None:
                partition = partition_of(message.key, partitions)
            tail = tails.get((topic, partition))
            if tail is None:
                end = _end(connection, (topic_id, partition), now_ms)
                tail = tails[topic, partition] = _Tail(topic, topic_id, partition, end)
            positions.append(tail.add(message))
        for tail in tails.values():
            connection.executemany(_INSERT, tail.rows())
        connection.executemany(
            "UPDATE partition SET next_offset = ?, last_ms = ? WHERE topic_id = ? AND partition = ?",
            [(tail.offset, tail.timestamp_ms, tail.topic_id, tail.partition) for tail in tails.values()],
        )
    return positions


def _type_of(headers: Sequence[tuple[str, bytes]]) -> str:
    for name, value in headers:
        if name == "ce_type":
            return _text(value)
    return ""


@lru_cache(maxsize=1024)
def _text(raw: bytes) -> str:
    return raw.decode()


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
    types: Collection[str] | None,
) -> tuple[list[Record], int]:
    """Records from `start` on and before `end`, and the offset up to which the log was looked at."""
    topic, partition = topic_partition
    topic_id, _ = log.topic(connection, topic)
    end = min(end, start + MAX_SCAN)
    if start >= end:
        return [], start
    condition = "" if types is None else f"AND ({' OR '.join(['instr(types, ?)'] * len(types))})"
    parameters = (topic_id, partition, start - MESSAGES_PER_BATCH, end, *(f"|{name}|" for name in types or ()))
    found: list[Record] = []
    for base, messages, body in connection.execute(_SELECT.format(types=condition), parameters):
        if base + messages <= start:
            continue
        records = _decode(body)
        if base < start or base + messages > end:
            records = [record for record in records if start <= record.offset < end]
        found += records if types is None else [record for record in records if record.type in types]
        if len(found) >= limit:
            return found[:limit], found[limit - 1].offset + 1
    return found, end


def first_at(log: LogFile, connection: sqlite3.Connection, topic_partition: TopicPartition, time_ms: int) -> int | None:
    """The first offset that was written at `time_ms` or later."""
    topic_id, _ = log.topic(connection, topic_partition.topic)
    row = connection.execute(
        "SELECT min(base_offset) FROM batch WHERE topic_id = ? AND partition = ? AND timestamp_ms >= ?",
        (topic_id, topic_partition.partition, time_ms),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def remove_before(log: LogFile, connection: sqlite3.Connection, topic_partition: TopicPartition, offset: int) -> None:
    """Moves the oldest kept offset and removes the batches that lie wholly before it."""
    topic_id, _ = log.topic(connection, topic_partition.topic)
    here = (offset, topic_id, topic_partition.partition)
    connection.execute("DELETE FROM batch WHERE base_offset + messages <= ? AND topic_id = ? AND partition = ?", here)
    connection.execute("UPDATE partition SET earliest = ? WHERE topic_id = ? AND partition = ?", here)
