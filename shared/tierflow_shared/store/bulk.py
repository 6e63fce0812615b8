"""Many rows in one statement: the driver gives up the interpreter once a statement, not once a row."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

from sqlalchemy import Connection

# Both databases take 32,767 parameters in one statement; more rows than this in one are not faster.
ROWS_PER_STATEMENT: Final = 250
_MAX_PARAMETERS: Final = 32_000


def write_rows(connection: Connection, head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Runs `head VALUES (…), (…) … tail` for all rows. `head` is `INSERT INTO name (columns)`.

    With `ON CONFLICT DO UPDATE` no two rows of one call may have the same key (PostgreSQL refuses that).
    """
    if not rows:
        return
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    width = len(rows[0])
    size = max(1, min(ROWS_PER_STATEMENT, _MAX_PARAMETERS // width))
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        text = f"{head} VALUES {values_text(mark, width, len(some))} {tail}"
        connection.exec_driver_sql(text, tuple(chain.from_iterable(some)))


@lru_cache(maxsize=512)
def values_text(mark: str, width: int, rows: int) -> str:
    """`(?, ?), (?, ?)` for so many rows of so many columns."""
    one = f"({', '.join([mark] * width)})"
    return ", ".join([one] * rows)
