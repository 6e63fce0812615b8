"""Many rows in one statement: the driver gives up the interpreter once a statement, not once a row."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

from sqlalchemy import Connection

ROWS_PER_STATEMENT: Final = 250


def write_rows(connection: Connection, head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Runs `head VALUES (…), (…) … tail` for all rows. `head` is `INSERT INTO name (columns)`.

    With `ON CONFLICT DO UPDATE` no two rows of one call may have the same key (PostgreSQL refuses that).
    """
    if not rows:
        return
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    whole = len(rows) - len(rows) % ROWS_PER_STATEMENT
    many = _text(head, tail, mark, len(rows[0]), ROWS_PER_STATEMENT)
    for first in range(0, whole, ROWS_PER_STATEMENT):
        connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[first : first + ROWS_PER_STATEMENT])))
    if whole < len(rows):
        connection.exec_driver_sql(_text(head, tail, mark, len(rows[0]), 1), list(rows[whole:]))


@lru_cache(maxsize=256)
def _text(head: str, tail: str, mark: str, width: int, rows: int) -> str:
    one = f"({', '.join([mark] * width)})"
    return f"{head} VALUES {', '.join([one] * rows)} {tail}"
