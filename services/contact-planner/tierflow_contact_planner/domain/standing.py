"""A customer as seen on a day: tiers, personas, complaint, holdings. The small questions every rule asks."""

from datetime import date

from tierflow_contact_planner.domain.facts import CustomerFacts, KycStatement, TierStatement
from tierflow_contact_planner.domain.policy import Persona, Policy, TierService
from tierflow_contact_planner.domain.statements import valid_on

INVESTMENTS = frozenset({"fund", "insurance", "wealth", "trust", "securities"})


def tiers_on(facts: CustomerFacts, day: date) -> dict[str, TierStatement]:
    """The tier of each scheme on a day; schemes without one are left out."""
    found = ((scheme, valid_on(statements, day)) for scheme, statements in sorted(facts.tiers.items()))
    return {scheme: statement for scheme, statement in found if statement is not None}


def served_tier(facts: CustomerFacts, day: date, policy: Policy) -> tuple[str, TierService]:
    """`scheme/tier` that decides how the customer is served: the highest rank the policy knows; "" without a tier."""
    best = ("", policy.untiered)
    for scheme, statement in tiers_on(facts, day).items():
        service = policy.service_of(scheme, statement.tier)
        if service is not None and (best[0] == "" or service.rank > best[1].rank):
            best = (f"{scheme}/{statement.tier}", service)
    return best


def personas_of(facts: CustomerFacts, day: date, policy: Policy) -> tuple[Persona, ...]:
    """All personas whose conditions hold, in the policy's order."""
    return tuple(persona for persona in policy.personas if _fits(persona, facts, day))


def _fits(persona: Persona, facts: CustomerFacts, day: date) -> bool:
    profile = facts.profile
    if profile is None or (persona.tiers and not is_in_tiers(facts, day, persona.tiers)):
        return False
    if persona.origins and profile.origin not in persona.origins:
        return False
    rents = persona.rent_share_percent_from
    lives_on_rents = rents is not None and (profile.rent_share_percent or 0) >= rents
    if persona.occupations or rents is not None:
        return profile.occupation in persona.occupations or lives_on_rents
    return True


def is_in_tiers(facts: CustomerFacts, day: date, tiers: tuple[str, ...]) -> bool:
    """Is the customer in one of the tiers (`scheme/tier`) on this day?"""
    return any(f"{scheme}/{statement.tier}" in tiers for scheme, statement in tiers_on(facts, day).items())


def is_familiar(facts: CustomerFacts) -> bool:
    """熟客: holds at least one investment product, whoever sold it; deposits do not count."""
    return any(holding.is_held and holding.category in INVESTMENTS for holding in facts.holdings.values())


def relationship_since(facts: CustomerFacts) -> date | None:
    """The first day as a customer: what the profile says, else the first account."""
    said = facts.profile.relationship_since if facts.profile is not None else None
    return said or facts.first_account_on


def kyc_on(facts: CustomerFacts, day: date) -> KycStatement | None:
    """The state of due diligence on a day as it was stated; its `valid_until` may lie before the day."""
    return valid_on(facts.kyc, day)
