"""Statements of the hot paths as text, so that a batch is one call of the driver."""

from functools import lru_cache

from sqlalchemy import Table


@lru_cache(maxsize=64)
def insert_text(table: Table, names: tuple[str, ...]) -> str:
    """What stands before the values: insert the named columns."""
    return f"INSERT INTO {table.name} ({', '.join(names)})"
