"""What a day came to for those who have something to write or to hear: columns, kept until it is their turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tierflow_scoring.domain.arrays import Bools, Ints
from tierflow_scoring.domain.features import FEATURE_NAMES
from tierflow_scoring.domain.fold import Folded
from tierflow_scoring.domain.path import Segment, segment_of
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.domain.standing import WITHOUT_VERSION


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scheme on one day, for R customers.

    slots, standing (packed), tier_since, measure, told [R]: `told` is what others knew before (packed, 0 for nothing);
    changed, differs [R]: the standing is a change point; it is not what others were told; features [FEATURES, R].
    """

    day: int
    index: int
    scheme: Scheme
    slots: Ints
    standing: Ints
    tier_since: Ints
    measure: Ints
    told: Ints
    changed: Bools
    differs: Bools
    features: Ints


@dataclass(frozen=True, slots=True)
class Decided:
    """One customer's part of an outcome."""

    slot: int
    index: int
    segment: Segment
    changed: bool
    told: int | None  # what others knew before; None if they know it already


def outcomes(folded: Folded, t: int, slots: Ints, published: Sequence[Ints]) -> list[Outcome]:
    """Day `t` of a block whose columns are the customers at `slots`, without those for whom nothing is new.

    `published` [N], one for each scheme, is what others know; it is brought up to date: what is decided will be told.
    """
    return [one for index in range(len(folded.paths)) if (one := _outcome(folded, t, index, slots, published[index]))]


def _outcome(folded: Folded, t: int, index: int, slots: Ints, published: Ints) -> Outcome | None:
    path = folded.paths[index]
    standing = path.standing[t]
    told = published[slots]
    differs = (standing & WITHOUT_VERSION) != told
    rows = np.flatnonzero((differs | path.changed[t]) & (standing != 0))
    if not len(rows):
        return None
    outcome = Outcome(
        day=int(folded.days[t]),
        index=index,
        scheme=path.scheme,
        slots=slots[rows],
        standing=standing[rows],
        tier_since=path.tier_since[t, rows],
        measure=path.measure[t, rows],
        told=told[rows],
        changed=path.changed[t, rows],
        differs=differs[rows],
        features=np.stack([getattr(folded.features, name)[t, rows] for name in FEATURE_NAMES]),
    )
    published[outcome.slots] = outcome.standing & WITHOUT_VERSION
    return outcome


def decided(outcome: Outcome, slots: Ints, currency: str) -> Iterator[Decided]:
    """The rows of some customers."""
    for row in np.flatnonzero(np.isin(outcome.slots, slots)).tolist():
        numbers = (int(outcome.standing[row]), int(outcome.tier_since[row]), int(outcome.measure[row]))
        features = dict(zip(FEATURE_NAMES, outcome.features[:, row].tolist(), strict=True))
        segment = segment_of(outcome.scheme, outcome.day, numbers, features, currency)
        told = int(outcome.told[row]) if outcome.differs[row] else None
        yield Decided(int(outcome.slots[row]), outcome.index, segment, bool(outcome.changed[row]), told)
