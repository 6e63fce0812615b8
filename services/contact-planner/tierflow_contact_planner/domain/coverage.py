"""How well a book is looked after: the share of customers whose last contact lies within their cadence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tierflow_contact_planner.domain.cadence import cadence_due_on
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.standing import served_tier


@dataclass(frozen=True, slots=True)
class TierCoverage:
    """Customers of one tier (`scheme/tier`, "" without one); `within` of those with a cadence are on time."""

    tier: str
    customers: int
    with_cadence: int
    within: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A customer whose regular contact is late."""

    customer_id: str
    tier: str
    due_on: date
    days_late: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage per tier and the overdue list, latest first."""

    tiers: tuple[TierCoverage, ...]
    overdue: tuple[Overdue, ...]


def coverage_of(book: Iterable[CustomerFacts], as_of: date, policy: Policy) -> Coverage:
    """Coverage on a day. A contact that is due today is not late yet."""
    counts: dict[str, list[int]] = {}
    overdue: list[Overdue] = []
    for facts in book:
        tier, _ = served_tier(facts, as_of, policy)
        count = counts.setdefault(tier, [0, 0, 0])
        count[0] += 1
        due_on = cadence_due_on(facts, as_of, policy)
        if due_on is None:
            continue
        count[1] += 1
        if due_on >= as_of:
            count[2] += 1
        else:
            overdue.append(Overdue(facts.customer_id, tier, due_on, (as_of - due_on).days))
    tiers = tuple(TierCoverage(tier, *count) for tier, count in sorted(counts.items()))
    return Coverage(tiers, tuple(sorted(overdue, key=lambda late: (late.due_on, late.customer_id))))
