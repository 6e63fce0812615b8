"""Cadence is monotone in strictness; consent and do-not-disturb are never overruled."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.property.contact_planner.strategies import books, histories, told
from tests.property.contact_planner.test_order import Told, learned
from tests.unit.contact_planner.samples import MONDAY, POLICY, customer, day, tier
from tierflow_contact_planner.domain.cadence import cadence_due_on, cadence_of
from tierflow_contact_planner.domain.consent import is_consented, undisturbed_until
from tierflow_contact_planner.domain.due import due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts, History
from tierflow_contact_planner.domain.learning import learn
from tierflow_contact_planner.domain.policy import Policy, TierService

LAST = ("~", "~", "~")


@given(told, histories, st.integers(1, 60))
def test_a_stricter_cadence_never_makes_a_contact_later(said: Told, history: History, days: int) -> None:
    """Adding a cadence to a tier can only bring the next regular contact nearer."""
    facts = replace(learned(said), history=history)
    before = cadence_due_on(facts, MONDAY, POLICY)
    after = cadence_due_on(facts, MONDAY, with_cadence(days))
    if before is not None:
        assert after is not None
        assert after <= before


def with_cadence(days: int) -> Policy:
    """The shipped policy, every tier at least as often as every `days` days."""

    def stricter(service: TierService) -> TierService:
        return replace(service, cadence_days=min(service.cadence_days or days, days))

    tiers = {scheme: {name: stricter(s) for name, s in group.items()} for scheme, group in POLICY.tiers.items()}
    return replace(POLICY, tiers=tiers)


@given(st.sampled_from(["general", "personal", "platinum", "private"]), st.sampled_from([None, "retired", "teacher"]))
def test_the_cadence_is_the_minimum_of_all_that_apply(name: str, occupation: str | None) -> None:
    """Equal to looking at tier and persona apart."""
    apart = [learned([(tier(name), LAST)]), learned([(customer(occupation=occupation), LAST)])]
    both = learn(apart[0], customer(occupation=occupation), LAST)
    found = [cadence.days for facts in apart if (cadence := cadence_of(facts, MONDAY, POLICY))]
    cadence = cadence_of(both, MONDAY, POLICY)
    assert (cadence.days if cadence else None) == min(found, default=None)


@given(books(max_size=6))
def test_no_contact_overrules_consent_or_rest(book: list[CustomerFacts]) -> None:
    """Every reason that a contact carries is consented on its channel, or a legal duty on a mandatory one."""
    for facts in book:
        due = due_contact(facts, MONDAY, day(6), POLICY)
        if due is None:
            continue
        for reason in due.reasons if due.channel else ():
            by_law = reason.is_mandatory and due.channel in POLICY.contact.mandatory_channels
            assert by_law or is_consented(facts, due.channel, reason.purpose, MONDAY, POLICY)  # type: ignore[arg-type]
        quiet = undisturbed_until(facts, MONDAY)
        assert quiet is None or due.not_before > quiet
        if facts.history.complaint_since is not None:
            assert "sale" not in {due.purpose, *(reason.purpose for reason in due.reasons)}
