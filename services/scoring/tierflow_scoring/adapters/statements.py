"""Statements of the hot paths as text, so that a batch is one call of the driver."""

from functools import lru_cache

from sqlalchemy import Table


@lru_cache(maxsize=64)
def upsert_text(table: Table) -> tuple[str, str]:
    """What stands before and behind the values: insert whole rows; on conflict take the new values."""
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key.columns]
    sets = [f"{name} = excluded.{name}" for name in names if name not in keys]
    return (
        f"INSERT INTO {table.name} ({', '.join(names)})",
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sets)}",
    )


@lru_cache(maxsize=64)
def insert_text(table: Table, names: tuple[str, ...]) -> str:
    """What stands before the values: insert the named columns."""
    return f"INSERT INTO {table.name} ({', '.join(names)})"
