"""The one statement that SQLite and PostgreSQL spell in the same way but import from different places."""

from collections.abc import Mapping

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def upsert(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    """An insert into `table` that understands `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return PostgresqlInsert(table) if connection.dialect.name == "postgresql" else SqliteInsert(table)


def insert_if_new(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Inserts the row unless there is one of the same key. True if it was new."""
    statement = upsert(connection, table).values(**row).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key)).first() is not None
