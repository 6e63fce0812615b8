"""The outbox: what transactions of this process said, in order, and the rows that keep it until the bus has it."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from tierflow_shared.bus.port import Message
from tierflow_shared.store.tables import SharedTables

MESSAGES_PER_ROW: Final = 500
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Message]).decode


@dataclass(slots=True, eq=False)
class OutboxEntry:
    """One row of the outbox. `messages` is None where only the row still has them, to keep memory bounded."""

    seq: int
    count: int
    messages: Sequence[Message] | None
    ready: bool = False


class OutboxQueue:
    """The entries of this process in the order in which their transactions wrote them.

    A transaction enters its entries before it commits, so one that depends on another stands behind it. Only the
    committed ones at the head leave, so that nobody overtakes.
    """

    def __init__(self, *, messages_in_memory: int = 20_000) -> None:
        self._lock = threading.Lock()
        self._queue: deque[OutboxEntry] = deque()
        self._limit, self._held = messages_in_memory, 0
        self._wake: Callable[[], None] = lambda: None
        self._uncertain = False
        self.waiting = 0

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Calls `wake`, from the committing thread, whenever something may leave."""
        self._wake = wake

    def enter(self, entries: Sequence[OutboxEntry]) -> None:
        """Called inside the transaction, after its rows were written and before its commit."""
        with self._lock:
            for entry in entries:
                self.waiting += entry.count
                if self._held + entry.count > self._limit:
                    entry.messages = None
                else:
                    self._held += entry.count
                self._queue.append(entry)

    def committed(self, entries: Sequence[OutboxEntry]) -> None:
        """The entries' transaction is durable."""
        for entry in entries:
            entry.ready = True
        if entries:
            self._wake()

    def withdraw(self, entries: Sequence[OutboxEntry]) -> None:
        """The commit failed. Whether the rows are there is for the table to say."""
        if not entries:
            return
        failed = frozenset(entries)
        with self._lock:
            self._remove(lambda entry: entry in failed)
            self._uncertain = True
        self._wake()

    def head(self, max_messages: int) -> list[OutboxEntry]:
        """The committed entries at the head, at least one if there is any; they stay until they are `done`."""
        found: list[OutboxEntry] = []
        with self._lock:
            taken = 0
            for entry in self._queue:
                if not entry.ready or (found and taken + entry.count > max_messages):
                    break
                found.append(entry)
                taken += entry.count
        return found

    def done(self, seqs: Collection[int]) -> None:
        """The bus has these rows; those that this process did not enter are no concern of the queue."""
        gone = set(seqs)
        with self._lock:
            while self._queue and self._queue[0].seq in gone:
                entry = self._queue.popleft()
                gone.remove(entry.seq)
                self._forget(entry)
            if gone:
                self._remove(lambda entry: entry.seq in gone)

    def _remove(self, leaves: Callable[[OutboxEntry], bool]) -> None:
        kept = deque[OutboxEntry]()
        for entry in self._queue:
            if leaves(entry):
                self._forget(entry)
            else:
                kept.append(entry)
        self._queue = kept

    def _forget(self, entry: OutboxEntry) -> None:
        self.waiting -= entry.count
        self._held -= entry.count if entry.messages is not None else 0

    def take_uncertain(self) -> bool:
        """Whether a commit failed since the last time somebody asked."""
        with self._lock:
            uncertain, self._uncertain = self._uncertain, False
        return uncertain


def write_entries(
    connection: Connection, tables: SharedTables, messages: Sequence[Message], now_ms: int
) -> list[OutboxEntry]:
    """Writes messages as few, wide rows of the outbox."""
    outbox, entries = tables.outbox, []
    for first in range(0, len(messages), MESSAGES_PER_ROW):
        part = messages[first : first + MESSAGES_PER_ROW]
        row = {"created_at_ms": now_ms, "messages": len(part), "body": _encode(part)}
        seq: int = connection.execute(insert(outbox).returning(outbox.c.seq), row).scalar_one()
        entries.append(OutboxEntry(seq, len(part), part))
    return entries


def read_entries(
    connection: Connection, tables: SharedTables, *, after: int = -1, limit: int = 100, not_after_ms: int | None = None
) -> list[OutboxEntry]:
    """Rows of the outbox in order, whoever wrote them; with `not_after_ms` only those that are older."""
    outbox = tables.outbox.c
    query = select(outbox.seq, outbox.messages, outbox.body).where(outbox.seq > after)
    if not_after_ms is not None:
        query = query.where(outbox.created_at_ms <= not_after_ms)
    rows = connection.execute(query.order_by(outbox.seq).limit(limit))
    return [OutboxEntry(row.seq, row.messages, _decode(row.body), ready=True) for row in rows]


def read_messages(connection: Connection, tables: SharedTables, seq: int) -> Sequence[Message]:
    """The messages of one row; none if somebody else has brought them to the bus."""
    outbox = tables.outbox.c
    body = connection.execute(select(outbox.body).where(outbox.seq == seq)).scalar_one_or_none()
    return [] if body is None else _decode(body)


def remove_entries(connection: Connection, tables: SharedTables, seqs: Sequence[int]) -> None:
    """Deletes rows the bus has."""
    outbox = tables.outbox
    connection.execute(delete(outbox).where(outbox.c.seq.in_(bindparam("seqs", expanding=True))), {"seqs": list(seqs)})


def count_messages(connection: Connection, tables: SharedTables) -> int:
    """How many messages the table holds."""
    return int(connection.execute(select(func.coalesce(func.sum(tables.outbox.c.messages), 0))).scalar_one())
