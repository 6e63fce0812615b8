"""The fold: path(day) = decide(path(day - 1), features(day), policy(day)), for a whole block at once.

The same function folds one day of all customers (the close of a business day), all days of some customers (a
correction), and all days of one customer (a question about her): a single customer is a batch of one.
"""

from dataclasses import dataclass

import numpy as np

from tierflow_scoring.domain.arrays import Bools, Ints
from tierflow_scoring.domain.block import Block
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.domain.features import Features, Level, features_of, fold_levels, latest, new_levels
from tierflow_scoring.domain.latches import fold_latches, new_latches, rules_of
from tierflow_scoring.domain.measures import measure_of
from tierflow_scoring.domain.policy import PolicySet, Scheme
from tierflow_scoring.domain.standing import pack_columns, tiers_in


@dataclass(slots=True)
class Carried:
    """What a day hands to the next for N customers.

    levels [LEVELS, N]; per scheme: latches [rungs * 3, N], standing [N] (packed), tier_since [N] (its first day).
    """

    levels: Ints
    latches: list[Ints]
    standing: list[Ints]
    tier_since: list[Ints]

    @staticmethod
    def fresh(policies: PolicySet, customers: int) -> "Carried":
        """Before the first day."""
        return Carried(
            new_levels(customers),
            [new_latches(scheme, customers) for scheme in policies.schemes],
            [np.zeros(customers, np.int64) for _ in policies.schemes],
            [np.full(customers, NEVER, np.int64) for _ in policies.schemes],
        )

    def parts(self) -> list[Ints]:
        """All arrays; the customer is the last axis of each."""
        return [self.levels, *self.latches, *self.standing, *self.tier_since]

    def extended(self, more: "Carried") -> "Carried":
        """These customers, and after them those of `more`."""
        return Carried(
            np.concatenate([self.levels, more.levels], axis=1),
            [np.concatenate(pair, axis=1) for pair in zip(self.latches, more.latches, strict=True)],
            [np.concatenate(pair) for pair in zip(self.standing, more.standing, strict=True)],
            [np.concatenate(pair) for pair in zip(self.tier_since, more.tier_since, strict=True)],
        )

    def put(self, slots: Ints, other: "Carried") -> None:
        """Replaces the customers at `slots` by all of `other`."""
        for mine, theirs in zip(self.parts(), other.parts(), strict=True):
            mine[..., slots] = theirs


@dataclass(frozen=True, slots=True)
class SchemePath:
    """One scheme's path over a block: measure, packed standing, first day of the tier, changed or not [T, N]."""

    scheme: Scheme
    measure: Ints
    standing: Ints
    tier_since: Ints
    changed: Bools


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded block, and what it hands to the day after its last one."""

    days: Ints
    features: Features
    paths: tuple[SchemePath, ...]
    carried: Carried


def fold(policies: PolicySet, block: Block, before: Carried) -> Folded:
    """Folds a block that begins where `before` ends."""
    levels = fold_levels(block, before.levels, policies.tariffs)
    features = features_of(block, levels)
    day = block.days[:, None]
    provisional = (day < block.span.settled_on) | (levels[Level.VERIFIED] <= 0)
    active = day >= block.span.start
    paths, latches = [], []
    for index, scheme in enumerate(policies.schemes):
        path, carry = _fold_scheme(scheme, block, features, before, index, (provisional, active))
        paths.append(path)
        latches.append(carry)
    carried = Carried(
        levels[:, -1].copy(),
        latches,
        [path.standing[-1].copy() for path in paths],
        [path.tier_since[-1].copy() for path in paths],
    )
    return Folded(block.days, features, tuple(paths), carried)


def _fold_scheme(
    scheme: Scheme, block: Block, features: Features, before: Carried, index: int, flags: tuple[Bools, Bools]
) -> tuple[SchemePath, Ints]:
    provisional, active = flags
    rules = rules_of(scheme, block.days)
    measure = measure_of(scheme, block.days, features, block.span.money_from)
    moves, carry = fold_latches(measure, block.days, rules, before.latches[index])
    standing = pack_columns(
        moves.tier, provisional, moves.pending_tier, moves.since, moves.due_on, rules.version, active
    )
    changed = _differs(standing, before.standing[index])
    moved = _differs(tiers_in(standing), tiers_in(before.standing[index]))
    since = latest(moved, block.days, before.tier_since[index])
    return SchemePath(scheme, measure, standing, since, changed), carry


def _differs(values: Ints, before: Ints) -> Bools:
    """Where a column [T, N] differs from the day before [N]."""
    result = np.empty(values.shape, np.bool_)
    np.not_equal(values[0], before, out=result[0])
    np.not_equal(values[1:], values[:-1], out=result[1:])
    return result
