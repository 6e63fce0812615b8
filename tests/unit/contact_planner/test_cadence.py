"""How often: by tier, by persona, the more frequent wins; and from which day the cadence counts."""

from dataclasses import replace

import pytest

from tests.unit.contact_planner.samples import LONG_AGO, MONDAY, POLICY, customer, day, known, tier
from tierflow_contact_planner.domain.cadence import cadence_due_on, cadence_of
from tierflow_contact_planner.domain.facts import History
from tierflow_contact_planner.domain.standing import personas_of, served_tier
from tierflow_shared.contracts.primitives import Data


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ([tier("private")], 7),
        ([tier("platinum")], 14),
        ([tier("personal")], 30),
        ([tier("general")], None),
        ([tier("unheard-of")], None),
        ([], None),
        ([tier("general"), customer(origin="hong-kong")], 3),
        ([tier("general"), customer(origin="taiwan", occupation="business-owner")], 3),
        ([tier("general"), customer(occupation="business-owner")], 7),
        ([tier("general"), customer(rent_share_percent=80)], 14),
        ([tier("general"), customer(rent_share_percent=79)], None),
        ([tier("general"), customer(occupation="teacher")], 14),
        ([tier("general"), customer(occupation="executive")], 21),
        ([tier("general"), customer(occupation="retired")], 28),
        ([tier("general"), customer(occupation="homemaker")], None),
        ([tier("personal"), customer(occupation="homemaker")], 7),
        ([tier("platinum"), customer(occupation="retired")], 14),
        ([tier("personal"), customer(occupation="retired")], 28),
        ([tier("general"), customer(occupation="student", origin="mainland")], None),
    ],
)
def test_the_stricter_of_tier_and_persona_wins(said: list[Data], days: int | None) -> None:
    """The bank's own tables of tiers and personas."""
    cadence = cadence_of(known(*said), MONDAY, POLICY)
    assert (cadence.days if cadence else None) == days


def test_all_personas_that_fit_are_shown() -> None:
    """In the policy's order."""
    facts = known(customer(origin="macao", occupation="doctor"))
    assert [persona.name for persona in personas_of(facts, MONDAY, POLICY)] == ["hk-mo-tw", "professional"]


def test_the_cadence_counts_from_the_last_talk_else_from_the_tier_else_from_the_start() -> None:
    """A call that nobody answered does not count."""
    facts = known(tier("platinum", day(-4)), customer())
    assert cadence_due_on(facts, MONDAY, POLICY) == day(10)
    called = replace(facts, history=History(last_attempt_on=day(-1)))
    assert cadence_due_on(called, MONDAY, POLICY) == day(10)
    reached = replace(facts, history=History(last_reached_on=day(-1)))
    assert cadence_due_on(reached, MONDAY, POLICY) == day(13)
    untiered = known(customer(occupation="retired"))
    assert cadence_due_on(untiered, MONDAY, POLICY) == LONG_AGO.replace(day=29)


def test_a_customer_is_served_by_the_highest_tier_the_policy_knows() -> None:
    """Schemes without a service of their own do not count."""
    name, service = served_tier(known(tier("personal"), tier("a", scheme="abcd")), MONDAY, POLICY)
    assert (name, service.roles[0]) == ("private-bank/personal", "personal")
    assert served_tier(known(), MONDAY, POLICY) == ("", POLICY.untiered)
