"""What the bank says: the inbound events, version 1. Schemas may only grow.

All events about one customer travel on one topic under the customer's id, so whatever is decided about a
customer sees the customer's events in the order in which the bank sent them.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta

from tierflow_shared.contracts.primitives import (
    AccountId,
    Channel,
    CodedText,
    Currency,
    CustomerId,
    Data,
    Id,
    Level,
    Money,
    PersonalDate,
    PersonalText,
    PositiveMoney,
    ProductId,
    Purpose,
    RmId,
    SealedFields,
    TechnicalText,
)

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 date-time with offset")]
Occupation = Literal[
    "business-owner",
    "rentier",
    "civil-servant",
    "teacher",
    "doctor",
    "lawyer",
    "accountant",
    "employee",
    "executive",
    "retired",
    "homemaker",
    "student",
    "other",
]
Origin = Literal["mainland", "hong-kong", "macao", "taiwan", "foreign"]
LegalCapacity = Literal["full", "limited", "none"]
Style = Literal["driver", "amiable", "expressive", "analytical"]
Stage = Literal["prospect", "interested", "client", "after-sale"]
ProductCategory = Literal["deposit", "wealth", "trust", "insurance", "fund", "securities", "futures", "loan", "card"]
TransactionChannel = Literal["branch", "atm", "card", "online", "mobile", "phone", "standing-order", "system"]
TransactionPurpose = Literal[
    "cash",
    "transfer",
    "card-payment",
    "salary",
    "pension",
    "fee",
    "interest",
    "penalty-interest",
    "insurance",
    "household",
    "loan-payment",
    "leasing",
    "investment",
    "other",
]
EvidenceKind = Literal[
    "disclosure",
    "match-opinion",
    "recording",
    "guardian-consent",
    "special-care",
    "income-declaration",
    "qualified-investor",
    "risk-warning",
    "policyholder-declaration",
]


class Personal(Data, frozen=True, kw_only=True):
    """Fields that identify a person. They travel apart so that they can be encrypted and erased alone."""

    name: PersonalText | None = None
    birth_date: PersonalDate | None = None
    phone: PersonalText | None = None
    email: PersonalText | None = None
    notes: PersonalText | None = None


class CustomerUpdated(Data, frozen=True, kw_only=True):
    """The profile of a customer as it stands from the event's time on (the newest event wins)."""

    customer_id: CustomerId
    kind: Literal["person", "company", "institution"]
    source: TechnicalText = "core-banking"
    personal: Personal | None = None
    relationship_since: date | None = None
    household_id: Id | None = None
    occupation: Occupation | None = None
    origin: Origin | None = None
    region: PersonalText | None = None
    yearly_income: PositiveMoney | None = None
    rent_share_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    legal_capacity: LegalCapacity = "full"
    vulnerable: bool = False
    stage: Stage = "client"
    style: Style | None = None
    rm_id: RmId | None = None
    branch_id: Id | None = None
    preferred_channel: Channel | None = None
    language: Literal["en", "zh", "cs"] | None = None
    sealed: SealedFields | None = None


class AccountOpened(Data, frozen=True, kw_only=True):
    """An account exists from `opened_on`; its balance starts at zero and moves by transactions alone."""

    account_id: AccountId
    customer_id: CustomerId
    kind: Literal["current", "savings", "time-deposit", "settlement", "loan", "card"]
    currency: Currency
    opened_on: date
    branch_id: Id | None = None
    statement: Literal["monthly", "weekly", "after-transaction"] | None = None


class AccountClosed(Data, frozen=True, kw_only=True):
    """An account takes no more bookings after `closed_on`."""

    account_id: AccountId
    customer_id: CustomerId
    closed_on: date


class AccountPartyUpdated(Data, frozen=True, kw_only=True):
    """A person's right to an account. Only the owner's tier counts its money: nothing is counted twice."""

    party_id: Id
    account_id: AccountId
    customer_id: CustomerId
    role: Literal["owner", "authorised"]


class StandingOrderUpdated(Data, frozen=True, kw_only=True):
    """A standing payment order out of an account."""

    order_id: Id
    account_id: AccountId
    customer_id: CustomerId
    amount: PositiveMoney
    purpose: Literal["household", "loan-payment", "insurance", "leasing", "other"]
    active: bool = True


