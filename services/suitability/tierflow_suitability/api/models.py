"""Bodies over HTTP: what comes in is read strictly, what goes out is documented here."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from tierflow_shared.contracts.bank import Evidence, EvidenceKind, ProductCategory
from tierflow_shared.contracts.outcomes import DecisionOutcome, Verdict
from tierflow_shared.web.models import (
    TECHNICAL,
    CurrencyCode,
    Id,
    PersonalText,
    PositiveMoneyModel,
    StrictModel,
    TechnicalText,
)
from tierflow_suitability.domain.sales import CloseReason, SaleState

Level = Annotated[int, Field(ge=1, le=5)]
Years = Annotated[int, Field(ge=0, le=100)]
_EARLIEST, _LATEST = 1900, 2199


def _in_our_time(value: datetime) -> datetime:
    if not _EARLIEST <= value.year <= _LATEST:
        raise PydanticCustomError("date-range", "the year must lie between 1900 and 2199")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time), Field(examples=["2026-03-02T09:30:00+08:00"])]


Choice = Annotated[str, Field(max_length=64, json_schema_extra=TECHNICAL)]
"""Id of a question or an option: checked against the questionnaire before it is kept."""


class EvidenceBody(StrictModel):
    """A document: what it is, where the bank keeps it, and when it was made."""

    kind: EvidenceKind
    reference: Id
    recorded_at: Moment

    def contract(self) -> Evidence:
        return Evidence(kind=self.kind, reference=self.reference, recorded_at=self.recorded_at)


class SaleBody(StrictModel):
    """A request to sell or buy. The moment of the request is the service's own."""

    customer_id: Id
    product_id: Id
    amount: PositiveMoneyModel
    initiated_by: Literal["customer", "bank"]
    channel: Literal["branch", "phone", "online", "mobile"]
    staff_id: Id | None = None
    years_to_pay: Years | None = None
    stated_budget: PositiveMoneyModel | None = None
    evidence: Annotated[tuple[EvidenceBody, ...], Field(max_length=50)] = ()


class ApprovalBody(StrictModel):
    """What a second person says about exactly this decision."""

    decision_id: Id
    verdict: Literal["approve", "decline"]
    reason: Annotated[PersonalText, Field(min_length=1)]


class ConfirmBody(StrictModel):
    """The approved decision that the confirmation relies on."""

    decision_id: Id


class AnswersBody(StrictModel):
    """A questionnaire, answered by the customer: question id to option id."""

    questionnaire: Annotated[TechnicalText, Field(examples=["cn-retail"])]
    version: Annotated[TechnicalText, Field(examples=["2026.1"])]
    answers: Annotated[dict[Choice, Choice], Field(max_length=100)]


class ProductBody(StrictModel):
    """A product as it may be sold from now on. The higher of the two risk levels counts."""

    name: Annotated[TechnicalText, Field(min_length=1)]
    name_zh: TechnicalText | None = None
    category: ProductCategory
    issuer_risk_level: Level
    seller_risk_level: Level
    currency: CurrencyCode
    placement: Literal["public", "private"] = "public"
    minimum_amount: PositiveMoneyModel | None = None
    large_amount: PositiveMoneyModel | None = None
    lock_up_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    uncertain_benefit: bool = False
    years_to_pay: Years = 0
    derivative: bool = False
    on_sale_from: date
    on_sale_until: date | None = None

    @model_validator(mode="after")
    def _amounts_are_in_its_currency(self) -> Self:
        for name in ("minimum_amount", "large_amount"):
            amount: PositiveMoneyModel | None = getattr(self, name)
            if amount is not None and amount.currency != self.currency:
                raise PydanticCustomError("currency", "must be in the product's currency", {"field": name})
        return self


class MoneyOut(BaseModel):
    """An exact amount."""

    value: str
    currency: str


class FindingOut(BaseModel):
    """One rule's answer, with what it looked at and what it wants."""

    rule_id: str
    article: str
    verdict: Verdict
    message: str
    inputs: dict[str, str | int | bool | None]
    needs: list[str]


class PackOut(BaseModel):
    """The pack a decision was made with."""

    pack: str
    version: str
    hash: str


class DecisionOut(BaseModel):
    """A decision with every finding; the worst one gives the outcome."""

    decision_id: str
    sale_id: str
    outcome: DecisionOutcome
    decided_at: datetime
    on: date
    trigger: str
    packs: list[PackOut]
    findings: list[FindingOut]


class EvidenceOut(BaseModel):
    """A document and who brought it."""

    kind: str
    reference: str
    recorded_at: datetime
    submitted_by: str


class ApprovalOut(BaseModel):
    """Who approved which findings."""

    subject: str
    at: datetime
    reason: str
    decision_id: str
    rules: list[str]


class SaleSummary(BaseModel):
    """A sale as it stands."""

    sale_id: str
    state: SaleState
    customer_id: str
    product_id: str
    amount: MoneyOut
    requested_at: datetime
    requested_by: str
    initiated_by: str
    channel: str
    staff_id: str | None
    expires_on: date
    outcome: DecisionOutcome | None
    needs: list[str]
    waiting_for: list[str] = Field(description="what the bank has not told us yet; then there is no decision")
    closed_reason: CloseReason | None
    closed_at: datetime | None
    closed_by: str | None
    decision_id: str | None


class SaleOut(SaleSummary):
    """A sale with its evidence, its approvals and its decision."""

    evidence: list[EvidenceOut]
    approvals: list[ApprovalOut]
    decision: DecisionOut | None


class SalesPage(BaseModel):
    """One page of sales, in order of their ids."""

    items: list[SaleSummary]
    next: str | None


class ReplayOut(BaseModel):
    """A decision made again from its stored inputs and packs."""

    decision_id: str
    identical: bool
    packs_available: bool
    recomputed: list[FindingOut] | None = Field(description="the findings of today's run; null without the packs")


class ProductOut(ProductBody):
    """A product, and which statement about it is the newest."""

    product_id: str
    told_at: str
    told_by: str


class AssessmentOut(BaseModel):
    """An answered questionnaire and its level C1 to C5."""

    assessment_id: str
    customer_id: str
    questionnaire: str
    version: str
    answers: dict[str, str]
    points: int
    level: Level
    previous_level: Level | None
    confirmed: bool = Field(description="false while the customer has to confirm a changed level")
    answered_at: datetime
    valid_until: date


class AssessmentsOut(BaseModel):
    """A customer's assessments, newest first."""

    items: list[AssessmentOut]


class DigestOut(BaseModel):
    """All sales in one hash: sale id, outcome, sorted verdicts, state."""

    digest: str
    sales: int
    by_outcome: dict[str, int]
    by_state: dict[str, int]
    by_rule: dict[str, dict[str, int]]


class ChainOut(BaseModel):
    """Whether the audit log is whole."""

    intact: bool
    entries: int
    head: str
    broken_at: int | None
    reason: str | None
