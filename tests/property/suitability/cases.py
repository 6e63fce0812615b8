"""Random cases: every field at and around its boundaries."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.suitability.build import ADVISER, ASSESSMENT, AT, CUSTOMER, ON, PRODUCT, REQUEST, cny, papers
from tierflow_shared.contracts.bank import ProductUpdated, SaleRequested
from tierflow_suitability.domain.cases import Case, CustomerFacts, RiskAssessment

KINDS = (
    "disclosure",
    "match-opinion",
    "guardian-consent",
    "special-care",
    "income-declaration",
    "qualified-investor",
    "risk-warning",
    "policyholder-declaration",
)
AMOUNTS = st.sampled_from(["0", "1", "9999.99", "10000", "50000", "300000", "800000", "800000.01", "5000000"])
LEVELS = st.integers(1, 5)


@st.composite
def assessments(draw: st.DrawFn) -> RiskAssessment:
    days_ago = draw(st.sampled_from([-1, 0, 1, 30, 364, 365, 366, 800]))
    answered_on = ON - timedelta(days=days_ago)
    return replace(
        ASSESSMENT,
        answered_at=datetime.combine(answered_on, time(1, 0), UTC),
        answered_on=answered_on,
        level=draw(LEVELS),
        confirmed=draw(st.booleans()),
        declared_assets=draw(st.none() | AMOUNTS.map(cny)),
        horizon_days=draw(st.none() | st.sampled_from([365, 1095])),
    )


@st.composite
def customers(draw: st.DrawFn) -> CustomerFacts:
    return replace(
        CUSTOMER,
        known=draw(st.booleans()),
        kind=draw(st.sampled_from(["person", "company", "institution"])),
        capacity=draw(st.sampled_from(["full", "full", "limited", "none"])),
        vulnerable=draw(st.booleans()),
        age=draw(st.none() | st.sampled_from([7, 8, 17, 18, 45, 64, 65, 90])),
        yearly_income=draw(st.none() | AMOUNTS.map(cny)),
        kyc_status=draw(st.none() | st.sampled_from(["verified", "verified", "under-review"])),
        kyc_valid_until=draw(st.none() | st.sampled_from([ON - timedelta(days=1), ON])),
        holdings=draw(st.just(()) | AMOUNTS.map(lambda value: (cny(value),))),
        assessment=draw(st.none() | assessments()),
    )


@st.composite
def products(draw: st.DrawFn) -> ProductUpdated:
    return ProductUpdated(
        product_id="p-1",
        name=PRODUCT.name,
        category=draw(st.sampled_from(["deposit", "wealth", "trust", "insurance", "fund"])),
        issuer_risk_level=draw(LEVELS),
        seller_risk_level=draw(LEVELS),
        currency="CNY",
        placement=draw(st.sampled_from(["public", "private"])),
        minimum_amount=draw(st.none() | AMOUNTS.map(cny)),
        large_amount=draw(st.none() | AMOUNTS.map(cny)),
        lock_up_days=draw(st.sampled_from([0, 365, 3650])),
        uncertain_benefit=draw(st.booleans()),
        on_sale_from=draw(st.sampled_from([date(2025, 1, 1), ON, ON + timedelta(days=1)])),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    staffed = draw(st.booleans())
    request = SaleRequested(
        sale_id=REQUEST.sale_id,
        customer_id=REQUEST.customer_id,
        product_id=REQUEST.product_id,
        amount=cny(draw(AMOUNTS)),
        requested_at=AT,
        initiated_by=draw(st.sampled_from(["customer", "bank"])),
        channel="branch",
        staff_id="rm-1" if staffed else None,
    )
    return Case(
        request=request,
        at=AT,
        on=ON,
        customer=draw(customers()),
        product=draw(products()),
        staff=ADVISER if staffed else None,
        evidence=papers(*draw(st.sets(st.sampled_from(KINDS)))),
    )
