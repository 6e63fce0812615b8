"""The rule that judges memory: noise and cycles are not growth, and growth is found under both."""

import numpy as np
import pytest
from bench.soak.trend import fit

SECONDS = np.arange(0.0, 1_350.0, 1.0)


def saw(period_s: float, height: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A cache that fills and is emptied."""
    return SECONDS % period_s / period_s * height


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_a_cache_that_fills_and_empties_are_flat(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.5, len(SECONDS))
    assert fit(SECONDS, 230 + noise + saw(60, 12)).flat


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_under_the_same_noise_is_found(seed: int) -> None:
    """The control: 20 MiB in 22 minutes."""
    noise = np.random.default_rng(seed).normal(0, 0.5, len(SECONDS))
    trend = fit(SECONDS, 230 + noise + saw(60, 12) + SECONDS / 1_350 * 20)
    assert not trend.flat
    assert trend.slope == pytest.approx(20 / 1_350 * 3_600, abs=trend.error)


def test_growth_below_two_percent_is_no_matter_however_certain() -> None:
    trend = fit(SECONDS, 230 + SECONDS / 1_350 * 3)
    assert not trend.within_noise
    assert trend.flat
    assert trend.growth_share == pytest.approx(3 / 231.5, rel=0.01)


def test_shrinking_is_flat() -> None:
    assert fit(SECONDS, 230 - SECONDS / 100).flat


def test_a_series_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        fit([0.0, 1.0, 100.0], [1.0, 1.0, 1.0])


def test_a_series_that_never_moves_is_flat_and_has_no_error() -> None:
    """The line is then exact; JSON has no word for what the fit calls its error."""
    trend = fit(SECONDS, [209.5] * len(SECONDS))
    assert (trend.slope, trend.error, trend.flat) == (0.0, 0.0, True)
