"""The one statement that SQLite and PostgreSQL spell in the same way but import from different places."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def upsert(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    """An insert into `table` that understands `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return PostgresqlInsert(table) if connection.dialect.name == "postgresql" else SqliteInsert(table)
