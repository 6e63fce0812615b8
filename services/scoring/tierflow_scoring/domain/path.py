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
    standing = unpack(packed)
    if standing is None:
        return None
    measure, features = int(path.measure[t, n]), folded.features.at(t, n)
    version = path.scheme.versions[standing.version]
    return Segment(
        scheme=path.scheme,
        valid_from=int(folded.days[t]),
        packed=packed,
        standing=standing,
        tier_since=int(path.tier_since[t, n]),
        measure=measure,
        features=features,
        reasons=reasons_for(version, standing, measure, features, currency),
    )


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
