"""What all parts of the repository share: one connection, bulk writes, and lists cut to what a statement can name."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, Table

from tierflow_scoring.adapters.statements import insert_text
from tierflow_shared.store.bulk import BulkColumn, write_columns, write_rows
from tierflow_shared.store.dialect import upsert_text

_CHUNK: Final = 500  # things named in one statement
_Item = TypeVar("_Item")


class Store:
    """A part of the repository, inside one connection's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _insert(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
        write_rows(self._connection, insert_text(table, names), "", rows)

    def _add(self, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
        """Rows of keys; those that are there already stay."""
        names = tuple(column.name for column in table.columns)
        write_rows(self._connection, insert_text(table, names), "ON CONFLICT DO NOTHING", rows)

    def _upsert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
        write_rows(self._connection, *upsert_text(table), rows)

    def _upsert_columns(self, table: Table, columns: Sequence[BulkColumn]) -> None:
        write_columns(self._connection, *upsert_text(table), columns)


def chunked(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """The items in portions that one statement can name."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
