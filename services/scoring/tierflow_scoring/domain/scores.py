"""Scores of a customer from 0 to 100 per dimension, each with its reasons. They inform; tiers come from policies alone.

How a feature becomes a part of a score is written in the policy set: by its rank in the book, by its quintile (RFM), or
as a share of a full value. The book's percentiles are recomputed at the end of each month.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tierflow_scoring.domain.arrays import Bools
from tierflow_scoring.domain.days import date_of
from tierflow_scoring.domain.features import FEATURE_NAMES, Features

AUTHORISED_ACCOUNTS: Final = "authorised_accounts"  # said, never scored: the money counts for the owner alone
STANDING_ORDERS: Final = "standing_orders"  # known now, without a history: it counts in scores alone
POINTS: Final = 100  # percentiles kept per feature
Ranking = Literal["rank", "rank-low", "quintile", "quintile-low", "full"]


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A feature's part in a dimension; `full` is the value that gives all points where `by` is "full"."""

    feature: str
    by: Ranking
    weight_percent: int
    full: int = 0


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of customer value."""

    name: str
    en: str
    zh: str
    parts: Sequence[ScorePart]


@dataclass(frozen=True, slots=True)
class Score:
    """A dimension's score, and what each part gave to it, both 0 to 100."""

    dimension: Dimension
    points: int
    parts: Sequence[tuple[ScorePart, int]]


@dataclass(frozen=True, slots=True)
class BookStatistics:
    """A partition's percentiles at the end of a day: per feature `POINTS` values that rise."""

    day: int
    customers: int
    percentiles: Mapping[str, Sequence[int]]


def is_due(day: int, last: int | None) -> bool:
    """Statistics are made at the first close and at the end of each month."""
    return last is None or date_of(day + 1).day == 1


def statistics_of(features: Features, active: Bools, day: int) -> BookStatistics:
    """Percentiles of a closed day (features [1, N], active [N])."""
    count = int(active.sum())
    places = np.arange(POINTS) * max(count - 1, 0) // (POINTS - 1)
    return BookStatistics(
        day,
        count,
        {name: np.sort(getattr(features, name)[0][active])[places].tolist() if count else [] for name in FEATURE_NAMES},
    )


def rank(book: Sequence[BookStatistics], feature: str, value: int) -> int:
    """The share of the book below a value, in percent: of all partitions together, exact to one percent of each."""
    total = sum(part.customers for part in book)
    below = sum(part.customers * bisect_left(part.percentiles.get(feature, ()), value) for part in book)
    return below * 100 // (total * POINTS) if total else 0


def score(dimension: Dimension, features: Mapping[str, int], book: Sequence[BookStatistics]) -> Score:
    """The weighted sum of the parts, rounded down."""
    parts = [(part, _points(part, features[part.feature], book)) for part in dimension.parts]
    total = sum(part.weight_percent * points for part, points in parts) // 100
    return Score(dimension, total, parts)


def _points(part: ScorePart, value: int, book: Sequence[BookStatistics]) -> int:
    if part.by == "full":
        return min(max(value, 0), part.full) * 100 // part.full
    place = rank(book, part.feature, value)
    if part.by.endswith("-low"):
        place = 99 - min(place, 99)
    return place if part.by.startswith("rank") else 20 * (min(place, 99) // 20 + 1)
