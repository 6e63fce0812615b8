"""No customer without an owner."""

from collections import Counter

from tests.unit.contact_planner.samples import manager
from tierflow_contact_planner.domain.ownership import POOL, Staff

ROLES = ("platinum", "personal")
CUSTOMERS = [f"c{n}" for n in range(600)]


def test_the_assigned_manager_owns_the_customer_while_active() -> None:
    """Also with another role than the tier's."""
    staff = Staff([manager("a", role="phone-centre"), manager("b")])
    assert staff.owner("c1", "a", ROLES) == "a"


def test_who_left_or_was_never_there_is_replaced_by_the_first_role_that_has_somebody() -> None:
    """In the order of the tier's roles."""
    staff = Staff([manager("a", is_active=False), manager("b", role="personal"), manager("c", role="phone-centre")])
    assert {staff.owner("c1", assigned, ROLES) for assigned in ("a", "unknown", None)} == {"b"}


def test_without_anybody_the_customer_waits_in_the_pool() -> None:
    """Nobody of these roles is active."""
    assert Staff([manager("c", role="general-sales")]).owner("c1", None, ROLES) == POOL


def test_a_leaver_hands_over_evenly_and_nobody_else_is_moved() -> None:
    """Rendezvous hashing: only the leaver's customers change hands."""
    four = [manager(f"rm-{n}") for n in range(4)]
    before = {c: Staff(four).owner(c, None, ROLES) for c in CUSTOMERS}
    after = {c: Staff(four[:3]).owner(c, None, ROLES) for c in CUSTOMERS}
    assert all(after[c] == owner for c, owner in before.items() if owner != "rm-3")
    assert min(Counter(before.values()).values()) > 100
    assert min(Counter(after.values()).values()) > 150
