"""A service's own database: SQLite by default, PostgreSQL in production, the same statements on both."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, select

from tierflow_shared.clock import Clock
from tierflow_shared.store.outbox import OutboxLine, Parcel, count_messages
from tierflow_shared.store.tables import SharedTables, shared_tables
from tierflow_shared.store.unit_of_work import UnitOfWork

_WRITES = "tierflow_writes"


class Database:
    """Opens connections; hands out read transactions and units of work."""

    def __init__(self, url: str, metadata: MetaData, *, service: str, clock: Clock, pool_size: int = 8) -> None:
        self.service = service
        self.tables: SharedTables = shared_tables(metadata)
        self._metadata = metadata
        self._clock = clock
        self._is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = self._engine(url, pool_size)
        self._writer = threading.RLock()
        self.outbox = OutboxLine()

    def _engine(self, url: str, pool_size: int) -> Engine:
        if not self._is_sqlite:
            return create_engine(url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)
        path = make_url(url).database
        if path and path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def create_schema(self) -> None:
        """Creates the tables that are missing; safe to repeat and safe when several processes start at once."""
        with self.engine.execution_options(**{_WRITES: True}).begin() as connection:
            self._metadata.create_all(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; nothing written here is kept."""
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        """One unit of work: committed when the block ends, rolled back when it raises."""
        parcels: list[Parcel] = []
        with self._exclusive(), self.engine.connect().execution_options(**{_WRITES: True}) as connection:
            try:
                with connection.begin():
                    uow = UnitOfWork(connection, self.tables, self.service, self._clock.now())
                    yield uow
                    parcels = uow.flush()
                    self.outbox.enter(parcels)
            except BaseException:
                self.outbox.withdraw(parcels)
                raise
            self.outbox.committed(parcels)
            callbacks = uow.committed()
        for callback in callbacks:
            callback()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self._is_sqlite:
            yield
            return
        with self._writer:
            yield

    def now_ms(self) -> int:
        """The service's own time, in milliseconds since 1970."""
        return int(self._clock.now().timestamp() * 1000)

    def outbox_depth(self) -> int:
        """How many messages wait to be published."""
        with self.reading() as connection:
            return count_messages(connection, self.tables)

    def ping(self) -> None:
        """Raises when the database cannot be read."""
        with self.reading() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(dbapi: SqliteConnection, _record: object) -> None:
    dbapi.isolation_level = None
    dbapi.execute("PRAGMA busy_timeout = 10000")
    dbapi.execute("PRAGMA journal_mode = WAL")
    dbapi.execute("PRAGMA synchronous = FULL")
    dbapi.execute("PRAGMA foreign_keys = ON")
    dbapi.execute("PRAGMA cache_size = -65536")
    dbapi.execute("PRAGMA wal_autocheckpoint = 10000")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
