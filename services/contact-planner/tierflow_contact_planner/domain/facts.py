"""What is known about a customer: registers whose value is a function of the set of events, never of their order.

A fact that can be stated again carries the version of the event that stated it: (when, source, id), where `when` is
the producer's time and, for Tierflow's own events, their place in the log after it. The greatest version wins.
Nothing here identifies a person; names, birth dates and contact data never arrive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from tierflow_shared.contracts.bank import Occupation, Origin, ProductCategory, Style
from tierflow_shared.contracts.outcomes import DecisionOutcome, Direction
from tierflow_shared.contracts.primitives import Channel

Version = tuple[str, str, str]
KycStatus = Literal["verified", "missing", "expired", "under-review"]


@dataclass(frozen=True, slots=True)
class Profile:
    """The parts of the customer's profile that decide contacts."""

    version: Version
    relationship_since: date | None
    occupation: Occupation | None
    origin: Origin | None
    rent_share_percent: int | None
    style: Style | None
    rm_id: str | None
    preferred_channel: Channel | None


@dataclass(frozen=True, slots=True)
class TierStatement:
    """The tier of one scheme from a day on."""

    version: Version
    effective_on: date
    tier: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class TierMove:
    """A customer moved up or down in a scheme on a day."""

    version: Version
    scheme: str
    tier: str
    previous_tier: str | None
    direction: Direction
    effective_on: date


@dataclass(frozen=True, slots=True)
class PendingTier:
    """The newest word about a waiting downgrade of one scheme."""

    version: Version
    tier: str
    pending_tier: str
    is_open: bool
    since: date
    due_on: date
    shortfall: str


@dataclass(frozen=True, slots=True)
class KycStatement:
    """The state of due diligence from a day on; `valid_until` is its last day."""

    version: Version
    effective_on: date
    status: KycStatus
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class ConsentStatement:
    """Consent for one channel and purpose from a day on; both `until` days are included."""

    version: Version
    effective_on: date
    granted: bool
    valid_until: date | None
    do_not_disturb_until: date | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What the customer holds of a product at its newest valuation."""

    version: Version
    as_of: date
    product_id: str
    category: ProductCategory
    is_held: bool
    matures_on: date | None


@dataclass(frozen=True, slots=True)
class SaleDecision:
    """The newest decision on a sale."""

    version: Version
    outcome: DecisionOutcome
    decided_on: date
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sale:
    """What happened to a sale so far. Confirmed and rejected happen once, on the day given."""

    product_id: str
    decision: SaleDecision | None = None
    confirmed_on: date | None = None
    rejected_on: date | None = None
    rejected_reason: str | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """A next contact that was agreed in a contact."""

    due_on: date
    agreed_on: date
    is_sale: bool


@dataclass(frozen=True, slots=True)
class History:
    """What contacts brought. `answered` says for each cause on which day it was last talked about."""

    last_reached_on: date | None = None
    last_attempt_on: date | None = None
    declined_sale_on: date | None = None
    complaint_since: date | None = None
    satisfaction: int | None = None
    satisfaction_on: date | None = None
    next_step: NextStep | None = None
    answered: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Everything contact planning knows about one customer. Keys of the mappings: scheme, `channel/purpose`,
    holding id, sale id, `scheme/tier/day/direction`. `traceparent` is no fact: it names the trace of the last
    traced news, in which a contact is told that follows from what is known; "" where nobody traces."""

    customer_id: str
    profile: Profile | None = None
    first_account_on: date | None = None
    last_account_on: date | None = None
    tiers: Mapping[str, tuple[TierStatement, ...]] = field(default_factory=dict)
    moves: Mapping[str, TierMove] = field(default_factory=dict)
    pending: Mapping[str, PendingTier] = field(default_factory=dict)
    kyc: tuple[KycStatement, ...] = ()
    consents: Mapping[str, tuple[ConsentStatement, ...]] = field(default_factory=dict)
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    sales: Mapping[str, Sale] = field(default_factory=dict)
    history: History = History()
    traceparent: str = ""
