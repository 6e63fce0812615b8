"""Tier policies: what is measured, and the thresholds of each tier. Versions hold from a day on.

All numbers come from policy files; money is in minor units of the base currency, points in basis points (0 to 10,000).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tierflow_scoring.domain.scores import Dimension
from tierflow_scoring.domain.tariffs import Tariffs

FULL_POINTS: Final = 10_000
IMMEDIATE_FEATURE: Final = "aum_end_of_day"

Unit = Literal["money", "points"]


@dataclass(frozen=True, slots=True)
class Words:
    """What people read, in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Part:
    """One dimension of a composite: a feature turned into points by a rising broken line, and its weight."""

    name: str
    feature: str
    weight_percent: int
    line: Sequence[tuple[int, int]]  # (feature value, points), both rising


@dataclass(frozen=True, slots=True)
class Gate:
    """The composite is zero unless a feature reaches a minimum."""

    feature: str
    at_least: int


@dataclass(frozen=True, slots=True)
class Measure:
    """The one whole number that a scheme's thresholds are held against: a feature, or weighted parts in points."""

    name: str
    unit: Unit
    feature: str | None = None
    parts: Sequence[Part] = ()
    gate: Gate | None = None

    @property
    def is_immediate(self) -> bool:
        """True if the measure has a value inside the open day, so that upgrades need not wait for its end."""
        return self.feature == IMMEDIATE_FEATURE


@dataclass(frozen=True, slots=True)
class Service:
    """What a tier gets: who serves it, through which channel, how fast, how often, and its benefits."""

    owner: Words
    channel: Words
    response_time: Words
    cadence: Words
    benefits: Sequence[Words]


@dataclass(frozen=True, slots=True)
class Tier:
    """One rung. `enter` is reached to get in, and below `exit` (never above `enter`) the way out begins."""

    name: str
    title: Words
    enter: int
    exit: int
    service: Service


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a scheme. `tiers` rise; the first one is for everybody and has no thresholds."""

    scheme: str
    version: str
    effective_from: int
    title: Words
    measure: Measure
    tiers: Sequence[Tier]
    grace_days: int
    minimum_stay_days: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme with its versions in order of their first day; the first one also holds for all days before it."""

    name: str
    versions: Sequence[PolicyVersion]

    def on(self, day: int) -> PolicyVersion:
        """The version in force on a day."""
        return self.versions[self.index_on(day)]

    def index_on(self, day: int) -> int:
        """The place of the version in force on a day."""
        return max(0, bisect_right(self.versions, day, key=lambda version: version.effective_from) - 1)

    @property
    def tier_names(self) -> tuple[str, ...]:
        """From the lowest tier to the highest; the same in all versions."""
        return tuple(tier.name for tier in self.versions[0].tiers)


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All that decides tiers and scores: schemes, prices, how long a tier is provisional, dimensions."""

    name: str
    schemes: Sequence[Scheme]
    tariffs: Tariffs
    provisional_months: int
    dimensions: Sequence[Dimension] = ()

    def scheme(self, name: str) -> Scheme | None:
        """The scheme of that name."""
        return next((scheme for scheme in self.schemes if scheme.name == name), None)

    @property
    def change_days(self) -> tuple[int, ...]:
        """Days on which a version of some scheme takes over from another."""
        return tuple(version.effective_from for scheme in self.schemes for version in scheme.versions[1:])
