"""What moved in the last 90 days, kept in memory: two of three windows then close without reading anything."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tierflow_scoring.domain.arrays import Ints

KEPT_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class MoneyRows:
    """Changes of assets on a day: of the customers at `slots` [R] by `changes` [R]."""

    slots: npt.NDArray[np.int32]
    changes: Ints

    @staticmethod
    def of(column: Ints) -> "MoneyRows":
        """From a column [N] of changes, most of them zero."""
        slots = np.flatnonzero(column)
        return MoneyRows(slots.astype(np.int32), column[slots])

    def column(self, size: int) -> Ints:
        """As a column [1, N]."""
        result = np.zeros((1, size), np.int64)
        result[0, self.slots] = self.changes
        return result


class RecentMoney:
    """The latest closed days, at most `limit` rows (12 bytes each) together; a day that is not here must be read."""

    def __init__(self, limit: int) -> None:
        self._limit, self._rows = limit, 0
        self._days: dict[int, MoneyRows] = {}

    def keep(self, day: int, rows: MoneyRows) -> None:
        """Takes in a day that was closed just now, and lets the one go that no window needs any more."""
        self.forget(day - KEPT_DAYS)
        if self._rows + len(rows.slots) <= self._limit:
            self._days[day] = rows
            self._rows += len(rows.slots)

    def forget(self, day: int) -> None:
        """The day changed, or is too old."""
        rows = self._days.pop(day, None)
        if rows is not None:
            self._rows -= len(rows.slots)

    def clear(self) -> None:
        """All days may have changed."""
        self._days, self._rows = {}, 0

    def on(self, day: int) -> MoneyRows | None:
        """The day's changes, or None if they must be read."""
        return self._days.get(day)
