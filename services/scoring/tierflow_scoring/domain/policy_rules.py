"""What a policy must keep so that paths stay monotone and decidable. Checked when a policy set is loaded."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from tierflow_scoring.domain.features import FEATURE_NAMES
from tierflow_scoring.domain.policy import FULL_POINTS, Measure, Part, PolicySet, PolicyVersion, Scheme
from tierflow_scoring.domain.scores import STANDING_ORDERS, Dimension
from tierflow_scoring.domain.standing import MAX_TIERS, MAX_VERSIONS

MAX_DAYS: Final = 3_660
# Features that never fall when a customer's balances rise or when nothing but the balances differs.
RISING_FEATURES: Final = frozenset(FEATURE_NAMES) - {"recency_days"}


class PolicyError(ValueError):
    """A policy breaks a rule; the text names the policy and the rule."""


def check(policies: PolicySet) -> PolicySet:
    """Returns the set if it keeps all rules.

    Raises:
        PolicyError: naming scheme, version and rule.
    """
    _require(bool(policies.schemes), policies.name, "a policy set has at least one scheme")
    _require(bool(policies.tariffs.rows), policies.name, "a policy set has at least one tariff")
    _require(0 <= policies.provisional_months <= 120, policies.name, "provisional_months is 0 to 120")
    for scheme in policies.schemes:
        _check_scheme(scheme)
    for dimension in policies.dimensions:
        _check_dimension(dimension, f"{policies.name} {dimension.name}")
    return policies


def _require(holds: bool, where: str, rule: str) -> None:
    if not holds:
        raise PolicyError(f"{where}: {rule}")


def _check_dimension(dimension: Dimension, where: str) -> None:
    known = {*FEATURE_NAMES, STANDING_ORDERS}
    total = sum(part.weight_percent for part in dimension.parts)
    _require(total == 100, where, f"the weights sum to 100, not {total}")
    for part in dimension.parts:
        _require(part.feature in known, where, f"unknown feature {part.feature}")
        _require((part.by == "full") == (part.full > 0), where, f"{part.feature}: `full` goes with by = full")
        _require(part.by == "full" or part.feature in FEATURE_NAMES, where, f"{part.feature} has no rank in the book")


def _check_scheme(scheme: Scheme) -> None:
    _require(0 < len(scheme.versions) <= MAX_VERSIONS, scheme.name, f"1 to {MAX_VERSIONS} versions")
    starts = [version.effective_from for version in scheme.versions]
    _require(starts == sorted(set(starts)), scheme.name, "each version has its own effective_from")
    names = {version.version for version in scheme.versions}
    _require(len(names) == len(scheme.versions), scheme.name, "version names differ")
    for version in scheme.versions:
        where = f"{scheme.name} {version.version}"
        tiers = tuple(tier.name for tier in version.tiers)
        _require(tiers == scheme.tier_names, where, "all versions have the same tiers in the same order")
        _check_version(version, where)


def _check_version(version: PolicyVersion, where: str) -> None:
    tiers = version.tiers
    _require(2 <= len(tiers) <= MAX_TIERS, where, f"2 to {MAX_TIERS} tiers")
    _require(len({tier.name for tier in tiers}) == len(tiers), where, "tier names differ")
    _require(0 <= version.grace_days <= MAX_DAYS, where, f"grace_days is 0 to {MAX_DAYS}")
    _require(0 <= version.minimum_stay_days <= MAX_DAYS, where, f"minimum_stay_days is 0 to {MAX_DAYS}")
    _require(tiers[0].enter == 0 == tiers[0].exit, where, "the lowest tier is for everybody: no thresholds")
    for lower, tier in pairwise(tiers):
        _require(0 < tier.exit <= tier.enter, where, f"{tier.name}: 0 < exit <= enter")
        _require(lower.enter < tier.enter, where, f"{tier.name}: enter lies above the tier below")
        _require(lower.exit <= tier.exit, where, f"{tier.name}: exit is not below that of the tier below")
    _check_measure(version.measure, where)


def _check_measure(measure: Measure, where: str) -> None:
    _require((measure.feature is None) != (not measure.parts), where, "a measure is one feature or parts")
    if measure.feature is not None:
        _require(measure.feature in RISING_FEATURES, where, f"unknown feature {measure.feature}")
        return
    _require(measure.unit == "points", where, "a measure of parts counts in points")
    total = sum(part.weight_percent for part in measure.parts)
    _require(total == 100, where, f"the weights sum to 100, not {total}")
    _require(measure.gate is None or measure.gate.feature in RISING_FEATURES, where, "unknown feature in requires")
    for part in measure.parts:
        _check_part(part, f"{where} {part.name}")


def _check_part(part: Part, where: str) -> None:
    _require(part.feature in RISING_FEATURES, where, f"unknown feature {part.feature}")
    _require(0 < part.weight_percent <= 100, where, "weight_percent is 1 to 100")
    _require(len(part.line) >= 2, where, "a line has at least two corners")
    _require(_rises([value for value, _ in part.line]), where, "the values of a line rise")
    points = [score for _, score in part.line]
    _require(points == sorted(points), where, "the points of a line never fall")
    _require(points[0] >= 0 and points[-1] <= FULL_POINTS, where, f"points are 0 to {FULL_POINTS}")


def _rises(values: Sequence[int]) -> bool:
    return all(left < right for left, right in pairwise(values))
