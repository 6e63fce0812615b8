"""Use case: a relationship manager records what came of a contact."""

from dataclasses import replace

from tierflow_contact_planner.domain.contacts import Contact, Outcome, after_outcome
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.ports import Outbox, WritableRecords
from tierflow_shared.contracts.outcomes import ContactRecorded
from tierflow_shared.ids import derived_id


class UnknownContactError(LookupError):
    """No such contact."""


class ContactOverError(ValueError):
    """The contact has its outcome already, or was taken back."""


class NextStepError(ValueError):
    """The next step lies before the contact itself."""


def record_outcome(
    records: WritableRecords, outbox: Outbox, contact_id: str, outcome: Outcome, policy: Policy
) -> Contact:
    """Stores the outcome, feeds it back into what is known about the customer, and says it.

    Raises:
        UnknownContactError: no such contact.
        ContactOverError: it is not open any more.
        NextStepError: the next step lies before the contact.
    """
    contact = records.contact_for_update(contact_id)
    if contact is None:
        raise UnknownContactError(contact_id)
    if contact.status != "planned":
        raise ContactOverError(f"the contact is {contact.status}")
    if outcome.next_step_on is not None and outcome.next_step_on < outcome.occurred_at.date():
        raise NextStepError("the next step is before the contact")
    recorded = replace(contact, status="recorded", result=outcome)
    facts = records.customers_for_update([contact.customer_id])[contact.customer_id]
    records.save_customers([after_outcome(facts, contact.reasons, outcome, policy)])
    records.save_contacts([recorded])
    outbox.emit(_said(recorded, outcome), event_id=derived_id("ev", contact_id, "recorded"))
    return recorded


def _said(contact: Contact, outcome: Outcome) -> ContactRecorded:
    return ContactRecorded(
        contact_id=contact.contact_id,
        customer_id=contact.customer_id,
        rm_id=contact.rm_id,
        channel=outcome.channel,
        occurred_at=outcome.occurred_at,
        outcome=outcome.outcome,
        satisfaction=outcome.satisfaction,
        next_step_on=outcome.next_step_on,
    )
