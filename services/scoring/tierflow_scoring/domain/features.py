"""Features of customers at the end of each day, from a block of flows and what was carried into it.

Windows always count 30, 90 or 365 days: days before the relationship count as zero, so that an average grows when any
balance in its window grows (a shorter divisor for new customers would let an early small balance lower the average).
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Bools, Ints
from tierflow_scoring.domain.block import Block
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.domain.flows import Flow
from tierflow_scoring.domain.tariffs import SPREAD_DIVISOR, Tariffs


class Level(IntEnum):
    """What is carried from day to day, one number per customer."""

    DEPOSIT = 0
    LOAN = 1
    HOLDING = 2
    PRODUCTS = 3
    VERIFIED = 4
    AUM_30_AGO = 5
    AUM_90_AGO = 6
    AUM_365_AGO = 7
    DEPOSIT_365_AGO = 8
    LOAN_365_AGO = 9
    SUM_30 = 10
    SUM_90 = 11
    SUM_365 = 12
    REVENUE = 13
    COST = 14
    OWN = 15
    SPEND = 16
    INFLOW = 17
    LAST_OWN = 18


LEVELS: Final = len(Level)
LONG_AGO: Final = 100_000  # recency in days of a customer who never made a transaction


@dataclass(frozen=True, slots=True)
class Features:
    """End-of-day features [T, N]; money in minor units of the base currency, windows in days."""

    aum_end_of_day: Ints
    aum_average_30d: Ints
    aum_average_90d: Ints
    aum_average_365d: Ints
    revenue_365d: Ints
    cost_365d: Ints
    profit_365d: Ints
    frequency_365d: Ints
    monetary_365d: Ints
    inflow_365d: Ints
    recency_days: Ints
    products_held: Ints
    tenure_days: Ints

    def at(self, t: int, n: int) -> dict[str, int]:
        """The features of one customer on one day, by name."""
        return {name: int(getattr(self, name)[t, n]) for name in FEATURE_NAMES}


FEATURE_NAMES: Final = tuple(field.name for field in fields(Features))
MONEY_FEATURES: Final = frozenset(
    {"aum_end_of_day", "aum_average_30d", "aum_average_90d", "aum_average_365d"}
    | {"revenue_365d", "cost_365d", "profit_365d", "monetary_365d", "inflow_365d"}
)


def new_levels(customers: int) -> Ints:
    """Levels [LEVELS, N] before the first day."""
    levels = np.zeros((LEVELS, customers), np.int64)
    levels[Level.LAST_OWN] = NEVER
    return levels


def fold_levels(block: Block, carried: Ints, tariffs: Tariffs) -> Ints:
    """Levels [LEVELS, T, N] at the end of each day of the block, starting from `carried` [LEVELS, N]."""
    flows, ago = block.flows, block.lag_365
    levels = np.empty((LEVELS, *flows.shape[1:]), np.int64)

    def keep(level: Level, change: Ints) -> Ints:
        """Running sum of a change that is [T, N], from where the level stood."""
        row: Ints = levels[level]
        np.cumsum(change, axis=0, out=row)
        row += carried[level]
        return row

    deposit = keep(Level.DEPOSIT, flows[Flow.DEPOSIT])
    loan = keep(Level.LOAN, flows[Flow.LOAN])
    aum = deposit + keep(Level.HOLDING, flows[Flow.HOLDING])
    keep(Level.PRODUCTS, flows[Flow.PRODUCTS])
    keep(Level.VERIFIED, flows[Flow.VERIFIED])
    keep(Level.SUM_30, aum - keep(Level.AUM_30_AGO, block.lag_30))
    keep(Level.SUM_90, aum - keep(Level.AUM_90_AGO, block.lag_90))
    keep(Level.SUM_365, aum - keep(Level.AUM_365_AGO, ago[Flow.DEPOSIT] + ago[Flow.HOLDING]))
    earned = _spread(deposit, loan, block.days, tariffs) + flows[Flow.FEES]
    deposit_ago = keep(Level.DEPOSIT_365_AGO, ago[Flow.DEPOSIT])
    loan_ago = keep(Level.LOAN_365_AGO, ago[Flow.LOAN])
    earned -= _spread(deposit_ago, loan_ago, block.days - 365, tariffs) + ago[Flow.FEES]
    keep(Level.REVENUE, earned)
    keep(Level.COST, flows[Flow.COST] - ago[Flow.COST])
    keep(Level.OWN, flows[Flow.OWN] - ago[Flow.OWN])
    keep(Level.SPEND, flows[Flow.SPEND] - ago[Flow.SPEND])
    keep(Level.INFLOW, flows[Flow.INFLOW] - ago[Flow.INFLOW])
    levels[Level.LAST_OWN] = latest(flows[Flow.OWN] > 0, block.days, carried[Level.LAST_OWN])
    return levels


def latest(happened: Bools, days: Ints, carried: Ints) -> Ints:
    """The last day [T, N] up to each day on which something happened, `carried` [N] before the first one."""
    seen = np.where(happened, days[:, None], NEVER)
    np.maximum(seen[0], carried, out=seen[0])
    return np.maximum.accumulate(seen, axis=0, out=seen)


def _spread(deposit: Ints, loan: Ints, days: Ints, tariffs: Tariffs) -> Ints:
    """What one day's balances [T, N] earn: whole minor units; an overdraft earns nothing."""
    on_deposits = np.maximum(deposit, 0) * tariffs.deposit_spread_bp(days)[:, None] // SPREAD_DIVISOR
    on_loans = np.maximum(-loan, 0) * tariffs.loan_spread_bp(days)[:, None] // SPREAD_DIVISOR
    return on_deposits + on_loans


def features_of(block: Block, levels: Ints) -> Features:
    """Features at the end of each day from the levels of that day."""
    days = block.days[:, None]
    aum = levels[Level.DEPOSIT] + levels[Level.HOLDING]
    return Features(
        aum_end_of_day=aum,
        aum_average_30d=levels[Level.SUM_30] // 30,
        aum_average_90d=levels[Level.SUM_90] // 90,
        aum_average_365d=levels[Level.SUM_365] // 365,
        revenue_365d=levels[Level.REVENUE],
        cost_365d=levels[Level.COST],
        profit_365d=levels[Level.REVENUE] - levels[Level.COST],
        frequency_365d=levels[Level.OWN],
        monetary_365d=levels[Level.SPEND],
        inflow_365d=levels[Level.INFLOW],
        recency_days=np.minimum(days - levels[Level.LAST_OWN], LONG_AGO),
        products_held=levels[Level.PRODUCTS],
        tenure_days=np.maximum(days - block.span.start, 0),
    )
