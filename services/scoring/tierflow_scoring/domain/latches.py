"""How tiers move: one latch per rung, on one whole-number measure.

A rung is *held* from the day the measure reaches its `enter` threshold. It lets go on the first day D on which
the measure is below `enter`, the measure was last at or above `exit` more than `grace_days` before D, and the measure
last reached `enter` at least `minimum_stay_days` before D. The tier is the highest held rung.

Monotone by construction: if one customer's measure is at least another's on every day, then so are its last qualified
and last kept days, hence it lets go of a rung only when the other does, and its tier is never lower. Thresholds rise
from rung to rung, so the held rungs are always the lowest ones, and a downgrade falls to the highest rung still held.

Because "let go" depends only on the two last days and not on whether the rung was held, a rung is held exactly
if it qualified after it last let go: the fold over days is a running maximum, without a loop over days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Bools, Ints, ints
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.domain.features import latest
from tierflow_scoring.domain.policy import PolicyVersion, Scheme
from tierflow_scoring.domain.standing import NO_PENDING

PER_RUNG: Final = 3  # last qualified, last kept, last let go


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force on each day: `enter`, `exit` [T, rungs], `grace`, `stay`, `version` [T, 1]."""

    enter: Ints
    exit: Ints
    grace: Ints
    stay: Ints
    version: Ints


@dataclass(frozen=True, slots=True)
class Moves:
    """The path of a block [T, N]; pending columns hold `NO_PENDING` where nothing is pending."""

    tier: Ints
    pending_tier: Ints
    since: Ints
    due_on: Ints


def rungs_of(scheme: Scheme) -> int:
    """How many rungs have thresholds (all but the lowest)."""
    return len(scheme.versions[0].tiers) - 1


def rules_of(scheme: Scheme, days: Ints) -> Rules:
    """Looks up the version of each day once."""
    places = [scheme.index_on(day) for day in days.tolist()]
    rows: Sequence[PolicyVersion] = [scheme.versions[place] for place in places]
    return Rules(
        enter=ints([[tier.enter for tier in row.tiers[1:]] for row in rows]),
        exit=ints([[tier.exit for tier in row.tiers[1:]] for row in rows]),
        grace=ints([[row.grace_days] for row in rows]),
        stay=ints([[row.minimum_stay_days] for row in rows]),
        version=ints(places)[:, None],
    )


def fold_latches(measure: Ints, days: Ints, rules: Rules, carried: Ints) -> tuple[Moves, Ints]:
    """Folds a measure [T, N] from `carried` [rungs * PER_RUNG, N]; returns the path and what to carry on."""
    rungs = [
        _fold_rung(measure, days, rules, rung, carried[rung * PER_RUNG : (rung + 1) * PER_RUNG])
        for rung in range(rules.enter.shape[1])
    ]
    tier = ints(sum((rung.held.astype(np.int64) for rung in rungs), np.zeros_like(measure)))
    carry = np.concatenate([rung.carry for rung in rungs])
    return _pending(tier, rungs), carry


@dataclass(frozen=True, slots=True)
class _Rung:
    held: Bools
    slipping: Bools  # held, but below `exit`
    since: Ints
    due_on: Ints
    carry: Ints


def _fold_rung(measure: Ints, days: Ints, rules: Rules, rung: int, carried: Ints) -> _Rung:
    day = days[:, None]
    qualifies, keeps = measure >= rules.enter[:, rung, None], measure >= rules.exit[:, rung, None]
    qualified = latest(qualifies, days, carried[0])
    kept = latest(keeps, days, carried[1])
    lets_go = ~qualifies & (day - kept > rules.grace) & (day - qualified >= rules.stay)
    let_go = latest(lets_go, days, carried[2])
    held = qualified > let_go
    return _Rung(
        held=held,
        slipping=held & ~keeps,
        since=kept + 1,
        due_on=np.maximum(kept + rules.grace + 1, qualified + rules.stay),
        carry=np.stack([qualified[-1], kept[-1], let_go[-1]]),
    )


def _pending(tier: Ints, rungs: Sequence[_Rung]) -> Moves:
    """The pending downgrade of the top held rung, and the tier that will be left on its due day."""
    pending_tier = np.full(tier.shape, NO_PENDING, np.int64)
    since, due_on = np.zeros_like(tier), np.zeros_like(tier)
    for top, rung in enumerate(rungs, start=1):
        at_top = (tier == top) & rung.slipping
        if not at_top.any():
            continue
        left = np.zeros_like(tier)
        for lower in rungs[: top - 1]:
            left += lower.held & (~lower.slipping | (lower.due_on > rung.due_on))
        pending_tier = np.where(at_top, left, pending_tier)
        since, due_on = np.where(at_top, rung.since, since), np.where(at_top, rung.due_on, due_on)
    return Moves(tier, pending_tier, since, due_on)


def new_latches(scheme: Scheme, customers: int) -> Ints:
    """Latches [rungs * PER_RUNG, N] before the first day."""
    return np.full((rungs_of(scheme) * PER_RUNG, customers), NEVER, np.int64)
