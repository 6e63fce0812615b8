"""What an event changes: registers where the newest word wins, whatever the order of arrival."""

from itertools import permutations

import pytest

from tests.unit.contact_planner.samples import (
    LONG_AGO,
    MONDAY,
    account,
    confirmed,
    consent,
    customer,
    day,
    decided,
    holding,
    known,
    kyc,
    pending,
    rejected,
    tier,
    version,
)
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.learning import LESSONS, MOVES_KEPT, learn
from tierflow_contact_planner.domain.standing import is_familiar, kyc_on, relationship_since, tiers_on
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced

ALL_KINDS = [
    customer(style="driver"),
    customer(style="amiable"),
    account(day(-3)),
    kyc("verified"),
    kyc("expired", day(-1)),
    consent("phone", "sale"),
    consent("phone", "sale", granted=False, effective_on=day(-2)),
    holding(value="10"),
    holding(value="0.00", as_of=day(-1)),
    tier("platinum"),
    tier("private", day(-4), "up", "platinum"),
    pending("open"),
    pending("cleared"),
    decided("needs-evidence"),
    decided("approved", day(1)),
    confirmed(day(2)),
    rejected("withdrawn", day(3)),
]


def test_every_lesson_has_a_sample() -> None:
    """The lists in these tests cover every event that teaches something about a customer."""
    assert {type(data) for data in ALL_KINDS} == set(LESSONS)


def test_what_says_nothing_about_a_customer_is_not_a_lesson() -> None:
    """A business day belongs to no customer."""
    with pytest.raises(KeyError):
        learn(CustomerFacts("c1"), BusinessDateAdvanced(business_date=MONDAY), version(0))


@pytest.mark.parametrize("data", ALL_KINDS, ids=lambda data: type(data).__name__)
def test_a_repeated_event_changes_nothing(data: object) -> None:
    """Each event is idempotent by itself."""
    once = learn(CustomerFacts("c1"), data, version(1))  # type: ignore[arg-type]
    assert learn(once, data, version(1)) == once  # type: ignore[arg-type]


def test_the_newest_profile_wins() -> None:
    """An older profile that arrives late changes nothing."""
    new = learn(CustomerFacts("c1"), customer(style="driver"), version(2))
    late = learn(new, customer(style="amiable"), version(1))
    assert late.profile is not None
    assert late.profile.style == "driver"


def test_a_customer_is_known_since_the_profile_says_or_the_first_account() -> None:
    """The profile's own date beats the accounts."""
    assert relationship_since(known(account(day(0)), account(day(-9)))) == day(-9)
    assert relationship_since(known(account(day(-9)), customer())) == LONG_AGO
    assert relationship_since(known(customer(relationship_since=None))) is None


def test_familiar_means_an_investment_that_is_still_held() -> None:
    """熟客: deposits do not count, and neither does what was sold; the newest valuation decides."""
    assert is_familiar(known(holding("insurance")))
    assert not is_familiar(known(holding("deposit")))
    assert not is_familiar(known(holding(value="0.00", as_of=day(1)), holding(value="10", as_of=day(0))))


def test_a_later_statement_holds_from_its_day_on() -> None:
    """Due diligence that expires tomorrow is verified today; a newer word about today replaces both."""
    facts = known(kyc("verified"), kyc("expired", day(1)))
    assert [kyc_on(facts, on).status for on in (day(0), day(1))] == ["verified", "expired"]  # type: ignore[union-attr]
    replaced = learn(facts, kyc("under-review", day(0)), version(9))
    assert [s.status for s in replaced.kyc] == ["verified", "under-review"]


def test_two_tiers_of_one_moment_are_ordered_by_their_days() -> None:
    """One commit says several days at the same time: the later day stands, whichever id is greater."""
    said = [(tier("personal", day(-5)), ("t", "s", "z")), (tier("private", day(-1), "up"), ("t", "s", "a"))]
    for order in permutations(said):
        facts = CustomerFacts("c1")
        for data, stamp in order:
            facts = learn(facts, data, stamp)
        assert tiers_on(facts, MONDAY)["private-bank"].tier == "private"


def test_cleared_wins_over_open_of_the_same_moment() -> None:
    """A recovery inside one commit leaves nothing pending."""
    for order in permutations([pending("open"), pending("cleared")]):
        facts = CustomerFacts("c1")
        for data in order:
            facts = learn(facts, data, ("t", "s", data.state))
        assert not facts.pending["private-bank"].is_open


def test_old_moves_are_forgotten() -> None:
    """A customer who moves up and down for years does not grow without limit; the newest stay."""
    facts = CustomerFacts("c1")
    for n in range(MOVES_KEPT + 10):
        facts = learn(facts, tier(f"t{n}", day(n), "up"), version(n))
    assert len(facts.moves) == MOVES_KEPT
    assert max(move.effective_on for move in facts.moves.values()) == day(MOVES_KEPT + 9)


def test_of_several_words_about_one_day_the_newest_is_kept() -> None:
    """A customer whose due diligence is corrected every day does not grow."""
    facts = known(kyc("missing", day(0)), kyc("expired", day(0)), kyc("verified", day(0)))
    assert [statement.status for statement in facts.kyc] == ["verified"]


def test_a_move_that_is_told_again_keeps_the_newest_words() -> None:
    """The same scheme, tier, day and direction is one move, whatever order it is told in."""
    told = [(tier("private", day(0), "up", before), version(n)) for n, before in ((1, "personal"), (2, "platinum"))]
    for order in permutations(told):
        facts = CustomerFacts("c1")
        for data, stamp in order:
            facts = learn(facts, data, stamp)
        assert [move.previous_tier for move in facts.moves.values()] == ["platinum"]
