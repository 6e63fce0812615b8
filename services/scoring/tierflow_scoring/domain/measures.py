"""Turns features into a scheme's measure. Whole numbers throughout; every measure grows with assets."""

from itertools import pairwise

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.features import Features
from tierflow_scoring.domain.policy import Measure, Part, Scheme


def measure_of(scheme: Scheme, days: Ints, features: Features, money_from: Ints) -> Ints:
    """The measure [T, N] by the version in force on each day; zero before a customer's first money."""
    result = np.zeros(features.aum_end_of_day.shape, np.int64)
    versions = ints([scheme.index_on(day) for day in days.tolist()])
    for index in np.unique(versions).tolist():
        on = np.flatnonzero(versions == index)
        part = slice(int(on[0]), int(on[-1]) + 1)
        result[part] = _measure(scheme.versions[index].measure, features, part)
    result[days[:, None] < money_from] = 0
    return result


def _measure(measure: Measure, features: Features, days: slice) -> Ints:
    if measure.feature is not None:
        value: Ints = getattr(features, measure.feature)[days]
        return value
    total = sum(part.weight_percent * points(part, getattr(features, part.feature)[days]) for part in measure.parts)
    result = ints(total) // 100
    if measure.gate is not None:
        result[getattr(features, measure.gate.feature)[days] < measure.gate.at_least] = 0
    return result


def points(part: Part, values: Ints) -> Ints:
    """A part's points for each value: flat before the first and behind the last corner of its line."""
    result = np.full(values.shape, part.line[0][1], np.int64)
    for (left, low), (right, high) in pairwise(part.line):
        inside = np.minimum(np.maximum(values - left, 0), right - left)
        result += inside * (high - low) // (right - left)
    return result


def points_of(part: Part, value: int) -> int:
    """The same for one value: stating a reason must not cost an array."""
    result = part.line[0][1]
    for (left, low), (right, high) in pairwise(part.line):
        result += min(max(value - left, 0), right - left) * (high - low) // (right - left)
    return result


def contributions(measure: Measure, features: dict[str, int]) -> dict[str, int]:
    """What each part gives to the measure of one customer, in points (parts are rounded down one by one)."""
    return {part.name: points_of(part, features[part.feature]) * part.weight_percent // 100 for part in measure.parts}
