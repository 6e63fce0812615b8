"""How often a customer is contacted without any other cause: by tier and by persona, the more frequent wins."""

from dataclasses import dataclass
from datetime import date, timedelta

from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.standing import personas_of, relationship_since, tiers_on


@dataclass(frozen=True, slots=True)
class Cadence:
    """One contact every `days` days because of `source` (`scheme/tier` or `persona/name`)."""

    days: int
    source: str


def cadence_of(facts: CustomerFacts, day: date, policy: Policy) -> Cadence | None:
    """The strictest cadence that applies on a day; None where only campaigns and moments of truth count."""
    found = [
        Cadence(service.cadence_days, f"{scheme}/{statement.tier}")
        for scheme, statement in tiers_on(facts, day).items()
        if (service := policy.service_of(scheme, statement.tier)) and service.cadence_days
    ]
    found += [Cadence(p.cadence_days, f"persona/{p.name}") for p in personas_of(facts, day, policy)]
    return min(found, key=lambda cadence: cadence.days, default=None)


def cadence_start(facts: CustomerFacts, day: date) -> date | None:
    """The day from which the cadence counts: last conversation, else start of the tier, else of the relationship."""
    if facts.history.last_reached_on is not None:
        return facts.history.last_reached_on
    starts = [statement.effective_on for statement in tiers_on(facts, day).values()]
    return max(starts, default=None) or relationship_since(facts)


def cadence_due_on(facts: CustomerFacts, day: date, policy: Policy) -> date | None:
    """When the next regular contact is due; None without a cadence or without a start."""
    cadence, start = cadence_of(facts, day, policy), cadence_start(facts, day)
    return None if cadence is None or start is None else start + timedelta(days=cadence.days)
