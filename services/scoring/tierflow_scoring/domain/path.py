"""The path's change points: where a customer's standing in a scheme became another, with the numbers behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tierflow_scoring.domain.decision import reasons_for
from tierflow_scoring.domain.fold import Folded, SchemePath
from tierflow_scoring.domain.policy import PolicySet, PolicyVersion, Scheme
from tierflow_scoring.domain.standing import Standing, unpack
from tierflow_shared.contracts.outcomes import Reason


@dataclass(frozen=True, slots=True)
class Segment:
    """A standing that holds from `valid_from` until the next one, and why."""

    scheme: Scheme
    valid_from: int
    packed: int
    standing: Standing
    tier_since: int
    measure: int
    features: Mapping[str, int]
    reasons: tuple[Reason, ...]

    @property
    def version(self) -> PolicyVersion:
        """The policy version that decided."""
        return self.scheme.versions[self.standing.version]

    @property
    def tier(self) -> str:
        """The tier's name."""
        return self.version.tiers[self.standing.tier].name


def segment_at(folded: Folded, path: SchemePath, t: int, n: int, currency: str) -> Segment | None:
    """One customer's standing on one day, whether it changed then or not; None before the relationship began."""
    packed = int(path.standing[t, n])
    if not packed:
        return None
    numbers = (packed, int(path.tier_since[t, n]), int(path.measure[t, n]))
    return segment_of(path.scheme, int(folded.days[t]), numbers, folded.features.at(t, n), currency)


def segment_of(
    scheme: Scheme, day: int, numbers: tuple[int, int, int], features: dict[str, int], currency: str
) -> Segment:
    """The standing that begins on a day, from its numbers: (packed standing, first day of the tier, measure)."""
    packed, tier_since, measure = numbers
    standing = unpack(packed)
    assert standing is not None, "the relationship has begun"
    reasons = reasons_for(scheme.versions[standing.version], standing, measure, features, currency)
    return Segment(scheme, day, packed, standing, tier_since, measure, features, reasons)


def change_points(folded: Folded, currency: str) -> Iterator[tuple[int, Segment]]:
    """(slot, segment) of each change in a block: by scheme, customer, and day."""
    for path in folded.paths:
        slots, times = np.nonzero(path.changed.T)
        for slot, t in zip(slots.tolist(), times.tolist(), strict=True):
            segment = segment_at(folded, path, t, slot, currency)
            if segment is not None:
                yield slot, segment


def versions_used(policies: PolicySet) -> dict[str, dict[str, PolicyVersion]]:
    """All versions by scheme and name, for reading stored decisions."""
    return {scheme.name: {row.version: row for row in scheme.versions} for scheme in policies.schemes}
