"""A block: the flows of N customers over T days, laid out so that one pass of array operations folds them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.days import FAR
from tierflow_scoring.domain.flows import FLOWS, WINDOWED, Flow
from tierflow_scoring.domain.recent_money import MoneyRows

AUM_FLOWS: Final = (Flow.DEPOSIT, Flow.HOLDING)


@dataclass(frozen=True, slots=True)
class Span:
    """Where customers stand in time, one number each [N] (`FAR` where it is not known to begin).

    start: first day of the relationship; settled_on: the day its tier stops being provisional;
    money_from: the day of the first booking or holding (before it every measure is zero).
    """

    start: Ints
    settled_on: Ints
    money_from: Ints


@dataclass(frozen=True, slots=True)
class Block:
    """T days by N customers.

    days [T] rises; it is gapless from the first `money_from` on, because windows count days. Before that day only the
    days on which something changes are needed.
    flows [FLOWS, T, N]; lag_30 and lag_90 [T, N]: the AUM flows of 30 and 90 days before; lag_365 [WINDOWED, T, N].
    """

    days: Ints
    flows: Ints
    lag_30: Ints
    lag_90: Ints
    lag_365: Ints
    span: Span


@dataclass(frozen=True, slots=True)
class FlowRows:
    """Sparse flows: `values` [R, FLOWS] of the customers at `slots` [R] on `days` [R]; `booked` [R] marks money."""

    slots: Ints
    days: Ints
    values: Ints
    booked: Ints

    @staticmethod
    def of(rows: Sequence[tuple[int, int, tuple[int, ...], bool]]) -> "FlowRows":
        """From (slot, day, flows, is money) tuples."""
        if not rows:
            return FlowRows(ints([]), ints([]), np.zeros((0, FLOWS), np.int64), ints([]))
        slots, days, values, booked = zip(*rows, strict=True)
        return FlowRows(ints(slots), ints(days), ints(values), ints(booked))

    def through(self, end: int) -> "FlowRows":
        """Those up to and including a day: what is later is not known to the fold, not even as a first day."""
        kept = self.days <= end
        return FlowRows(self.slots[kept], self.days[kept], self.values[kept], self.booked[kept])


def block_of(rows: FlowRows, span: Span, end: int, extra_days: Sequence[int]) -> Block:
    """All days that matter of N customers, from the first one up to and including `end`.

    `extra_days` are the days on which something without flows changes (a new policy version).
    """
    days = _axis(rows, span, end, extra_days)
    flows = np.zeros((FLOWS, len(days), len(span.start)), np.int64)
    at_day = np.searchsorted(days, rows.days)
    for flow in range(FLOWS):
        np.add.at(flows[flow], (at_day, rows.slots), rows.values[:, flow])
    money = flows[Flow.DEPOSIT] + flows[Flow.HOLDING]
    gapless = int(np.searchsorted(days, span.money_from.min(initial=FAR)))
    return Block(
        days,
        flows,
        _lagged(money[None], gapless, 30)[0],
        _lagged(money[None], gapless, 90)[0],
        _lagged(flows[:WINDOWED], gapless, 365),
        span,
    )


def _axis(rows: FlowRows, span: Span, end: int, extra_days: Sequence[int]) -> Ints:
    first_money = int(span.money_from.min(initial=FAR))
    single = np.concatenate([rows.days, span.start, span.settled_on, ints(extra_days), ints([end])])
    earlier = single[(single < first_money) & (single <= end)]
    gapless = np.arange(first_money, end + 1, dtype=np.int64) if first_money <= end else ints([])
    return np.concatenate([np.unique(earlier), gapless])


def _lagged(flows: Ints, gapless: int, lag: int) -> Ints:
    """The same flows `lag` days later [K, T, N]. They are money flows, so all lie in the gapless part."""
    shifted = np.zeros_like(flows)
    if gapless + lag < flows.shape[1]:
        shifted[:, gapless + lag :] = flows[:, gapless : flows.shape[1] - lag]
    return shifted


def one_day(day: int, now: FlowRows, ago_30: MoneyRows, ago_90: MoneyRows, ago_365: FlowRows, span: Span) -> Block:
    """The block of a single day from the sparse flows of that day and of the days that leave its windows."""
    size = len(span.start)
    flows = np.zeros((FLOWS, 1, size), np.int64)
    lag_365 = np.zeros((WINDOWED, 1, size), np.int64)
    for flow in range(FLOWS):
        np.add.at(flows[flow, 0], now.slots, now.values[:, flow])
    for flow in range(WINDOWED):
        np.add.at(lag_365[flow, 0], ago_365.slots, ago_365.values[:, flow])
    return Block(ints([day]), flows, ago_30.column(size), ago_90.column(size), lag_365, span)


def money_of(rows: FlowRows, size: int) -> MoneyRows:
    """The changes of assets in some rows, by customer."""
    column = np.zeros(size, np.int64)
    for flow in AUM_FLOWS:
        np.add.at(column, rows.slots, rows.values[:, flow])
    return MoneyRows.of(column)
