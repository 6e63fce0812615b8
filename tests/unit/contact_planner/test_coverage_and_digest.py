"""Coverage in cadence units, and the one number over what is due."""

from dataclasses import replace

from tests.unit.contact_planner.samples import MONDAY, POLICY, customer, day, known, kyc, tier
from tierflow_contact_planner.domain.coverage import Overdue, TierCoverage, coverage_of
from tierflow_contact_planner.domain.digest import digest_of
from tierflow_contact_planner.domain.due import DueContact, due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts, History


def talked_to(customer_id: str, days_ago: int, name: str = "platinum") -> CustomerFacts:
    facts = known(customer(customer_id), kyc(customer_id=customer_id), tier(name, customer_id=customer_id))
    return replace(facts, customer_id=customer_id, history=History(last_reached_on=day(-days_ago)))


def test_a_contact_due_today_is_not_late() -> None:
    """Platinum: two weeks; general customers have no cadence and are counted apart."""
    book = [talked_to("a", 14), talked_to("b", 15), talked_to("c", 40), talked_to("d", 400, "general")]
    found = coverage_of(book, MONDAY, POLICY)
    general, platinum = "private-bank/general", "private-bank/platinum"
    assert found.tiers == (TierCoverage(general, 1, 0, 0), TierCoverage(platinum, 3, 3, 1))
    assert found.overdue == (Overdue("c", platinum, day(-26), 26), Overdue("b", platinum, day(-1), 1))


def due(customer_id: str, days_ago: int = 20) -> DueContact:
    contact = due_contact(talked_to(customer_id, days_ago), MONDAY, day(6), POLICY)
    assert contact is not None
    return contact


def test_the_digest_is_the_same_in_any_order() -> None:
    """It is taken in the order of customers, and says how many reasons of each kind there are."""
    contacts = [("rm-1", due("a")), ("rm-2", due("b"))]
    one, other = digest_of(contacts), digest_of(reversed(contacts))
    assert one == other
    assert (one.contacts, one.blocked, one.reasons["cadence"]) == (2, 0, 2)


def test_the_digest_sees_every_part_of_a_contact() -> None:
    """Manager, day, channel, purpose, reasons."""
    contact = due("a")
    variants = [
        ("rm-2", contact),
        ("rm-1", replace(contact, due_on=day(1))),
        ("rm-1", replace(contact, channel="letter")),
        ("rm-1", replace(contact, channel=None)),
        ("rm-1", replace(contact, purpose="service")),
        ("rm-1", replace(contact, reasons=())),
        ("rm-1", due("b")),
    ]
    digests = {digest_of([variant]).sha256 for variant in [("rm-1", contact), *variants]}
    assert len(digests) == len(variants) + 1
