"""Statements of the hot paths as text, so that a batch is one call of the driver."""

from functools import lru_cache

from sqlalchemy import Table


def placeholders(count: int, paramstyle: str) -> str:
    """`?, ?, ?` or `%s, %s, %s`."""
    mark = "?" if paramstyle == "qmark" else "%s"
    return ", ".join([mark] * count)


@lru_cache(maxsize=64)
def insert_text(table: Table, paramstyle: str, names: tuple[str, ...]) -> str:
    """Insert the named columns."""
    marks = placeholders(len(names), paramstyle)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
