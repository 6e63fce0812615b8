"""The checker's own eyes: SQL on the services' databases, and the log as it lies there."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

Place = tuple[str, int]  # topic, partition
TOPICS: Final = (
    "bank.events", "bank.reference", "tierflow.tiers", "tierflow.contacts", "tierflow.sales", "tierflow.dead-letters",
)  # fmt: skip


class Entry(NamedTuple):
    """One message of the log."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, bytes]
    value: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name, b"").decode("utf-8", "replace")

    @property
    def type(self) -> str:
        return self.header("ce_type")

    @property
    def id(self) -> str:
        return self.header("ce_id")


class Source(Protocol):
    """Where a shape keeps its databases and its log."""

    def rows(self, service: str, query: str) -> Sequence[tuple[Any, ...]]:
        """The answer of a service's database."""

    def log(self, topic: str) -> Iterator[Entry]:
        """All messages of a topic; those of a partition in their order."""

    def ends(self) -> Mapping[Place, int]:
        """The next offset of every partition."""


def positions(source: Source, service: str) -> dict[Place, int]:
    """How far a service has read, as its database says."""
    rows = source.rows(service, "SELECT topic, partition, next_offset FROM consumer_position")
    return {(topic, partition): offset for topic, partition, offset in rows}


class EmbeddedSource:
    """SQLite files in the services' data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _open(self, name: str) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._folder / name}.db?mode=ro", uri=True, timeout=30)

    def rows(self, service: str, query: str) -> Sequence[tuple[Any, ...]]:
        with closing(self._open(service)) as connection:
            return connection.execute(query).fetchall()

    def log(self, topic: str) -> Iterator[Entry]:
        query = """SELECT body FROM batch JOIN topic USING (topic_id) WHERE name = ? ORDER BY partition, base_offset"""
        decode = msgspec.msgpack.Decoder().decode
        with closing(self._open("log")) as connection:
            for (body,) in connection.execute(query, (topic,)):
                for of_topic, partition, offset, _, key, _, headers, value in decode(body):
                    yield Entry(of_topic, partition, offset, key, dict(headers), value)

    def ends(self) -> Mapping[Place, int]:
        query = "SELECT name, partition, next_offset FROM partition JOIN topic USING (topic_id)"
        with closing(self._open("log")) as connection:
            return {(topic, partition): end for topic, partition, end in connection.execute(query)}
