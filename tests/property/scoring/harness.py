"""Runs the real handler on a real database, in batches cut where a test wants them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from sqlalchemy import select

from tests.property.scoring.bank import DAY_0
from tests.property.scoring.oracle import Point
from tierflow_scoring.adapters.repository import SqlRepository
from tierflow_scoring.adapters.tables import METADATA
from tierflow_scoring.app import MIGRATIONS
from tierflow_scoring.consumers.handler import ScoringHandler
from tierflow_scoring.domain.days import day_of
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers.digest import Digest, digest
from tierflow_scoring.handlers.refold import refold
from tierflow_scoring.ports import PublishedRow
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.clock import ManualClock
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.money import no_rates
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import upgrade
from tierflow_shared.store.outbox import read_entries

CURRENCY = "CZK"
Told = tuple[str, str, bytes]  # id, type, data


class Scoring:
    """A scoring service without its HTTP side and without a bus."""

    def __init__(
        self,
        policies: PolicySet,
        partitions: int = 1,
        bucket_cache_limit: int = 1000,
        recent_money_limit: int = 1000,
        closing_portion: int = 200,
    ) -> None:
        self._folder = TemporaryDirectory()
        self.policies, self._partitions = policies, partitions
        self._settings = ScoringSettings(
            data_dir=Path(self._folder.name),
            bucket_cache_limit=bucket_cache_limit,
            recent_money_limit=recent_money_limit,
            closing_portion=closing_portion,
        )
        clock = ManualClock(datetime(2024, 6, 1, tzinfo=UTC))
        url = f"sqlite:///{self._folder.name}/scoring.db"
        self.database = Database(url, METADATA, service="scoring", clock=clock)
        upgrade(self.database, MIGRATIONS)
        self.restart()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.database.close()
        self._folder.cleanup()

    def restart(self) -> None:
        """A new process on the same database."""
        self.handler = ScoringHandler(self.policies, no_rates(CURRENCY), self._settings, SqlRepository)
        with self.database.reading() as connection:
            self.handler.assigned(connection, [TopicPartition(BANK_EVENTS, n) for n in range(self._partitions)])

    def process(self, records: Sequence[Record], batches: Sequence[int] = ()) -> None:
        """Processes records in batches that end before the places in `batches`."""
        cuts = sorted({0, *(cut for cut in batches if 0 < cut < len(records)), len(records)})
        for start, end in pairwise(cuts):
            with self.database.writing() as uow:
                self.handler.process(uow, records[start:end])

    def continue_unfinished(self, times: int = 10_000) -> None:
        """So many more portions of what is being closed, each in its own transaction; all of them without a number."""
        while times and (unfinished := self.handler.unfinished()):
            times -= 1
            with self.database.writing() as uow:
                self.handler.process(uow, [])
                self.handler.continue_unfinished(uow, unfinished)

    def published(self) -> list[PublishedRow]:
        """What others were told last."""
        with self.database.reading() as connection:
            repository = SqlRepository(connection)
            return sorted(row for partition in range(self._partitions) for row in repository.published(partition))

    def told(self) -> list[Told]:
        """What was published, in order, without its wall-clock time."""
        with self.database.reading() as connection:
            entries = read_entries(connection, self.database.tables, limit=100_000)
        messages = [message for entry in entries for message in entry.messages or ()]
        headers = [dict(message.headers) for message in messages]
        return [
            (one["ce_id"].decode(), one["ce_type"].decode(), message.value)
            for one, message in zip(headers, messages, strict=True)
        ]

    def counts(self) -> dict[tuple[str, str], int]:
        """What became of the events."""
        table = self.database.tables.consumption
        with self.database.reading() as connection:
            rows = connection.execute(select(table.c.event_type, table.c.outcome, table.c["count"]))
            return {(event_type, outcome): count for event_type, outcome, count in rows}

    def dead_letters(self) -> list[str]:
        """Reasons of what could not be taken."""
        table = self.database.tables.dead_letter
        with self.database.reading() as connection:
            return [row.reason for row in connection.execute(select(table).order_by(table.c.offset))]

    def digest(self, as_of: int | None = None) -> Digest:
        """The digest, by the day of the story."""
        with self.database.reading() as connection:
            day = None if as_of is None else day_of(DAY_0) + as_of
            return digest(SqlRepository(connection), self.policies, CURRENCY, day)

    def features(self, end: int) -> dict[str, dict[str, int]]:
        """Features of everybody by a fresh fold through a day number."""
        result = {}
        with self.database.reading() as connection:
            repository = SqlRepository(connection)
            for partition in range(self._partitions):
                records = repository.records(partition, repository.customer_ids(partition))
                for part in refold(self.policies, records, end):
                    for n, record in enumerate(part.records):
                        result[record.customer_id] = part.folded.features.at(-1, n)
        return result

    def paths(self) -> dict[str, dict[str, list[Point]]]:
        """The stored paths as believed now."""
        result: dict[str, dict[str, list[Point]]] = {}
        with self.database.reading() as connection:
            repository = SqlRepository(connection)
            ids = [name for partition in range(self._partitions) for name in repository.customer_ids(partition)]
            rows = [row for _, row in repository.current_segments(ids)]
        for row in sorted(rows, key=lambda row: row.valid_from):
            tier, provisional, pending_tier, since, due, version = row.standing
            pending = None if pending_tier is None or since is None or due is None else (pending_tier, since, due)
            point = (row.valid_from, tier, provisional, pending, version)
            result.setdefault(row.customer_id, {}).setdefault(row.scheme, []).append(point)
        return result
