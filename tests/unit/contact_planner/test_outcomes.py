"""What an outcome feeds back into what is known about the customer."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.contact_planner.samples import MONDAY, POLICY, at, customer, day, decided, known, kyc, reasons, tier
from tierflow_contact_planner.domain.contacts import ANSWERED_KEPT, Outcome, after_outcome, planned_contact
from tierflow_contact_planner.domain.due import due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts, History

FACTS = known(customer(), kyc(), tier("platinum"), decided("blocked", day(-1)))


def outcome(what: Any = "reached", on: int = 0, **fields: Any) -> Outcome:
    return Outcome(outcome=what, channel="phone", occurred_at=at(day(on)), recorded_by="rm-1", **fields)


def after(result: Outcome, facts: CustomerFacts = FACTS) -> History:
    return after_outcome(facts, list(reasons(facts).values()), result, POLICY).history


@pytest.mark.parametrize("what", ["reached", "interested", "declined", "complaint", "sale"])
def test_every_talk_restarts_the_cadence_and_answers_the_causes(what: str) -> None:
    """Whatever was said: the customer was reached."""
    history = after(outcome(what))
    assert history.last_reached_on == MONDAY
    assert history.answered["sale/s1/blocked"] == MONDAY
    assert "cadence" not in history.answered


def test_a_call_nobody_answered_answers_nothing() -> None:
    """It only counts as an attempt."""
    history = after(outcome("not-reached"))
    assert history == History(last_attempt_on=MONDAY)


def test_an_outcome_that_is_recorded_late_does_not_turn_time_back() -> None:
    """The latest talk counts, whatever the order of recording."""
    later = after_outcome(FACTS, [], outcome(on=3), POLICY)
    assert after_outcome(later, [], outcome(on=1), POLICY).history.last_reached_on == day(3)


def test_a_complaint_opens_and_closes() -> None:
    """It stays open until somebody talks about it and the customer is satisfied with that."""
    opened = after_outcome(FACTS, [], outcome("complaint"), POLICY)
    assert opened.history.complaint_since == MONDAY
    assert after(outcome("complaint", on=2), opened).complaint_since == MONDAY
    assert after(outcome(on=2), opened).complaint_since == MONDAY
    assert after(outcome(on=2, satisfaction=2), opened).complaint_since == MONDAY
    assert after(outcome(on=2, satisfaction=3), opened).complaint_since is None
    about_other_things = after_outcome(opened, [], outcome(on=2, satisfaction=5), POLICY)
    assert about_other_things.history.complaint_since == MONDAY


def test_a_next_step_is_kept_until_it_is_done() -> None:
    """`interested` makes it a pitch; the talk that was agreed ends it."""
    agreed = after_outcome(FACTS, [], outcome("interested", next_step_on=day(3)), POLICY)
    step = agreed.history.next_step
    assert step is not None
    assert (step.due_on, step.is_sale) == (day(3), True)
    assert after_outcome(agreed, [], outcome(on=1), POLICY).history.next_step == step
    assert after(outcome(on=3), agreed).next_step is None


def test_a_declined_pitch_is_remembered() -> None:
    """Only where a pitch was among the reasons."""
    assert after(outcome("declined")).declined_sale_on == MONDAY
    service_only = [r for r in reasons(FACTS).values() if r.purpose != "sale"]
    assert after_outcome(FACTS, service_only, outcome("declined"), POLICY).history.declined_sale_on is None


def test_answered_causes_do_not_grow_without_limit() -> None:
    """The newest are kept."""
    many = {f"cause-{n:03}": day(-400 + n) for n in range(ANSWERED_KEPT + 50)}
    history = after(outcome(), replace(FACTS, history=History(answered=many)))
    assert len(history.answered) == ANSWERED_KEPT
    assert "cause-000" not in history.answered
    assert "sale/s1/blocked" in history.answered


def test_what_is_blocked_by_consent_cannot_be_planned() -> None:
    """A contact without a channel has no day."""
    due = due_contact(FACTS, MONDAY, day(6), POLICY)
    assert due is not None
    with pytest.raises(ValueError, match="consent"):
        planned_contact(replace(due, channel=None), "ct-1", "rm-1", MONDAY, at(MONDAY).time())