class TransactionPosted(Data, frozen=True, kw_only=True):
    """One booked transaction: `direction` says whether the account's balance rises or falls by `amount`."""

    transaction_id: Id
    customer_id: CustomerId
    account_id: AccountId
    amount: PositiveMoney
    direction: Literal["credit", "debit"]
    booking_date: date
    channel: TransactionChannel
    purpose: TransactionPurpose
    counterparty_bank: CodedText | None = None
    sealed: SealedFields | None = None


class TransactionReversed(Data, frozen=True, kw_only=True):
    """Takes a posted transaction back as if it had never been; repeats what was posted."""

    transaction_id: Id
    customer_id: CustomerId
    account_id: AccountId
    amount: PositiveMoney
    direction: Literal["credit", "debit"]
    booking_date: date
    channel: TransactionChannel
    purpose: TransactionPurpose
    reversed_on: date
    reason: PersonalText | None = None
    sealed: SealedFields | None = None


class ProductUpdated(Data, frozen=True, kw_only=True):
    """A product as it may be sold from the event's time on. Levels: issuer's and the bank's own."""

    product_id: ProductId
    name: TechnicalText
    name_zh: TechnicalText | None = None
    category: ProductCategory
    issuer_risk_level: Level
    seller_risk_level: Level
    currency: Currency
    placement: Literal["public", "private"] = "public"
    minimum_amount: PositiveMoney | None = None
    large_amount: PositiveMoney | None = None
    lock_up_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    uncertain_benefit: bool = False
    years_to_pay: Annotated[int, Meta(ge=0, le=100)] = 0
    derivative: bool = False
    on_sale_from: date
    on_sale_until: date | None = None


class HoldingUpdated(Data, frozen=True, kw_only=True):
    """What a customer holds of a product, valued on `as_of` (end of that day)."""

    holding_id: Id
    customer_id: CustomerId
    product_id: ProductId
    category: ProductCategory
    value: PositiveMoney
    as_of: date
    matures_on: date | None = None


class KycUpdated(Data, frozen=True, kw_only=True):
    """The state of customer due diligence from `effective_on` until `valid_until` (both days included)."""

    customer_id: CustomerId
    status: Literal["verified", "missing", "expired", "under-review"]
    effective_on: date
    valid_until: date | None = None
    basis: PersonalText | None = None
    sealed: SealedFields | None = None


class ConsentUpdated(Data, frozen=True, kw_only=True):
    """A customer's consent to be contacted on one channel for one purpose (the newest event wins)."""

    customer_id: CustomerId
    channel: Channel
    purpose: Purpose
    granted: bool
    effective_on: date
    valid_until: date | None = None
    do_not_disturb_until: date | None = None


class Qualification(Data, frozen=True, kw_only=True):
    """A licence to sell or advise on a category of products."""

    category: ProductCategory
    valid_until: date


class RmUpdated(Data, frozen=True, kw_only=True):
    """A relationship manager or other member of sales staff (the newest event wins)."""

    rm_id: RmId
    role: Literal["private-banking", "platinum", "personal", "phone-centre", "general-sales"]
    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166 country: its working days")]
    branch_id: Id | None = None
    active: bool = True
    weekly_list: Annotated[int, Meta(ge=0, le=1000)] = 100
    daily_reached: Annotated[int, Meta(ge=0, le=200)] = 20
    qualifications: Annotated[tuple[Qualification, ...], Meta(max_length=50)] = ()


class Evidence(Data, frozen=True, kw_only=True):
    """A document that stands behind a sale: what it is, where it is kept and when it was made."""

    kind: EvidenceKind
    reference: Id
    recorded_at: Moment


class SaleRequested(Data, frozen=True, kw_only=True):
    """Somebody wants to sell or buy: the sale waits for its decision."""

    sale_id: Id
    customer_id: CustomerId
    product_id: ProductId
    amount: PositiveMoney
    requested_at: Moment
    initiated_by: Literal["customer", "bank"]
    channel: Literal["branch", "phone", "online", "mobile"]
    staff_id: RmId | None = None
    years_to_pay: Annotated[int, Meta(ge=0, le=100)] | None = None
    stated_budget: PositiveMoney | None = None
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=50)] = ()


__all__ = [
    "AccountClosed",
    "AccountOpened",
    "AccountPartyUpdated",
    "ConsentUpdated",
    "CustomerUpdated",
    "Evidence",
    "HoldingUpdated",
    "KycUpdated",
    "Money",
    "Personal",
    "ProductUpdated",
    "Qualification",
    "RmUpdated",
    "SaleRequested",
    "StandingOrderUpdated",
    "TransactionPosted",
    "TransactionReversed",
]
