"""What SQLite and PostgreSQL spell in the same way: as a statement, and as text for `bulk.write_rows`."""

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def upsert(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    """An insert into `table` that understands `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return upsert_for(connection.dialect.name, table)


def upsert_for(dialect: str, table: Table) -> SqliteInsert | PostgresqlInsert:
    """The same for a dialect by its name."""
    return PostgresqlInsert(table) if dialect == "postgresql" else SqliteInsert(table)


def insert_if_new(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Inserts the row unless there is one of the same key. True if it was new."""
    statement = upsert(connection, table).values(**row).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key)).first() is not None


@lru_cache(maxsize=64)
def upsert_text(table: Table) -> tuple[str, str]:
    """What stands before and behind the values: insert whole rows; on conflict take the new values."""
    keys = [column.name for column in table.primary_key.columns]
    sets = [f"{column.name} = excluded.{column.name}" for column in table.columns if column.name not in keys]
    return insert_text(table), f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sets)}"


def insert_text(table: Table) -> str:
    """What stands before the values of whole rows."""
    return f"INSERT INTO {table.name} ({', '.join(column.name for column in table.columns)})"
