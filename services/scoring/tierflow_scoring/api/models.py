"""The shapes of answers. Money in the base currency, days as dates, tiers with their titles in both languages."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class Title(BaseModel):
    """A text in English and Chinese."""

    en: str
    zh: str


class Amount(BaseModel):
    """An exact amount."""

    value: str = Field(examples=["12000.00"])
    currency: str = Field(examples=["CZK"])


class ReasonView(BaseModel):
    """One measure's part in a tier."""

    measure: str
    value: str
    threshold: str | None = None
    missing: str | None = Field(None, description="to the next tier, in the unit of the measure")
    contribution: int | None = Field(None, description="points of 10,000 that this part gives")


class PendingView(BaseModel):
    """A downgrade that waits."""

    tier: str = Field(description="the tier on the due day if nothing changes")
    since: date
    due_on: date
    shortfall: str | None = Field(None, description="what would keep the tier", examples=["12000.00 CZK"])
    words: str | None = Field(None, examples=["12000.00 CZK short of platinum"])


class NextTier(BaseModel):
    """What is missing for the tier above."""

    tier: str
    missing: str = Field(description="in the unit of the measure", examples=["888000.00"])
    amount: Amount | None = Field(None, description="the same as money, where the measure is money")
    words: str = Field(examples=["888000.00 CZK short of platinum"])


class ServiceView(BaseModel):
    """What the tier gets."""

    owner: Title
    channel: Title
    response_time: Title
    cadence: Title
    benefits: list[Title]


class StandingOut(BaseModel):
    """A customer's standing in one scheme."""

    scheme: str
    tier: str = Field(description="of the last closed day, or a higher one reached since")
    title: Title
    provisional: bool = Field(description="new for less than six months, or due diligence is not valid")
    effective_on: date
    policy_version: str
    measure: str
    measure_value: str
    reasons: list[ReasonView]
    pending: PendingView | None = None
    next: NextTier | None = None
    service: ServiceView


class ScorePartView(BaseModel):
    """What one feature gives to a score."""

    feature: str
    points: int = Field(ge=0, le=100)
    weight_percent: int


class ScoreView(BaseModel):
    """One dimension of customer value, 0 to 100."""

    dimension: str
    title: Title
    score: int = Field(ge=0, le=100)
    parts: list[ScorePartView]


class CustomerOut(BaseModel):
    """A customer as she stands now. `tiers` is empty until her relationship has begun."""

    customer_id: str
    as_of: date | None = Field(description="the open business day; its bookings so far count")
    tiers: list[StandingOut]
    scores: list[ScoreView]
    features: dict[str, str] = Field(description="money as decimal text in the base currency, the rest as counts")


class BeliefView(BaseModel):
    """A standing that held from `valid_from` until `valid_until`, as believed from `known_from` on."""

    scheme: str
    tier: str
    title: Title
    provisional: bool
    pending: PendingView | None = None
    valid_from: date
    valid_until: date | None = Field(description="last day; null while it lasts")
    policy_version: str
    measure_value: str
    reasons: list[ReasonView]
    features: dict[str, str]
    known_from: datetime
    known_from_day: date = Field(description="the business day that was open when it became known")
    known_until: datetime | None
    known_until_day: date | None


class History(BaseModel):
    """A customer's tier history as believed at a moment of knowledge."""

    customer_id: str
    items: list[BeliefView]


class AccountView(BaseModel):
    """The bookings on an account. Accounts start at zero, so `net` is the balance."""

    account_id: str
    customer_id: str
    net: Amount
    credit: Amount
    debit: Amount
    net_minor: int
    bookings: int = Field(description="transactions; a reversal takes one away")


class PyramidTier(BaseModel):
    """One tier of the pyramid, lowest first."""

    tier: str
    title: Title
    customers: int
    provisional: int


class PyramidOut(BaseModel):
    """How many customers stand on each tier."""

    scheme: str
    title: Title
    as_of: date | None
    policy_version: str
    customers: int
    tiers: list[PyramidTier]


class MoveView(BaseModel):
    """How many customers moved from one tier to another in a period."""

    period: str = Field(examples=["1993-07"])
    direction: str = Field(description="initial, up or down")
    previous_tier: str | None
    tier: str
    customers: int


class MovesOut(BaseModel):
    """Moves by period."""

    scheme: str
    by: str
    items: list[MoveView]


class MoverView(BaseModel):
    """One of the largest moves, with the reasons of the decision."""

    customer_id: str
    previous_tier: str
    tier: str
    direction: str
    effective_on: date
    provisional: bool
    previous_value: str
    value: str
    policy_version: str
    reasons: list[ReasonView]


class MoversOut(BaseModel):
    """The largest moves."""

    scheme: str
    items: list[MoverView]


class StandingLine(BaseModel):
    """One customer's tier on a day, and the decision behind it."""

    customer_id: str
    tier: str = Field(examples=["platinum"])
    provisional: bool
    decided_on: date = Field(description="the day of the decision that still holds")
    policy_version: str = Field(examples=["2024.1"])
    value: str = Field(description="of the measure, on that day", examples=["1200000.00"])
    reasons: list[ReasonView]


class DigestOut(BaseModel):
    """One number for all features, tier paths and account sums; a function of the set of events alone."""

    digest: str
    as_of: date | None
    customers: int
    accounts: int
    transactions: int
    paths_differing: int = Field(description="customers whose stored path is not what a fresh fold says; 0 is right")


class PolicyRow(BaseModel):
    """A version of a scheme in the list of policies."""

    scheme: str
    version: str
    effective_from: date
    title: Title
    in_force: bool = Field(description="on the latest open business day")


class PoliciesOut(BaseModel):
    """All versions of all schemes."""

    policy_set: str
    items: list[PolicyRow]


class PolicyTierView(BaseModel):
    """One tier of a policy."""

    tier: str
    title: Title
    enter: str
    exit: str
    service: ServiceView


class PolicyPartView(BaseModel):
    """One part of a composite measure: a rising broken line from a feature to points."""

    name: str
    feature: str
    weight_percent: int
    line: list[tuple[str, int]]


class PolicyOut(BaseModel):
    """One version of a scheme in full."""

    scheme: str
    version: str
    effective_from: date
    title: Title
    measure: str
    unit: str
    parts: list[PolicyPartView]
    grace_days: int
    minimum_stay_days: int
    provisional_months: int
    tiers: list[PolicyTierView]
