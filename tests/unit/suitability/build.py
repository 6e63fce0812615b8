"""Cases to be varied: a customer of 45 with everything in order, buying an ordinary wealth product."""

from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from tierflow_shared.contracts.bank import Evidence, ProductUpdated, Qualification, RmUpdated, SaleRequested
from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_suitability.adapters.policy_files import load_rulebook
from tierflow_suitability.domain.cases import Case, CustomerFacts, RiskAssessment
from tierflow_suitability.domain.decide import Decision, decide
from tierflow_suitability.domain.findings import Finding

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ON = date(2026, 3, 2)
RULEBOOK = load_rulebook()


def cny(value: str) -> PositiveMoney:
    return PositiveMoney(value=value, currency="CNY")


def papers(*kinds: str, at: datetime = AT) -> tuple[Evidence, ...]:
    """Documents of these kinds, made at `at`."""
    return tuple(Evidence(kind=kind, reference=f"doc-{kind}", recorded_at=at) for kind in kinds)  # type: ignore[arg-type]


ASSESSMENT = RiskAssessment(
    assessment_id="a-1",
    answered_at=datetime(2026, 1, 5, tzinfo=UTC),
    answered_on=date(2026, 1, 5),
    level=3,
    confirmed=True,
    declared_assets=cny("500000"),
    horizon_days=1095,
)
CUSTOMER = CustomerFacts(
    known=True,
    kind="person",
    age=45,
    yearly_income=cny("300000"),
    kyc_status="verified",
    kyc_valid_until=date(2027, 1, 1),
    assessment=ASSESSMENT,
)
PRODUCT = ProductUpdated(
    product_id="p-1",
    name="Steady income",
    category="wealth",
    issuer_risk_level=2,
    seller_risk_level=2,
    currency="CNY",
    on_sale_from=date(2025, 1, 1),
)
REQUEST = SaleRequested(
    sale_id="s-1",
    customer_id="c-1",
    product_id="p-1",
    amount=cny("50000"),
    requested_at=AT,
    initiated_by="customer",
    channel="mobile",
)
ADVISER = RmUpdated(
    rm_id="rm-1",
    role="personal",
    region="CN",
    qualifications=(Qualification(category="wealth", valid_until=date(2026, 6, 30)),),
)


def case(
    *,
    customer: dict[str, Any] | None = None,
    assessment: dict[str, Any] | None = None,
    product: dict[str, Any] | None = None,
    request: dict[str, Any] | None = None,
    **changes: Any,
) -> Case:
    """The ordinary case with some things changed. Disclosure and match opinion are on file."""
    facts = replace(CUSTOMER, **(customer or {}))
    if assessment is not None:
        facts = replace(facts, assessment=replace(ASSESSMENT, **assessment))
    values: dict[str, Any] = {
        "request": _changed(REQUEST, request),
        "at": AT,
        "on": ON,
        "customer": facts,
        "product": _changed(PRODUCT, product),
        "evidence": papers("disclosure", "match-opinion"),
        **changes,
    }
    return Case(**values)


def _changed(struct: Any, changes: dict[str, Any] | None) -> Any:
    return type(struct)(**{**{name: getattr(struct, name) for name in struct.__struct_fields__}, **(changes or {})})


def decision(one: Case) -> Decision:
    return decide(one, RULEBOOK)


def finding(rule_id: str, one: Case) -> Finding:
    """The one finding of a rule."""
    found = [finding for finding in decision(one).findings if finding.rule_id == rule_id]
    assert len(found) == 1, [finding.rule_id for finding in decision(one).findings]
    return found[0]
