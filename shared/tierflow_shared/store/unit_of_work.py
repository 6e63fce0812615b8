"""One transaction: state, outgoing messages, dead letters and offsets stand or fall together."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec
from sqlalchemy import Connection, Insert, Table

from tierflow_shared.bus.port import Message, Record
from tierflow_shared.cloudevents import outgoing_message
from tierflow_shared.contracts.outcomes import DeadLetter
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.ids import derived_id
from tierflow_shared.logs import traceparent as current_traceparent
from tierflow_shared.store.dialect import upsert, upsert_for
from tierflow_shared.store.outbox import OutboxEntry, write_entries
from tierflow_shared.store.tables import SharedTables

_DETAIL_LENGTH = 200
_LETTER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z")


class UnitOfWork:
    """Collects what one step of work wants to say and writes it in the step's own transaction."""

    def __init__(
        self, connection: Connection, tables: SharedTables, service: str, now: datetime, *, silent: bool = False
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.service = service
        self.now = now
        self._silent = silent
        self._outbox: list[Message] = []
        self._dead_letters: list[dict[str, object]] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._after_commit: list[Callable[[], None]] = []

    def emit(self, data: Data, *, event_id: str, traceparent: str = "") -> None:
        """Puts an event into the outbox; it is on the bus soon after the commit, and never without it.

        It belongs to the trace that is given, else to that of the request in hand. A silent unit of work drops it: a
        trial says nothing to others.
        """
        if self._silent:
            return
        trace = traceparent or current_traceparent.get()
        self._outbox.append(
            outgoing_message(data, event_id=event_id, service=self.service, now=self.now, traceparent=trace)
        )

    def dead_letter(self, record: Record, reason: str, detail: str) -> None:
        """Keeps where a message lies that this service could not take, and tells the operators' list."""
        letter = DeadLetter(
            dead_letter_id=derived_id("dl", self.service, record.topic, record.partition, record.offset),
            service=self.service,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=_id_text(record.key),
            event_id=_clean(record.header("ce_id")),
            event_source=_clean(record.header("ce_source")),
            event_type=_clean(record.type),
            reason=reason,
            detail=_clean(detail),
            occurred_at=self.now,
            replay_of=_letter_id(record.header("ce_deadletter")),
        )
        row = msgspec.structs.asdict(letter)
        del row["service"], row["occurred_at"], row["replay_of"]
        self._dead_letters.append({**row, "occurred_at_ms": int(self.now.timestamp() * 1000)})
        self.count(letter.event_type, "refused")
        self.emit(letter, event_id=letter.dead_letter_id)

    def count(self, event_type: str, outcome: str, n: int = 1) -> None:
        """Counts what became of consumed events: `applied`, `duplicate` or `refused`."""
        self._counts[event_type, outcome] += n

    def outcomes(self) -> Counter[str]:
        """How many events were applied, were duplicates, or were refused."""
        total: Counter[str] = Counter()
        for (_, outcome), count in self._counts.items():
            total[outcome] += count
        return total

    def refusals(self) -> Counter[str]:
        """How many dead letters there are, by reason."""
        return Counter(str(letter["reason"]) for letter in self._dead_letters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs once the transaction is durable, and never if it was rolled back."""
        self._after_commit.append(callback)

    @property
    def emitted(self) -> int:
        """How many messages wait for this transaction's commit."""
        return len(self._outbox)

    def flush(self) -> list[OutboxEntry]:
        """Writes what was collected; the caller commits. Returns the rows of the outbox."""
        entries: list[OutboxEntry] = []
        if self._outbox:
            entries = write_entries(self.connection, self.tables, self._outbox, int(self.now.timestamp() * 1000))
        if self._dead_letters:
            table = self.tables.dead_letter
            self.connection.execute(upsert(self.connection, table).on_conflict_do_nothing(), self._dead_letters)
        if self._counts:
            self._write_counts()
        return entries

    def take_callbacks(self) -> list[Callable[[], None]]:
        """What is to run after the commit; handed out once, for a callback that knows this object makes a cycle."""
        callbacks, self._after_commit = self._after_commit, []
        return callbacks

    def _write_counts(self) -> None:
        statement = _add_counts(self.tables.consumption, self.connection.dialect.name)
        rows = [
            {"event_type": event_type, "outcome": outcome, "count": count}
            for (event_type, outcome), count in sorted(self._counts.items())
        ]
        self.connection.execute(statement, rows)


@lru_cache(maxsize=16)
def _add_counts(table: Table, dialect: str) -> Insert:
    """Made once: a statement takes a while to build, and leaves cycles behind."""
    statement = upsert_for(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=[table.c.event_type, table.c.outcome],
        set_={"count": table.c.count + statement.excluded.count},
    )


@lru_cache(maxsize=1024)
def _clean(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:_DETAIL_LENGTH]


def _letter_id(text: str) -> str | None:
    """The id of a dead letter as we make them; None for anything else."""
    return text if _LETTER_ID.match(text) else None


def _id_text(text: str) -> str:
    return _clean(text)[:64] or "-"
