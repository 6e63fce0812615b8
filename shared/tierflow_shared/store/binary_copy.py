"""Columns as PostgreSQL's binary COPY format, made by array operations instead of a call for each row.

Source: PostgreSQL documentation, "COPY", section "Binary Format": a header; for each row the number of fields and each
field as its length and its bytes, big-endian; a trailer.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tierflow_shared.store.bulk import BulkColumn

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_WIDTHS: Final = {16: 1, 20: 8, 21: 2, 23: 4}  # bytes of boolean and the integer types, by their object id


def binary_rows(types: Sequence[int], columns: Sequence[BulkColumn]) -> bytes:
    """Rows of columns of one length, without nulls: numbers as arrays, text (sent as UTF-8) and bytes as sequences.

    `types` are the object ids of the columns' types in the database.

    Raises:
        OverflowError: an integer does not fit its type.
    """
    size = len(columns[0])
    pieces: list[Sequence[bytes]] = []
    fixed = _Fixed(size)
    fixed.add(np.full(size, len(columns), np.int64), 2)
    for oid, column in zip(types, columns, strict=True):
        if isinstance(column, np.ndarray):
            fixed.add(np.full(size, _WIDTHS[oid], np.int64), 4)
            fixed.add(column, _WIDTHS[oid])
            continue
        data = [one.encode() if isinstance(one, str) else one for one in column]
        fixed.add(np.fromiter(map(len, data), np.int64, size), 4)
        pieces += [fixed.rows(), data]
        fixed = _Fixed(size)
    if fixed.columns:
        pieces.append(fixed.rows())
    return b"".join((_HEADER, *chain.from_iterable(zip(*pieces, strict=True)), _TRAILER))


class _Fixed:
    """Numbers that lie together in each row."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.columns: list[tuple[NDArray[np.int64] | NDArray[np.bool_], int]] = []

    def add(self, column: NDArray[np.int64] | NDArray[np.bool_], width: int) -> None:
        """One more number of so many bytes."""
        limit = 1 << (8 * width - 1)
        if self._size and not (-limit <= int(column.min()) and int(column.max()) < limit):
            raise OverflowError(f"a number does not fit {width} bytes")
        self.columns.append((column, width))

    def rows(self) -> list[bytes]:
        """The bytes of each row."""
        kind = np.dtype([(f"f{n}", f">i{width}") for n, (_, width) in enumerate(self.columns)])
        table = np.empty(self._size, kind)
        for n, (column, _) in enumerate(self.columns):
            table[f"f{n}"] = column
        step, data = kind.itemsize, table.tobytes()
        return [data[at : at + step] for at in range(0, step * self._size, step)]
