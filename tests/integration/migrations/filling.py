"""A row in every table, whatever its columns."""

from datetime import date
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, LargeBinary, String, Text, insert, select

from tierflow_shared.store.database import Database


def _value(column: "Column[Any]") -> object:
    kind = column.type
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Integer):
        return 7
    if isinstance(kind, Date):
        return date(2026, 3, 2)
    if isinstance(kind, LargeBinary):
        return b"\x00\xff"
    assert isinstance(kind, String | Text), kind
    return "w"


def fill(database: Database) -> None:
    """Writes one row into each table."""
    with database.writing() as uow:
        for table in database.metadata.sorted_tables:
            uow.connection.execute(insert(table).values({column.name: _value(column) for column in table.columns}))


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, by table."""
    with database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in database.metadata.sorted_tables
        }
