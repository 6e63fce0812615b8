"""What only PostgreSQL's driver can: bulk loads by COPY and INSERT … SELECT … ON CONFLICT, and queries planned anew."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from zlib import crc32

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tierflow_shared.store.binary_copy import binary_rows
from tierflow_shared.store.bulk import BulkColumn
from tierflow_shared.store.engine import TEMPORARY_TABLES, USED_TABLES

_HEAD: Final = re.compile(r"INSERT INTO (\w+) \(([^)]+)\)")
_TYPES: Final = (
    "SELECT atttypid::int FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
    "ORDER BY attnum"
)


class _Temporary(NamedTuple):
    name: str
    columns: str
    types: Sequence[int]


def copy_rows(connection: Connection, head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Loads the rows, in their order, in the connection's transaction.

    `head` is `INSERT INTO name (columns)`, `tail` an ON CONFLICT or nothing.

    Raises:
        sqlalchemy.exc.DBAPIError: what the driver did not like, as its own kind of error.
    """
    with _driver(connection, head) as driver, driver.cursor() as cursor:
        table = _emptied(connection, cursor, head)
        with cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(table.types)
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"{head} SELECT {table.columns} FROM {table.name} {tail}")  # noqa: S608


def copy_columns(connection: Connection, head: str, tail: str, columns: Sequence[BulkColumn]) -> None:
    """As `copy_rows`, from columns of one length without nulls.

    Raises:
        sqlalchemy.exc.DBAPIError: as `copy_rows`.
    """
    with _driver(connection, head) as driver, driver.cursor() as cursor:
        table = _emptied(connection, cursor, head)
        with cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(binary_rows(table.types, columns))
        cursor.execute(f"{head} SELECT {table.columns} FROM {table.name} {tail}")  # noqa: S608


def fetch_planned_anew(connection: Connection, query: str, parameters: Sequence[object]) -> list[Any]:
    """The rows of a query that is never prepared: a plan kept from when a table was empty reads all of it later.

    Raises:
        sqlalchemy.exc.DBAPIError: as `copy_rows`.
    """
    with _driver(connection, query) as driver, driver.cursor(binary=True) as cursor:
        return list(cursor.execute(query, parameters, prepare=False).fetchall())


@contextmanager
def _driver(connection: Connection, statement: str) -> Iterator[Any]:
    driver: Any = connection.connection.driver_connection
    try:
        yield driver
    except psycopg.Error as error:
        lost = bool(driver.broken)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost
        ) from error


def _emptied(connection: Connection, cursor: "psycopg.Cursor[Any]", head: str) -> _Temporary:
    """The temporary table for this statement, made once for each connection; a commit empties it."""
    tables: dict[str, _Temporary] = connection.info.setdefault(TEMPORARY_TABLES, {})
    used: set[str] = connection.info.setdefault(USED_TABLES, set())
    table = tables.get(head)
    if table is None:
        table = tables[head] = _made(cursor, head)
    if table.name in used:
        cursor.execute(f"TRUNCATE {table.name}")
    used.add(table.name)
    return table


def _made(cursor: "psycopg.Cursor[Any]", head: str) -> _Temporary:
    parts = _HEAD.fullmatch(head)
    assert parts is not None, f"not the head of an insert: {head}"
    target, columns = parts.groups()
    name = f"copy_{target}_{crc32(columns.encode()):08x}"
    rows = f"SELECT {columns} FROM {target} WITH NO DATA"  # noqa: S608 - names of our own
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS AS {rows}")
    types = [oid for (oid,) in cursor.execute(_TYPES, (name,))]
    return _Temporary(name, columns, types)
