"""Everything a decision may look at. A case is complete: the same case and packs give the same findings."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from msgspec import Struct, field

from tierflow_shared.contracts.bank import Evidence, ProductUpdated, RmUpdated, SaleRequested
from tierflow_shared.contracts.primitives import PositiveMoney

KycStatus = Literal["verified", "missing", "expired", "under-review"]
CustomerKind = Literal["person", "company", "institution"]
Capacity = Literal["full", "limited", "none"]


class RiskAssessment(Struct, frozen=True):
    """What counts of a customer's newest questionnaire for a sale."""

    assessment_id: str
    answered_at: datetime
    answered_on: date
    level: int
    confirmed: bool
    declared_assets: PositiveMoney | None = None
    horizon_days: int | None = None


class CustomerFacts(Struct, frozen=True):
    """A customer as known at one moment. Holds an age, never a birth date: decisions are kept for decades."""

    known: bool
    kind: CustomerKind | None = None
    capacity: Capacity = "full"
    vulnerable: bool = False
    age: int | None = None
    yearly_income: PositiveMoney | None = None
    kyc_status: KycStatus | None = None
    kyc_valid_until: date | None = None
    holdings: tuple[PositiveMoney, ...] = ()
    assessment: RiskAssessment | None = None


class Approval(Struct, frozen=True):
    """A person's approval of referred findings. It covers a finding only as long as its inputs stay the same."""

    subject: str
    at: datetime
    reason: str
    decision_id: str
    covers: Mapping[str, str] = field(default_factory=dict)


class Case(Struct, frozen=True):
    """A sale and everything known about it at `at`; `on` is the bank's day of that moment."""

    request: SaleRequested
    at: datetime
    on: date
    customer: CustomerFacts
    product: ProductUpdated
    staff: RmUpdated | None = None
    evidence: tuple[Evidence, ...] = ()
    approvals: tuple[Approval, ...] = ()

    def has(self, kind: str) -> bool:
        """Whether a document of this kind was made before the decision."""
        return any(item.kind == kind and item.recorded_at <= self.at for item in self.evidence)

    @property
    def product_level(self) -> int:
        """The higher of the issuer's and the seller's level counts (order 7 of 2025, article 22)."""
        return max(self.product.issuer_risk_level, self.product.seller_risk_level)
