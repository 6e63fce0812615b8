"""A contact with one customer from plan to outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Literal

from tierflow_contact_planner.domain.due import DueContact
from tierflow_contact_planner.domain.facts import CustomerFacts, History, NextStep
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.reasons import Reason
from tierflow_shared.contracts.bank import Style
from tierflow_shared.contracts.outcomes import ContactOutcome
from tierflow_shared.contracts.primitives import Channel, Purpose
from tierflow_shared.ids import derived_id

Status = Literal["planned", "recorded", "withdrawn"]
ANSWERED_KEPT = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a contact, and who said so (the subject of the token). `satisfaction` is 1 (low) to 5.

    `note` is sealed under the customer's key; nothing here can read it.
    """

    outcome: ContactOutcome
    channel: Channel
    occurred_at: datetime
    recorded_by: str
    satisfaction: int | None = None
    next_step_on: date | None = None
    note: str | None = None

    @property
    def is_reached(self) -> bool:
        """True when the customer was spoken to, whatever was said."""
        return self.outcome != "not-reached"


@dataclass(frozen=True, slots=True)
class Contact:
    """One planned contact of a manager with a customer; `starts_at` is local time of the manager's region."""

    contact_id: str
    rm_id: str
    customer_id: str
    planned_on: date
    starts_at: time
    due_on: date
    purpose: Purpose
    channel: Channel
    reasons: tuple[Reason, ...]
    tier: str
    personas: tuple[str, ...]
    style: Style | None
    is_familiar: bool
    minutes: int
    status: Status = "planned"
    result: Outcome | None = None

    def says_the_same_as(self, other: "Contact | None") -> bool:
        """True when the published plan of this contact needs no new word."""
        return other is not None and other.status == "planned" and _said(self) == _said(other)


def _said(contact: Contact) -> tuple[object, ...]:
    reasons = tuple((reason.kind, reason.cause, reason.due_on) for reason in contact.reasons)
    return (contact.planned_on, contact.purpose, contact.channel, reasons)


def contact_id(rm_id: str, customer_id: str, week: date, number: int) -> str:
    """The same id for the same manager, customer, week (its Monday) and number within that week."""
    return derived_id("ct", rm_id, customer_id, week.isoformat(), number)


def planned_contact(due: DueContact, contact_id: str, rm_id: str, planned_on: date, starts_at: time) -> Contact:
    """A due contact that got its day.

    Raises:
        ValueError: no channel may carry it.
    """
    if due.channel is None:
        raise ValueError("a contact that is blocked by consent cannot be planned")
    return Contact(
        contact_id=contact_id,
        rm_id=rm_id,
        customer_id=due.customer_id,
        planned_on=planned_on,
        starts_at=starts_at,
        due_on=due.due_on,
        purpose=due.purpose,
        channel=due.channel,
        reasons=due.reasons,
        tier=due.tier,
        personas=due.personas,
        style=due.style,
        is_familiar=due.is_familiar,
        minutes=due.minutes,
    )


def after_outcome(facts: CustomerFacts, reasons: Sequence[Reason], result: Outcome, policy: Policy) -> CustomerFacts:
    """What is known once an outcome is recorded: cadence restarts, causes are answered, complaints open and close."""
    on, history = result.occurred_at.date(), facts.history
    attempted = replace(history, last_attempt_on=_latest(history.last_attempt_on, on))
    if not result.is_reached:
        return replace(facts, history=_next_step(attempted, (), result, on))
    causes = [reason.cause for reason in reasons if reason.klass != "cadence"]
    reached = replace(
        attempted,
        last_reached_on=_latest(history.last_reached_on, on),
        answered=_answered(history, causes, on),
        complaint_since=_complaint(history, causes, result, on, policy),
    )
    if result.satisfaction is not None:
        reached = replace(reached, satisfaction=result.satisfaction, satisfaction_on=on)
    if result.outcome == "declined" and any(reason.purpose == "sale" for reason in reasons):
        reached = replace(reached, declined_sale_on=_latest(history.declined_sale_on, on))
    return replace(facts, history=_next_step(reached, causes, result, on))


def _latest(known: date | None, on: date) -> date:
    return on if known is None else max(known, on)


def _answered(history: History, causes: Sequence[str], on: date) -> dict[str, date]:
    answered = dict(history.answered)
    for cause in causes:
        answered[cause] = _latest(answered.get(cause), on)
    newest = sorted(answered.items(), key=lambda item: (item[1], item[0]))
    return dict(newest[-ANSWERED_KEPT:])


def _complaint(history: History, causes: Sequence[str], result: Outcome, on: date, policy: Policy) -> date | None:
    """Opened by the outcome; closed by a later talk about it that satisfied the customer."""
    if result.outcome == "complaint":
        return history.complaint_since or on
    if history.complaint_since is None:
        return None
    was_talked_about = f"complaint/{history.complaint_since.isoformat()}" in causes
    is_satisfied = (result.satisfaction or 0) >= policy.contact.complaint_closed_from
    return None if was_talked_about and is_satisfied else history.complaint_since


def _next_step(history: History, causes: Sequence[str], result: Outcome, on: date) -> History:
    if result.next_step_on is not None:
        step = NextStep(result.next_step_on, on, is_sale=result.outcome == "interested")
        return replace(history, next_step=step)
    known = history.next_step
    is_done = known is not None and f"next-step/{known.due_on.isoformat()}" in causes
    return replace(history, next_step=None) if is_done else history
