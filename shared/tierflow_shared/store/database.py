"""A service's own database: SQLite by default, PostgreSQL in production, the same statements on both."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

from sqlalchemy import Connection, MetaData, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from tierflow_shared.clock import Clock
from tierflow_shared.store.engine import WRITES, DatabaseLimits, is_sqlite, open_engine
from tierflow_shared.store.outbox import OutboxEntry, OutboxQueue, count_messages
from tierflow_shared.store.tables import SharedTables, shared_tables
from tierflow_shared.store.unit_of_work import UnitOfWork

Result = TypeVar("Result")
_ALONE: Final = 0x7469_6572_0001
"""Advisory lock of PostgreSQL that transactions hold which must not run beside each other."""


class Database:
    """Opens connections; hands out read transactions and units of work.

    The tables are made by migrations (`store/migrations.py`), never from here. A `silent` database drops what its units
    of work would say to others.
    """

    def __init__(
        self,
        url: str,
        metadata: MetaData,
        *,
        service: str,
        clock: Clock,
        limits: DatabaseLimits | None = None,
        silent: bool = False,
    ) -> None:
        self.service, self.metadata = service, metadata
        self.tables: SharedTables = shared_tables(metadata)
        self._clock, self._silent = clock, silent
        self.is_sqlite = is_sqlite(url)
        self.engine = open_engine(url, limits or DatabaseLimits())
        snapshot = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reads = self.engine.execution_options(**snapshot)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._kept: deque[Connection] = deque()
        self._max_kept = (limits or DatabaseLimits()).pool_size // 4  # the rest is for everybody else
        self._closed = False
        event.listen(self.engine, "checkin", self._returned)
        self._writer = threading.RLock()
        self.outbox = OutboxQueue()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; nothing written here is kept (PostgreSQL refuses to write)."""
        with self._reads.connect() as connection:
            yield connection
            connection.rollback()

    def autocommit(self, work: Callable[[Connection], Result]) -> Result:
        """For PostgreSQL: what `work` does with a connection on which each statement is a transaction of its own.

        The connection is kept for the next call and not asked before whether it still lives, so a statement costs one
        round trip. One that has died since is found out by its error, and `work` runs again on another: it must be
        safe to repeat.
        """
        assert not self.is_sqlite
        try:
            kept = self._kept.pop()
        except IndexError:  # another thread may have been faster
            return self._on(self._autocommit.connect(), work)
        try:
            return self._on(kept, work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._on(self._autocommit.connect(), work)

    def _on(self, connection: Connection, work: Callable[[Connection], Result]) -> Result:
        try:
            result = work(connection)
            connection.commit()  # nothing is open; a rollback would forget the connection's temporary tables
        except BaseException:
            connection.close()
            raise
        if len(self._kept) < self._max_kept and not self._closed:
            self._kept.append(connection)
        else:
            connection.close()
        if self._closed:
            self._let_go()
        return result

    def _let_go(self) -> None:
        while self._kept:
            with suppress(IndexError):  # another thread may have been faster
                self._kept.pop().close()

    def _returned(self, driver: object, record: ConnectionPoolEntry) -> None:
        """Called by the pool. A thread that outlived `close` would leave its connection open in a pool nobody has."""
        if self._closed and driver is not None:
            record.invalidate()

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[UnitOfWork]:
        """One unit of work: committed when the block ends, rolled back when it raises.

        SQLite has one writer at a time. PostgreSQL has many: who reads and then writes there locks the rows it read,
        or says `alone`, and then no other transaction that says so runs at the same time, in any process.
        """
        entries: list[OutboxEntry] = []
        with self._exclusive(), self.engine.connect().execution_options(**{WRITES: True}) as connection:
            try:
                with connection.begin():
                    if alone and not self.is_sqlite:
                        connection.execute(_TAKE_ALONE, {"key": _ALONE})
                    now = self._clock.now()
                    uow = UnitOfWork(connection, self.tables, self.service, now, silent=self._silent)
                    yield uow
                    entries = uow.flush()
                    self.outbox.enter(entries)
            except BaseException:
                self.outbox.withdraw(entries)
                raise
            self.outbox.committed(entries)
            callbacks = uow.take_callbacks()
        for callback in callbacks:
            callback()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self.is_sqlite:
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
        self._closed = True
        self._let_go()
        self.engine.dispose()


_TAKE_ALONE: Final = text("SELECT pg_advisory_xact_lock(:key)")
