"""Many rows in one statement: the driver gives up the interpreter once a statement, not once a row."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

COPY_FROM_ROWS: Final = 24
"""On PostgreSQL, so many rows are worth the three round trips of a COPY."""
BulkColumn = NDArray[np.int64] | NDArray[np.bool_] | Sequence[str] | Sequence[bytes]
_PORTIONS: Final = (250, 50, 10, 1)


def write_rows(connection: Connection, head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Runs `head VALUES (…), (…) … tail` for all rows, in their order. `head` is `INSERT INTO name (columns)`.

    With `ON CONFLICT DO UPDATE` no two rows of one call may have the same key (PostgreSQL refuses that). PostgreSQL
    takes larger calls by COPY. Concurrent transactions that may meet in a key sort their rows by it.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) >= COPY_FROM_ROWS:
        from tierflow_shared.store.copying import copy_rows

        copy_rows(connection, head, tail, rows)
        return
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    first = 0
    for portion in _PORTIONS:
        text = _text(head, tail, mark, len(rows[0]), portion)
        while len(rows) - first >= portion:
            values = tuple(chain.from_iterable(rows[first : first + portion]))
            connection.exec_driver_sql(text, values)
            first += portion


def write_columns(connection: Connection, head: str, tail: str, columns: Sequence[BulkColumn]) -> None:
    """As `write_rows`, from columns of one length without nulls: numbers as arrays, text and bytes as sequences."""
    if connection.dialect.name == "postgresql" and len(columns[0]) >= COPY_FROM_ROWS:
        from tierflow_shared.store.copying import copy_columns

        copy_columns(connection, head, tail, columns)
        return
    plain = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns]
    write_rows(connection, head, tail, list(zip(*plain, strict=True)))


@lru_cache(maxsize=256)
def _text(head: str, tail: str, mark: str, width: int, rows: int) -> str:
    one = f"({', '.join([mark] * width)})"
    return f"{head} VALUES {', '.join([one] * rows)} {tail}"
