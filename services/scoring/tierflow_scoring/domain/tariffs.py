"""Dated prices of the book: what money earns for the bank and what serving a customer costs."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tierflow_scoring.domain.arrays import Ints, ints

# A spread of one basis point on one unit over one day is 1 / (10,000 * 365).
SPREAD_DIVISOR: Final = 3_650_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices from a day on. Spreads in basis points a year; cost per transaction in minor units by channel."""

    effective_from: int
    deposit_spread_bp: int
    loan_spread_bp: int
    cost_by_channel: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Tariffs in order of their first day; the first one also holds for all days before it."""

    rows: Sequence[Tariff]

    def on(self, day: int) -> Tariff:
        """The tariff in force on a day."""
        return self.rows[max(0, bisect_right(self.rows, day, key=lambda row: row.effective_from) - 1)]

    def deposit_spread_bp(self, days: Ints) -> Ints:
        """The spread on deposits for each of `days` [T]."""
        return ints([self.on(day).deposit_spread_bp for day in days.tolist()])

    def loan_spread_bp(self, days: Ints) -> Ints:
        """The spread on loans for each of `days` [T]."""
        return ints([self.on(day).loan_spread_bp for day in days.tolist()])
