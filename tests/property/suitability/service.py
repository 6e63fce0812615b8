"""The real handlers on a real database, without HTTP and without a log: records in, rows out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import MetaData, select

from tierflow_shared.bus.port import Record
from tierflow_shared.clock import ManualClock
from tierflow_shared.cloudevents import headers_of
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import TYPE_OF_DATA
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import upgrade
from tierflow_shared.store.outbox import read_entries
from tierflow_suitability.adapters.opening import DeskOpener
from tierflow_suitability.adapters.queries import SqlQueries
from tierflow_suitability.adapters.tables import suitability_tables
from tierflow_suitability.app import MIGRATIONS, office_of
from tierflow_suitability.consumers import SuitabilityHandler
from tierflow_suitability.ports import Desk, Needed
from tierflow_suitability.settings import SuitabilitySettings

Result = TypeVar("Result")
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
OFFICE = office_of(SuitabilitySettings())


class Service:
    """One database and everything that works on it."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.clock = ManualClock(NOW)
        metadata = MetaData()
        tables = suitability_tables(metadata)
        self.database = Database(
            url or f"sqlite:///{folder / 'suitability.db'}", metadata, service="suitability", clock=self.clock
        )
        upgrade(self.database, MIGRATIONS)
        self.opener = DeskOpener.of(tables, ServiceMetrics("suitability"))
        self.handler = SuitabilityHandler(self.opener, OFFICE)
        self.queries = SqlQueries(self.database, tables)
        self.tables = tables

    def consume(self, records: Sequence[Record]) -> None:
        """One poll, one transaction."""
        with self.database.writing() as uow:
            self.handler.process(uow, records)

    def step(self, needed: Needed, step: Callable[[Desk], Result]) -> Result:
        """One use case, one transaction."""
        with self.database.writing() as uow:
            desk = self.opener.open(uow, needed)
            result = step(desk)
            desk.flush()
        return result

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything in the outbox: type and data."""
        with self.database.reading() as connection:
            entries = read_entries(connection, self.database.tables, limit=100_000)
        messages = [message for entry in entries for message in entry.messages or ()]
        return [(dict(one.headers)["ce_type"].decode(), msgspec.json.decode(one.value)) for one in messages]

    def consumption(self) -> dict[tuple[str, str], int]:
        """What became of the events, by type and outcome."""
        table = self.database.tables.consumption
        with self.database.reading() as connection:
            rows = connection.execute(select(table)).all()
        return {(row.event_type, row.outcome): row._mapping["count"] for row in rows}


@contextmanager
def service(folder: Path, url: str | None = None) -> Iterator[Service]:
    """A service whose connections are closed at the end; without a URL on a file in the folder."""
    opened = Service(folder, url)
    try:
        yield opened
    finally:
        opened.database.close()


def record(offset: int, event_id: str, data: Data, time: datetime, *, partition: int = 0) -> Record:
    """An event as the log would hand it out."""
    event_type = TYPE_OF_DATA[type(data)]
    headers = headers_of(event_id=event_id, source="/core-banking", event_type=event_type.name, time=time.isoformat())
    key = str(getattr(data, event_type.key_field))
    return Record(event_type.topic, partition, offset, 0, key, event_type.name, headers, msgspec.json.encode(data))
