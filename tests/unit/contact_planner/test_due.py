"""The one merged contact: reasons together, purpose and channel by rule, hard rules kept."""

from dataclasses import replace
from datetime import date

import pytest

from tests.unit.contact_planner.samples import (
    LONG_AGO,
    MONDAY,
    POLICY,
    consent,
    customer,
    day,
    known,
    kyc,
    pending,
    tier,
)
from tierflow_contact_planner.domain.due import DueContact, due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts, History, NextStep
from tierflow_shared.contracts.primitives import Data

BASE: list[Data] = [customer(), kyc(), tier("platinum", LONG_AGO)]
INTERESTED = History(next_step=NextStep(MONDAY, day(-20), is_sale=True))


SUNDAY = day(6)


def due(facts: CustomerFacts, until: date = SUNDAY) -> DueContact | None:
    return due_contact(facts, MONDAY, until, POLICY)


def found(facts: CustomerFacts) -> DueContact:
    contact = due(facts)
    assert contact is not None
    return contact


def kinds(contact: DueContact) -> set[str]:
    return {reason.kind for reason in contact.reasons}


def no_to_all(purpose: str) -> list[Data]:
    channels = ("meeting", "phone", "email", "sms", "app", "letter")
    return [consent(channel, purpose, granted=False) for channel in channels]


def test_all_reasons_are_merged_and_the_earliest_day_counts() -> None:
    """One contact per customer; what is due a little later comes along."""
    contact = found(known(*BASE, pending(since=day(-1))))
    assert {"cadence", "tier-pending"} <= kinds(contact)
    assert contact.due_on == min(reason.due_on for reason in contact.reasons)
    assert contact.purpose == "service"


def test_nothing_is_due_shortly_after_a_talk() -> None:
    """A platinum customer is due again after two weeks, and not a day earlier."""
    facts = replace(known(*BASE), history=History(last_reached_on=day(-3), answered={"under-served": day(-3)}))
    assert due(facts, day(10)) is None
    assert due(facts, day(11)) is not None


def test_the_preferred_channel_is_taken_where_it_is_consented() -> None:
    """Else the first consented one in the order of the tier."""
    likes_letters = customer(preferred_channel="letter")
    assert found(known(*BASE, likes_letters)).channel == "letter"
    refused = consent("letter", "care", granted=False)
    assert found(known(*BASE, likes_letters, refused)).channel == "phone"
    assert found(known(*BASE, consent("meeting", "care"), consent("phone", "care", granted=False))).channel == "meeting"


@pytest.mark.parametrize(
    ("consented", "channel"),
    [
        ([consent("phone", "care", valid_until=day(-1))], "app"),
        ([consent("phone", "care", valid_until=day(0))], "phone"),
        ([consent("phone", "care", granted=False, effective_on=day(1))], "phone"),
        ([consent("phone", "care", granted=False, effective_on=day(0))], "app"),
    ],
)
def test_consent_has_a_first_and_a_last_day(consented: list[Data], channel: str) -> None:
    """Both days included; a refusal that starts tomorrow does not hold today."""
    assert found(known(*BASE, *consented)).channel == channel


def test_a_contact_nobody_consented_to_is_listed_as_blocked() -> None:
    """It is shown, not dropped, and has no channel."""
    contact = found(known(*BASE, *no_to_all("care")))
    assert (contact.is_blocked, contact.channel, kinds(contact)) == (True, None, {"cadence", "under-served"})


def test_a_duty_goes_by_the_mandatory_channels_against_an_opt_out() -> None:
    """The law requires it; care and pitches do not ride on it without consent."""
    facts = known(*BASE, kyc("expired", day(-9)), *no_to_all("service"), *no_to_all("care"))
    contact = found(facts)
    assert contact.channel in POLICY.contact.mandatory_channels
    assert kinds(contact) == {"kyc-expired"}
    assert {s.rule for s in contact.suppressed if s.reason.kind == "cadence"} == {"consent"}


