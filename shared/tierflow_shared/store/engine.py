"""Connections to a service's database: SQLite by default, PostgreSQL in production, with every limit set."""

from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

WRITES: Final = "tierflow_writes"
"""Execution option: this transaction will write (SQLite takes its write lock at the beginning)."""


class DependencyError(Exception):
    """Something else that a transaction needs is away; the message says what, without anybody's data."""


UNAVAILABLE: Final = (OperationalError, InterfaceError, PoolTimeoutError, DependencyError)
"""What a database raises that is locked, full, restarting or gone: nothing was kept, and it may be tried again."""

TEMPORARY_TABLES: Final = "tierflow_temporary_tables"
"""In a connection's info: the temporary tables that were made on it."""
USED_TABLES: Final = "tierflow_used_tables"
"""In a connection's info: those of them that hold rows of the present transaction."""

# Text that any order but the one by code points puts in another order.
_PROBE: Final = ("-", "A", "B", "Z", "_", "a", "a-b", "aB", "ab", "z", "é", "中", "\U0001f600")


class WrongDatabaseError(RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


class DatabaseSettings(Protocol):
    """The part of a service's settings that speaks of its database."""

    @property
    def database_pool_size(self) -> int: ...
    @property
    def database_pool_timeout_s(self) -> float: ...
    @property
    def database_connect_timeout_s(self) -> int: ...
    @property
    def database_statement_timeout_s(self) -> float: ...
    @property
    def database_lock_timeout_s(self) -> float: ...
    @property
    def database_idle_timeout_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """Limits of connections, in seconds. SQLite knows the pool's and the lock's."""

    pool_size: int = 8
    pool_timeout_s: float = 5.0
    connect_timeout_s: int = 5
    statement_timeout_s: float = 60.0
    lock_timeout_s: float = 10.0
    idle_timeout_s: float = 60.0

    @staticmethod
    def of(settings: DatabaseSettings) -> "DatabaseLimits":
        return DatabaseLimits(
            pool_size=settings.database_pool_size,
            pool_timeout_s=settings.database_pool_timeout_s,
            connect_timeout_s=settings.database_connect_timeout_s,
            statement_timeout_s=settings.database_statement_timeout_s,
            lock_timeout_s=settings.database_lock_timeout_s,
            idle_timeout_s=settings.database_idle_timeout_s,
        )


def open_engine(url: str, limits: DatabaseLimits) -> Engine:
    """An engine whose statements never show their values in an error. Connects at first use."""
    return _sqlite(url, limits) if is_sqlite(url) else _postgresql(url, limits)


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _sqlite(url: str, limits: DatabaseLimits) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=limits.pool_size,
        max_overflow=limits.pool_size,
        pool_timeout=limits.pool_timeout_s,
        hide_parameters=True,
    )

    def prepare(dbapi: SqliteConnection, _record: object) -> None:
        dbapi.isolation_level = None
        dbapi.execute(f"PRAGMA busy_timeout = {round(limits.lock_timeout_s * 1000)}")
        dbapi.execute("PRAGMA journal_mode = WAL")
        dbapi.execute("PRAGMA synchronous = FULL")
        dbapi.execute("PRAGMA foreign_keys = ON")
        dbapi.execute("PRAGMA cache_size = -65536")
        dbapi.execute("PRAGMA wal_autocheckpoint = 10000")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: str, limits: DatabaseLimits) -> Engine:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=limits.pool_size,
        max_overflow=0,
        pool_timeout=limits.pool_timeout_s,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args=_connect_arguments(limits),
    )
    event.listen(engine, "commit", _commit_empties)
    event.listen(engine, "rollback", _rollback_removes)
    return engine


def _connect_arguments(limits: DatabaseLimits) -> dict[str, Any]:
    """Limits of the server by name, and keep-alives that notice a server that has vanished without a word."""
    server = {
        "statement_timeout": limits.statement_timeout_s,
        "lock_timeout": limits.lock_timeout_s,
        "idle_in_transaction_session_timeout": limits.idle_timeout_s,
    }
    words = [f"-c {name}={round(seconds * 1000)}" for name, seconds in server.items()]
    return {
        "options": " ".join([*words, "-c client_min_messages=warning", "-c timezone=UTC"]),
        "application_name": "tierflow",
        "connect_timeout": max(2, limits.connect_timeout_s),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }


def _commit_empties(connection: Connection) -> None:
    connection.info.pop(USED_TABLES, None)


def _rollback_removes(connection: Connection) -> None:
    if not connection.invalidated:
        connection.info.pop(USED_TABLES, None)
        connection.info.pop(TEMPORARY_TABLES, None)


def check_usable(connection: Connection) -> None:
    """Refuses a PostgreSQL database whose text is not UTF-8 in the order of code points, as SQLite's is.

    Raises:
        WrongDatabaseError: see there.
    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    ordered: list[str] = []
    if encoding == "UTF8":
        probe = text("SELECT array_agg(word ORDER BY word) FROM unnest(CAST(:words AS text[])) AS word")
        ordered = list(connection.execute(probe, {"words": list(_PROBE)}).scalar_one())
    if ordered != sorted(_PROBE):
        raise WrongDatabaseError(
            "this PostgreSQL database orders text by a language's rules; Tierflow needs the order of code points. "
            "Make it anew: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )


def driver_words(error: BaseException) -> str:
    """What the driver says of an error; SQLAlchemy would add the statement."""
    return str(error.orig if isinstance(error, DBAPIError) else error).strip()
