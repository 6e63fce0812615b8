"""Rules for data beyond their schema."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tierflow_events.domain.rules import data_fault, time_fault
from tierflow_shared.contracts.bank import (
    ConsentUpdated,
    CustomerUpdated,
    Evidence,
    HoldingUpdated,
    KycUpdated,
    Personal,
    ProductUpdated,
    Qualification,
    RmUpdated,
    SaleRequested,
    TransactionPosted,
)
from tierflow_shared.contracts.primitives import Data, PositiveMoney

TODAY = date(2024, 6, 15)
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)


def posted(**changes: Any) -> TransactionPosted:
    fields: dict[str, Any] = {
        "transaction_id": "T",
        "customer_id": "C",
        "account_id": "A",
        "amount": PositiveMoney(value="1.00", currency="CZK"),
        "direction": "credit",
        "booking_date": TODAY,
        "channel": "atm",
        "purpose": "cash",
    }
    return TransactionPosted(**{**fields, **changes})


def sale(**changes: Any) -> SaleRequested:
    fields: dict[str, Any] = {
        "sale_id": "S",
        "customer_id": "C",
        "product_id": "P",
        "amount": PositiveMoney(value="1", currency="CZK"),
        "requested_at": NOW,
        "initiated_by": "customer",
        "channel": "branch",
    }
    return SaleRequested(**{**fields, **changes})


ONE = PositiveMoney(value="1", currency="CZK")
CUSTOMER = {"customer_id": "C", "kind": "person"}
KYC = {"customer_id": "C", "status": "verified"}


@pytest.mark.parametrize(
    ("data", "field", "rule"),
    [
        (posted(amount=PositiveMoney(value="1", currency="XXX")), "data.amount.currency", "currency"),
        (posted(amount=PositiveMoney(value="1.5", currency="JPY")), "data.amount.value", "precision"),
        (posted(booking_date=TODAY + timedelta(days=2)), "data.booking_date", "not-in-future"),
        (posted(booking_date=date(1969, 12, 31)), "data.booking_date", "not-before"),
        (sale(requested_at=NOW + timedelta(days=2)), "data.requested_at", "not-in-future"),
        (
            sale(evidence=(Evidence(kind="recording", reference="R", recorded_at=datetime(1900, 1, 1, tzinfo=UTC)),)),
            "data.evidence.0.recorded_at",
            "not-before",
        ),
        (
            CustomerUpdated(**CUSTOMER, personal=Personal(birth_date=date(1899, 12, 31))),  # type: ignore[arg-type]
            "data.personal.birth_date",
            "not-before",
        ),
        (
            CustomerUpdated(**CUSTOMER, yearly_income=PositiveMoney(value="1", currency="ABC")),  # type: ignore[arg-type]
            "data.yearly_income.currency",
            "currency",
        ),
        (
            HoldingUpdated(
                holding_id="H", customer_id="C", product_id="P", category="fund", value=ONE, as_of=date(2024, 6, 20)
            ),
            "data.as_of",
            "not-in-future",
        ),
        (
            RmUpdated(
                rm_id="R",
                role="personal",
                region="CZ",
                qualifications=(Qualification(category="fund", valid_until=date(1900, 1, 1)),),
            ),
            "data.qualifications.0.valid_until",
            "not-before",
        ),
    ],
)
def test_data_that_cannot_be_true_are_refused_by_field(data: Data, field: str, rule: str) -> None:
    fault = data_fault(data, TODAY)
    assert fault is not None
    assert (fault.field, fault.rule) == (field, rule)


@pytest.mark.parametrize(
    "data",
    [
        posted(),
        posted(booking_date=TODAY + timedelta(days=1)),
        posted(booking_date=date(1993, 1, 1)),
        posted(amount=PositiveMoney(value="1.500", currency="KWD")),
        KycUpdated(**KYC, effective_on=TODAY, valid_until=date(2030, 1, 1)),  # type: ignore[arg-type]
        ConsentUpdated(customer_id="C", channel="app", purpose="sale", granted=True, effective_on=date(2025, 1, 1)),
        CustomerUpdated(**CUSTOMER, personal=Personal(birth_date=date(1911, 8, 20))),  # type: ignore[arg-type]
        ProductUpdated(
            product_id="P",
            name="Fund",
            category="fund",
            issuer_risk_level=1,
            seller_risk_level=1,
            currency="CZK",
            on_sale_from=date(2025, 1, 1),
        ),
    ],
)
def test_what_may_lie_ahead_or_far_back_is_taken(data: Data) -> None:
    assert data_fault(data, TODAY) is None


def test_an_event_may_lie_a_little_ahead_of_our_clock() -> None:
    ahead = timedelta(minutes=5)
    assert time_fault(NOW + ahead, NOW, ahead) is None
    late = time_fault(NOW + ahead + timedelta(seconds=1), NOW, ahead)
    assert late is not None
    assert late.rule == "not-in-future"
