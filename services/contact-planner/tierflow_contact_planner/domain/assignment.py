"""The exact optimum of who is contacted when: one assignment problem per relationship manager.

Rows are contacts in the order of their ids, columns are slots in the order of days; `linear_sum_assignment`
(SciPy, shortest augmenting paths, Crouse 2016) finds a least-cost matching of integer costs. It is deterministic:
the same rows and columns give the same matching, so equal costs are decided by the order of contact ids.

What is weighed, most important first: as many contacts as fit; slots filled by their own kind (familiar,
unfamiliar); heavier contacts; days near the due day; commitments kept. Every pair that is allowed has a cost below
zero, a pair that is not allowed has zero: being matched there means being left out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.slots import Capacity, Slot
from tierflow_contact_planner.domain.workdays import week_of


@dataclass(frozen=True, slots=True)
class Job:
    """A contact that wants a day in `first..last`, best on `target`; `committed_on` is a day already promised."""

    contact_id: str
    first: date
    last: date
    target: date
    weight: int
    is_familiar: bool
    committed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How much one step of each aim costs; each step outweighs the largest sum of the smaller aims of one contact."""

    weight: int
    mismatch: int
    placed: int
    filler: int

    @staticmethod
    def of(policy: Policy) -> "Scale":
        """From the policy alone, so that a plan is judged in the same way when it is made again."""
        weights, longest = policy.weights, policy.capacity.longest_period_days
        days = (weights.late_day + weights.early_day) * longest + weights.moved_day
        weight = days + 1
        mismatch = (heaviest(policy) + 1) * weight
        placed = 2 * (mismatch + days)
        return Scale(weight, mismatch, placed, placed * 10_000)


def heaviest(policy: Policy) -> int:
    """The greatest weight that a contact can have under a policy."""
    weights = policy.weights
    ranks = [tier.rank for scheme in policy.tiers.values() for tier in scheme.values()]
    overdue = weights.per_overdue_day * weights.overdue_days_counted
    tier = weights.per_tier_rank * max([policy.untiered.rank, *ranks])
    return max(weights.of_class.values()) + overdue + tier + weights.committed


def cost(job: Job, slot: Slot, scale: Scale, policy: Policy) -> int:
    """The cost of a contact in a slot: below zero where allowed, zero where not."""
    if not job.first <= slot.day <= job.last:
        return 0
    own = "familiar" if job.is_familiar else "unfamiliar"
    is_mismatch = slot.bin not in (own, "flexible")
    if is_mismatch and policy.capacity.ratio == "limit":
        return 0
    weights, off = policy.weights, (slot.day - job.target).days
    days = weights.late_day * max(0, off) + weights.early_day * max(0, -off)
    if job.committed_on is not None and job.committed_on != slot.day:
        days += weights.moved_day
    return days + scale.mismatch * is_mismatch - scale.placed - scale.weight * job.weight


def assign(jobs: Sequence[Job], capacity: Capacity, policy: Policy) -> dict[str, Slot]:
    """The slot of each contact that fits, by contact id. Weekly limits and bins hold exactly."""
    slots, ordered = capacity.slots, sorted(jobs, key=lambda job: job.contact_id)
    if not ordered or not slots:
        return {}
    scale = Scale.of(policy)
    costs = np.vstack([_costs(ordered, slots, scale, policy), _fillers(capacity, scale)])
    rows, columns = linear_sum_assignment(costs)
    chosen = zip(rows.tolist(), columns.tolist(), strict=True)
    return {
        ordered[row].contact_id: slots[column]
        for row, column in chosen
        if row < len(ordered) and costs[row, column] < 0
    }


def _costs(jobs: Sequence[Job], slots: Sequence[Slot], scale: Scale, policy: Policy) -> NDArray[np.int64]:
    """One row per job; equal slots have equal costs, so each is computed once."""
    kinds = list(dict.fromkeys(slots))
    position = {slot: index for index, slot in enumerate(kinds)}
    of_kind = np.array([[cost(job, slot, scale, policy) for slot in kinds] for job in jobs], dtype=np.int64)
    return of_kind[:, [position[slot] for slot in slots]]


def _fillers(capacity: Capacity, scale: Scale) -> NDArray[np.int64]:
    """Rows that must occupy slots of a week whose limit is smaller than the number of its slots."""
    weeks = np.array([week_of(slot.day).toordinal() for slot in capacity.slots])
    rows = [
        np.where(weeks == week.toordinal(), -scale.filler, 0)
        for week, surplus in _surplus(capacity).items()
        for _ in range(surplus)
    ]
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(capacity.slots))


def _surplus(capacity: Capacity) -> Mapping[date, int]:
    held = Counter(week_of(slot.day) for slot in capacity.slots)
    return {week: count - capacity.weekly_limit[week] for week, count in held.items()}
