"""The shape of a contact policy. Values come from versioned TOML files, never from code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Literal

from tierflow_shared.contracts.bank import Occupation, Origin, Style
from tierflow_shared.contracts.primitives import Channel, Purpose

ReasonClass = Literal["relation", "duty", "money", "lifecycle", "order", "cadence"]
KycUnknown = Literal["missing", "no-reason"]


@dataclass(frozen=True, slots=True)
class Text:
    """What people read, in both languages of the bank."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class ContactRules:
    """Hard rules and merging; all spans in days."""

    minimum_gap_days: int
    retry_after_days: int
    horizon_days: int
    merge_ahead_days: int
    reach_percent: int
    purpose_order: tuple[Purpose, ...]
    mandatory_channels: tuple[Channel, ...]
    complaint_closed_from: int
    low_satisfaction_to: int
    sale_rest_days: int
    consented_by_default: Mapping[Purpose, tuple[Channel, ...]]


@dataclass(frozen=True, slots=True)
class KycRules:
    """What no statement means, and how early an end is announced."""

    unknown_is: KycUnknown
    expiring_ahead_days: int


@dataclass(frozen=True, slots=True)
class CapacityRules:
    """A relationship manager's week; the shares of a day's slots are percent, the rest is flexible."""

    full_week_days: int
    familiar_percent: int
    unfamiliar_percent: int
    ratio: Literal["target", "limit"]
    minutes_per_day: int
    longest_period_days: int


@dataclass(frozen=True, slots=True)
class Weights:
    """Who comes first when not everybody fits, as integers without a unit."""

    of_class: Mapping[ReasonClass, int]
    per_overdue_day: int
    overdue_days_counted: int
    per_tier_rank: int
    committed: int
    late_day: int
    early_day: int
    moved_day: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When people of a region may be contacted, in local time; everything else is quiet."""

    zone: str
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class TierService:
    """How a tier is served. Without `cadence_days` only campaigns and moments of truth lead to a contact."""

    label: Text
    rank: int
    minutes: int
    roles: tuple[str, ...]
    channels: tuple[Channel, ...]
    cadence_days: int | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """A group of customers found by rule; every condition that is given must hold."""

    name: str
    label: Text
    cadence_days: int
    talk: Text
    origins: tuple[Origin, ...] = ()
    occupations: tuple[Occupation, ...] = ()
    rent_share_percent_from: int | None = None
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of truth: what it is for, how urgent it is, when it is forgotten and when it comes again (days)."""

    klass: ReasonClass
    purpose: Purpose
    label: Text
    talk: Text
    mandatory: bool = False
    urgency_days: int = 0
    ahead_days: int = 0
    lead_days: int = 0
    opens_after_days: int = 0
    valid_days: int | None = None
    repeat_days: int | None = None
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the bank's contact policy."""

    name: str
    version: str
    contact: ContactRules
    kyc: KycRules
    capacity: CapacityRules
    weights: Weights
    hours: Mapping[str, Hours]
    tiers: Mapping[str, Mapping[str, TierService]]
    untiered: TierService
    personas: tuple[Persona, ...]
    styles: Mapping[Style, Text]
    moments: Mapping[str, Moment]

    @property
    def reference(self) -> str:
        """Name and version, as stored with every plan."""
        return f"{self.name}@{self.version}"

    def hours_of(self, region: str) -> Hours:
        """Contact hours of a country; the default where it has none of its own."""
        return self.hours.get(region, self.hours["default"])

    def service_of(self, scheme: str, tier: str) -> TierService | None:
        """How a tier of a scheme is served; None where the policy says nothing about it."""
        return self.tiers.get(scheme, {}).get(tier)
