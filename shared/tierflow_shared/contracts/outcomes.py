"""What Tierflow says: the outbound events, version 1. Schemas may only grow."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from tierflow_shared.contracts.bank import Moment
from tierflow_shared.contracts.primitives import (
    Channel,
    CustomerId,
    Data,
    Id,
    Money,
    PositiveMoney,
    ProductId,
    Purpose,
    RmId,
    TechnicalText,
)

Direction = Literal["initial", "up", "down", "status"]
ContactOutcome = Literal["reached", "not-reached", "interested", "declined", "complaint", "sale"]
Verdict = Literal["pass", "warn", "refer", "block"]
DecisionOutcome = Literal["approved", "blocked", "needs-evidence", "referred"]
ErasureBasis = Literal["customer-request", "retention-over", "authority-order"]


class Reason(Data, frozen=True, kw_only=True):
    """One dimension's part in a tier: the measure, its value, and the threshold it was held against."""

    measure: Id
    value: TechnicalText
    threshold: TechnicalText | None = None
    missing: TechnicalText | None = None
    contribution: int | None = None


class TierChanged(Data, frozen=True, kw_only=True):
    """A customer's tier in one scheme changed, or the tier stopped being provisional (`status`)."""

    customer_id: CustomerId
    scheme: Id
    tier: Id
    previous_tier: Id | None = None
    direction: Direction
    provisional: bool
    effective_on: date
    policy_version: Id
    reasons: tuple[Reason, ...] = ()


class TierPending(Data, frozen=True, kw_only=True):
    """A downgrade waits until `due_on` (`state` open), or the customer recovered (`state` cleared)."""

    customer_id: CustomerId
    scheme: Id
    tier: Id
    pending_tier: Id
    state: Literal["open", "cleared"]
    since: date
    due_on: date
    measure: Id
    shortfall: TechnicalText
    policy_version: Id


class ContactReason(Data, frozen=True, kw_only=True):
    """Why a contact is due: a cadence or a moment of truth, and the day by which it should happen."""

    kind: Id
    cause: TechnicalText
    due_on: date


class ContactPlanned(Data, frozen=True, kw_only=True):
    """A relationship manager will contact a customer on `planned_on`."""

    contact_id: Id
    customer_id: CustomerId
    rm_id: RmId
    planned_on: date
    channel: Channel
    purpose: Purpose
    reasons: tuple[ContactReason, ...]


class ContactRecorded(Data, frozen=True, kw_only=True):
    """What came of a contact."""

    contact_id: Id
    customer_id: CustomerId
    rm_id: RmId
    channel: Channel
    occurred_at: Moment
    outcome: ContactOutcome
    satisfaction: Annotated[int, Meta(ge=1, le=5)] | None = None
    next_step_on: date | None = None


class Finding(Data, frozen=True, kw_only=True):
    """One rule's answer: which rule, which article of which regime, and what it found."""

    rule_id: Id
    article: TechnicalText
    verdict: Verdict
    message: TechnicalText
    needs: tuple[Id, ...] = ()


class SaleDecided(Data, frozen=True, kw_only=True):
    """The decision on a sale request with every finding; the worst finding gives the outcome."""

    sale_id: Id
    decision_id: Id
    customer_id: CustomerId
    product_id: ProductId
    amount: PositiveMoney
    outcome: DecisionOutcome
    pack: Id
    pack_version: Id
    pack_hash: Id
    decided_on: date
    findings: tuple[Finding, ...]


class SaleConfirmed(Data, frozen=True, kw_only=True):
    """The sale is confirmed: it was approved, and its evidence is complete."""

    sale_id: Id
    decision_id: Id
    customer_id: CustomerId
    product_id: ProductId
    amount: PositiveMoney
    confirmed_at: Moment
    confirmed_by: Id


class SaleRejected(Data, frozen=True, kw_only=True):
    """The sale will not happen: blocked, declined by a person, withdrawn, or its time ran out."""

    sale_id: Id
    decision_id: Id | None = None
    customer_id: CustomerId
    product_id: ProductId
    reason: Literal["blocked", "declined", "withdrawn", "expired"]
    rejected_at: Moment


class BusinessDateAdvanced(Data, frozen=True, kw_only=True):
    """All business days before `business_date` are over. One copy goes to every partition of the bank topic."""

    business_date: date


class CustomerErased(Data, frozen=True, kw_only=True):
    """A person was erased: the key is deleted, and whoever holds a copy of what it opened forgets it.

    What the law wants kept (amounts, tiers, decisions under the opaque id) stays. The newest key is gone since
    `erased_at`; events about the customer that still come are taken without their personal fields.
    """

    erasure_id: Id
    customer_id: CustomerId
    basis: ErasureBasis
    requested_by: Id
    confirmed_by: Id
    erased_at: Moment


class DeadLetter(Data, frozen=True, kw_only=True):
    """A message that a service could not take. Carries where it lies, never its content.

    `replay_of` is the dead letter because of which the message was sent again, or corrected.
    """

    dead_letter_id: Id
    service: Id
    topic: Id
    partition: int
    offset: int
    key: Id
    event_id: TechnicalText
    event_source: TechnicalText
    event_type: TechnicalText
    reason: Id
    detail: TechnicalText
    occurred_at: Moment
    replay_of: Id | None = None


__all__ = [
    "BusinessDateAdvanced",
    "ContactPlanned",
    "ContactReason",
    "ContactRecorded",
    "CustomerErased",
    "DeadLetter",
    "Finding",
    "Money",
    "Reason",
    "SaleConfirmed",
    "SaleDecided",
    "SaleRejected",
    "TierChanged",
    "TierPending",
]
