"""Does memory grow? A line through a series, with its standard error, and the rule that judges it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

BLOCKS: Final = 12
GROWTH_LIMIT: Final = 0.02
_CERTAINTY: Final = 0.95


@dataclass(frozen=True, slots=True)
class Trend:
    """A line through a series of MiB over the time it was measured (`seconds`).

    `slope` and `error` (half of the 95 % interval) are MiB an hour, `mean` is MiB.
    """

    slope: float
    error: float
    mean: float
    seconds: float

    @property
    def growth_share(self) -> float:
        """What the line gains over the measured time, as a part of the mean."""
        return self.slope * self.seconds / 3600 / self.mean

    @property
    def within_noise(self) -> bool:
        """True when the interval holds 0, or lies below it."""
        return self.slope - self.error <= 0

    @property
    def flat(self) -> bool:
        """The rule: the slope is within noise, or the line gains less than two percent over the measured time."""
        return self.within_noise or self.growth_share <= GROWTH_LIMIT


def fit(times_s: Sequence[float], mib: Sequence[float]) -> Trend:
    """The least-squares line through the means of twelve equal parts of the time.

    Neighbouring samples of a process' memory hang together (a cache fills and is emptied), so a fit through the samples
    would claim far too small an error. Means over parts that are longer than such a cycle are nearly independent.

    Raises:
        ValueError: a part has no sample.
    """
    times, values = np.array(times_s, float), np.array(mib, float)
    edges = np.linspace(times[0], times[-1], BLOCKS + 1)
    part = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, BLOCKS - 1)
    counts = np.bincount(part, minlength=BLOCKS)
    if not counts.all():
        raise ValueError(f"{len(times)} samples do not fill {BLOCKS} parts of the time")
    at = np.bincount(part, times, BLOCKS) / counts
    means = np.bincount(part, values, BLOCKS) / counts
    line = stats.linregress(at, means)
    error = float(np.nan_to_num(line.stderr)) * float(stats.t.ppf((1 + _CERTAINTY) / 2, BLOCKS - 2))
    return Trend(float(line.slope) * 3600, error * 3600, float(values.mean()), float(times[-1] - times[0]))
