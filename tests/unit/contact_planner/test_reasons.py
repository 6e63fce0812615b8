"""Each moment of truth: when it appears, when it is due, when it goes."""

from dataclasses import replace

import pytest

from tests.unit.contact_planner.samples import (
    LONG_AGO,
    MONDAY,
    POLICY,
    account,
    confirmed,
    customer,
    day,
    decided,
    holding,
    known,
    kyc,
    pending,
    reasons,
    rejected,
    tier,
)
from tierflow_contact_planner.domain.facts import CustomerFacts, History, NextStep
from tierflow_contact_planner.domain.policy import Text
from tierflow_contact_planner.domain.talking import talking_point, talking_points
from tierflow_shared.contracts.primitives import Data

VERIFIED = kyc()
PLATINUM = tier("platinum")


def due(facts: CustomerFacts, kind: str, on: int = 0) -> int | None:
    """Days from the Monday to the due day of a reason; None where it is not a reason on that day."""
    found = reasons(facts, day(on)).get(kind)
    return None if found is None else (found.due_on - MONDAY).days


@pytest.mark.parametrize(
    ("kind", "said", "due_after_days"),
    [
        ("tier-up", [tier("private", day(-1), "up", "platinum")], 2),
        ("tier-down", [tier("personal", day(-1), "down", "platinum")], 4),
        ("tier-pending", [PLATINUM, pending(since=day(-2))], 5),
        ("kyc-missing", [customer(relationship_since=day(-10))], 20),
        ("kyc-missing", [customer(), kyc("missing", day(-1))], 29),
        ("kyc-expired", [customer(), kyc("expired", day(-1))], 4),
        ("kyc-expired", [customer(), kyc(valid_until=day(-1))], 5),
        ("kyc-under-review", [customer(), kyc("under-review", day(0))], 5),
        ("kyc-expiring", [customer(), kyc(valid_until=day(20))], 13),
        ("sale-needs-evidence", [decided("needs-evidence", day(-1))], 1),
        ("sale-blocked", [decided("blocked", day(-1))], 2),
        ("sale-blocked", [rejected("blocked", day(-1))], 2),
        ("sale-confirmed", [decided("approved"), confirmed(day(-1))], 4),
        ("holding-maturing", [holding(matures_on=day(10))], 5),
        ("relationship-new", [customer(relationship_since=day(-1))], 6),
        ("account-opened", [customer(), account(day(-4))], 10),
        ("under-served", [PLATINUM, customer(relationship_since=day(-200))], 13),
    ],
)
def test_a_moment_of_truth_is_due_so_long_after_it_happened(kind: str, said: list[Data], due_after_days: int) -> None:
    """Days from the Monday to the due day, by the shipped policy."""
    assert due(known(*said), kind) == due_after_days


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("tier-up", [tier("private", day(-9), "up", "platinum"), tier("platinum", day(-1), "down", "private")]),
        ("tier-up", [tier("private", day(-61), "up", "platinum")]),
        ("tier-up", [tier("a", day(-1), "up", "b", scheme="abcd")]),
        ("tier-pending", [PLATINUM, pending("open"), pending("cleared")]),
        ("tier-pending", [tier("personal"), pending("open")]),
        ("kyc-missing", [customer(), VERIFIED]),
        ("kyc-expiring", [customer(), kyc(valid_until=day(40))]),
        ("sale-needs-evidence", [decided("needs-evidence"), decided("approved", day(0))]),
        ("sale-needs-evidence", [decided("needs-evidence"), rejected("withdrawn")]),
        ("sale-needs-evidence", [decided("needs-evidence"), confirmed()]),
        ("sale-blocked", [rejected("withdrawn")]),
        ("holding-maturing", [holding(matures_on=day(10), value="0")]),
        ("holding-maturing", [holding(matures_on=day(40))]),
        ("holding-maturing", [holding(matures_on=day(-1))]),
        ("relationship-new", [customer(relationship_since=day(-61))]),
        ("account-opened", [account(day(-4))]),
        ("under-served", [tier("general"), customer()]),
        ("under-served", [PLATINUM, customer(), holding()]),
        ("under-served", [PLATINUM, customer(relationship_since=day(-10))]),
    ],
)
def test_a_moment_of_truth_that_is_over_is_no_reason(kind: str, said: list[Data]) -> None:
    """Answered by a later event, too old, too early, or not this customer's."""
    assert kind not in reasons(known(*said))


def with_history(history: History, *said: Data) -> CustomerFacts:
    return replace(known(*said), history=history)


def test_contacts_lead_to_contacts() -> None:
    """A complaint, low satisfaction, an agreed step and a customer who was interested."""
    assert due(with_history(History(complaint_since=day(-1))), "complaint-open") == 0
    assert due(with_history(History(satisfaction=2, satisfaction_on=day(-1))), "low-satisfaction") == 6
    assert due(with_history(History(satisfaction=3, satisfaction_on=day(-1))), "low-satisfaction") is None
    assert due(with_history(History(next_step=NextStep(day(90), day(-1), is_sale=False))), "next-step") == 90
    assert due(with_history(History(next_step=NextStep(day(3), day(-1), is_sale=True))), "sale-follow-up") == 3


def test_an_answered_cause_goes_or_comes_again() -> None:
    """What was talked about is over; a duty that still stands comes again, due after the policy's span."""
    blocked = with_history(History(answered={"sale/s1/blocked": day(0)}), decided("blocked"))
    assert "sale-blocked" not in reasons(blocked)
    expired = with_history(History(answered={f"kyc/expired/{day(-9)}": day(-1)}), kyc("expired", day(-9)))
    assert due(expired, "kyc-expired") == 13


def test_the_shortfall_is_in_the_talking_point() -> None:
    """A pending downgrade says what would keep the tier, in both languages."""
    reason = reasons(known(PLATINUM, pending(since=day(-2))))["tier-pending"]
    point = talking_point(reason, POLICY, {})
    assert point.en.startswith("12000.00 CZK short of platinum; without it the tier becomes personal on 2026-05-29")
    assert "距白金还差12000.00 CZK" in point.zh


def test_products_are_named_where_they_are_known() -> None:
    """Else the id has to do."""
    reason = reasons(known(confirmed()))["sale-confirmed"]
    assert "p1" in talking_point(reason, POLICY, {}).en
    named = talking_point(reason, POLICY, {"p1": Text("Bond Fund", "债券基金")})
    assert ("Bond Fund" in named.en, "债券基金" in named.zh) == (True, True)


def test_style_and_persona_say_how_to_talk() -> None:
    """One point per reason, then style, then persona."""
    points = talking_points([], ["retired"], "driver", POLICY, {})
    assert [point.en.partition(":")[0] for point in points] == ["Driver", "Safety first"]


def test_every_moment_of_the_policy_can_be_said_in_both_languages() -> None:
    """Each reason these tests can produce fills its texts."""
    said = [customer(relationship_since=LONG_AGO), PLATINUM, pending(), holding(matures_on=day(9)), decided("blocked")]
    for reason in reasons(known(*said)).values():
        text = talking_point(reason, POLICY, {})
        assert "{" not in text.en + text.zh