def test_do_not_disturb_moves_even_a_duty() -> None:
    """The first possible day is the one after; it counts for all channels."""
    quiet = consent("sms", "sale", do_not_disturb_until=day(3))
    contact = found(known(*BASE, kyc("expired", day(-9)), quiet))
    assert contact.not_before == day(4)


def test_the_minimum_gap_follows_a_talk_and_a_retry_the_next_day() -> None:
    """Two days between talks; a call nobody answered may be tried again the next day."""
    late = known(*BASE, kyc("expired", day(-9)))
    assert found(replace(late, history=History(last_reached_on=day(-1)))).not_before == day(1)
    assert found(replace(late, history=History(last_attempt_on=day(0)))).not_before == day(1)
    assert found(replace(late, history=History(last_reached_on=day(-5)))).not_before == MONDAY


def test_a_pitch_needs_consent_and_a_clean_slate() -> None:
    """With consent, verified due diligence and no complaint the follow-up is a sale contact."""
    agreed = known(customer(), kyc(), consent("phone", "sale"))
    contact = found(replace(agreed, history=INTERESTED))
    assert (contact.purpose, contact.channel) == ("sale", "phone")
    silent = found(replace(known(customer(), kyc()), history=INTERESTED))
    assert (silent.is_blocked, silent.purpose) == (True, "sale")


@pytest.mark.parametrize(
    ("said", "history", "rule"),
    [
        ([kyc()], replace(INTERESTED, complaint_since=day(-40)), "open-complaint"),
        ([kyc("under-review", day(-9))], INTERESTED, "due-diligence"),
        ([kyc(valid_until=day(-1))], INTERESTED, "due-diligence"),
        ([kyc()], replace(INTERESTED, declined_sale_on=day(-90)), "declined-recently"),
    ],
)
def test_pitches_stop(said: list[Data], history: History, rule: str) -> None:
    """An open complaint, due diligence that is not in order, or a recent no."""
    facts = known(customer(), tier("platinum"), consent("phone", "sale"), *said)
    contact = found(replace(facts, history=history))
    assert "sale-follow-up" not in kinds(contact)
    assert contact.purpose != "sale"
    assert {s.rule for s in contact.suppressed if s.reason.kind == "sale-follow-up"} == {rule}


def test_only_a_pitch_that_must_not_be_made_is_no_contact() -> None:
    """With nothing else due there is nothing to say."""
    facts = known(customer(), kyc(), consent("phone", "sale"))
    assert due(replace(facts, history=replace(INTERESTED, declined_sale_on=day(-1)))) is None


def test_the_contact_depends_on_the_day_that_is_asked_for() -> None:
    """The same facts, another day, another answer: time is an argument."""
    facts = known(customer(), kyc(valid_until=day(20)))
    assert due_contact(facts, day(-30), day(-24), POLICY) is None
    later = due_contact(facts, day(8), day(14), POLICY)
    assert later is not None
    assert kinds(later) == {"kyc-expiring"}


def test_a_duty_takes_a_consented_channel_where_there_is_one() -> None:
    """The mandatory channels are only for who has refused all."""
    only_sms = [*no_to_all("service"), consent("sms", "service", effective_on=day(-1))]
    assert found(known(*BASE, kyc("expired", day(-9)), *only_sms)).channel == "sms"


def test_a_duty_is_never_silenced_by_another_reason() -> None:
    """Its channel comes first, whatever purpose the policy gives it."""
    moment = replace(POLICY.moments["kyc-expired"], purpose="care")
    policy = replace(POLICY, moments={**POLICY.moments, "kyc-expired": moment})
    only_app = [*no_to_all("care"), *no_to_all("service"), consent("app", "service", effective_on=day(-1))]
    facts = known(*BASE, kyc("expired", day(-9)), pending(since=day(-9)), *only_app)
    contact = due_contact(facts, MONDAY, SUNDAY, policy)
    assert contact is not None
    assert kinds(contact) == {"kyc-expired"}
    assert contact.channel in policy.contact.mandatory_channels
