"""Events of an ordinary customer and ordinary products, to be varied by the tests."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tierflow_shared.contracts.bank import (
    CustomerUpdated,
    KycUpdated,
    Personal,
    ProductUpdated,
    Qualification,
    RmUpdated,
    SaleRequested,
)
from tierflow_shared.contracts.primitives import Data, PositiveMoney

YESTERDAY = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
Told = tuple[str, Data, datetime]


def money(value: str, currency: str = "CNY") -> PositiveMoney:
    return PositiveMoney(value=value, currency=currency)


def customer(customer_id: str = "c-1", *, born: date | None = date(1980, 5, 5), **changes: Any) -> Told:
    """A person of 45 with an income of 300,000."""
    values: dict[str, Any] = {
        "kind": "person",
        "yearly_income": money("300000"),
        "personal": Personal(name="Li Hua", birth_date=born),
        **changes,
    }
    return (f"customer-{customer_id}", CustomerUpdated(customer_id=customer_id, **values), YESTERDAY)


def kyc(customer_id: str = "c-1", status: str = "verified", **changes: Any) -> Told:
    values: dict[str, Any] = {"effective_on": date(2025, 1, 1), "valid_until": date(2027, 1, 1), **changes}
    data = KycUpdated(customer_id=customer_id, status=status, **values)  # type: ignore[arg-type]
    return (f"kyc-{customer_id}-{status}", data, YESTERDAY + timedelta(minutes=1))


def product(product_id: str = "p-1", *, level: int = 2, category: str = "wealth", **changes: Any) -> Told:
    values: dict[str, Any] = {
        "name": "Steady income",
        "issuer_risk_level": level,
        "seller_risk_level": level,
        "currency": "CNY",
        "on_sale_from": date(2025, 1, 1),
        **changes,
    }
    data = ProductUpdated(product_id=product_id, category=category, **values)  # type: ignore[arg-type]
    return (f"product-{product_id}", data, YESTERDAY)


def adviser(rm_id: str = "rm-1", category: str = "wealth", until: date = date(2027, 1, 1)) -> Told:
    licence = Qualification(category=category, valid_until=until)  # type: ignore[arg-type]
    data = RmUpdated(rm_id=rm_id, role="personal", region="CN", qualifications=(licence,))
    return (f"rm-{rm_id}", data, YESTERDAY)


def sale_event(sale_id: str, requested_at: datetime, **changes: Any) -> Told:
    values: dict[str, Any] = {
        "customer_id": "c-1",
        "product_id": "p-1",
        "amount": money("50000"),
        "initiated_by": "customer",
        "channel": "mobile",
        **changes,
    }
    data = SaleRequested(sale_id=sale_id, requested_at=requested_at, **values)
    return (f"event-{sale_id}", data, requested_at)


def sale_body(**changes: Any) -> dict[str, Any]:
    """An order that only lacks nothing: documents are there."""
    return {
        "customer_id": "c-1",
        "product_id": "p-1",
        "amount": {"value": "50000", "currency": "CNY"},
        "initiated_by": "customer",
        "channel": "mobile",
        "evidence": [document("disclosure"), document("match-opinion")],
        **changes,
    }


def document(kind: str, at: str = "2026-03-02T03:00:00+00:00") -> dict[str, str]:
    return {"kind": kind, "reference": f"doc-{kind}", "recorded_at": at}


BALANCED_ANSWERS = {
    "age": "31-50",
    "income": "200k-500k",
    "assets": "500k-3m",
    "share": "10-25",
    "experience": "2-5",
    "products": "funds",
    "purpose": "growth",
    "horizon": "3-5",
    "loss": "10-30",
    "reaction": "wait",
}


def answers(**changes: str) -> dict[str, Any]:
    """A questionnaire answered by a customer of level C4, with some answers changed."""
    return {"questionnaire": "cn-retail", "version": "2026.1", "answers": {**BALANCED_ANSWERS, **changes}}
