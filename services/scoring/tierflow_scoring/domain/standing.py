"""A customer's standing in one scheme on one day, packed into one 64-bit integer so that columns can be compared.

Layout from the lowest bit: due day 20, since day 20, pending tier 4, provisional 1, tier 4, active 1, version 8.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Bools, Ints

_SINCE: Final = 20
_PENDING: Final = 40
_PROVISIONAL: Final = 44
_TIER: Final = 45
_ACTIVE: Final = 49
_VERSION: Final = 50
_DAY_MASK: Final = (1 << 20) - 1

ABSENT: Final = 0
MAX_TIERS: Final = 15
MAX_VERSIONS: Final = 256
NO_PENDING: Final = 15
WITHOUT_VERSION: Final = (1 << _VERSION) - 1


@dataclass(frozen=True, slots=True)
class Pending:
    """A downgrade that waits: to which tier, since which day the measure is too low, and when it will happen."""

    tier: int
    since: int
    due_on: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Tier (0 is the lowest), whether it is provisional, what is pending, and the policy version's place."""

    tier: int
    provisional: bool
    pending: Pending | None
    version: int


def pack(standing: Standing) -> int:
    """The integer of a standing."""
    pending = standing.pending or Pending(NO_PENDING, 0, 0)
    return (
        standing.version << _VERSION
        | 1 << _ACTIVE
        | standing.tier << _TIER
        | standing.provisional << _PROVISIONAL
        | pending.tier << _PENDING
        | pending.since << _SINCE
        | pending.due_on
    )


def unpack(packed: int) -> Standing | None:
    """The standing of an integer; None before the relationship began."""
    if not packed:
        return None
    pending_tier = packed >> _PENDING & 15
    pending = Pending(pending_tier, packed >> _SINCE & _DAY_MASK, packed & _DAY_MASK)
    return Standing(
        tier=packed >> _TIER & 15,
        provisional=bool(packed >> _PROVISIONAL & 1),
        pending=None if pending_tier == NO_PENDING else pending,
        version=packed >> _VERSION,
    )


def pack_columns(
    tier: Ints, provisional: Bools, pending_tier: Ints, since: Ints, due_on: Ints, version: Ints, active: Bools
) -> Ints:
    """Packs columns [T, N] (`version` [T, 1]); 0 where the relationship has not begun."""
    is_pending = pending_tier != NO_PENDING
    packed = version << _VERSION | np.int64(1 << _ACTIVE) | tier << _TIER
    packed |= provisional.astype(np.int64) << _PROVISIONAL
    packed |= pending_tier << _PENDING
    packed |= np.where(is_pending, since << _SINCE | due_on, 0)
    return np.where(active, packed, ABSENT)


def tiers_in(packed: Ints) -> Ints:
    """The tier of each packed standing; -1 before the relationship began."""
    return np.where(packed == ABSENT, -1, packed >> _TIER & 15)
