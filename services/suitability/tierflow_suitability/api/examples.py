"""Examples of the bodies, shown in the API's documentation and sent by a test."""

from typing import Any, Final

from fastapi import Body

SALE: Final[dict[str, Any]] = {
    "customer_id": "customer-4711",
    "product_id": "wealth-r2-001",
    "amount": {"value": "50000.00", "currency": "CNY"},
    "initiated_by": "customer",
    "channel": "mobile",
    "evidence": [
        {"kind": "disclosure", "reference": "doc-1", "recorded_at": "2026-03-02T09:30:00+08:00"},
        {"kind": "match-opinion", "reference": "doc-2", "recorded_at": "2026-03-02T09:31:00+08:00"},
    ],
}
EVIDENCE: Final[dict[str, Any]] = {
    "kind": "special-care",
    "reference": "recording-2026-17",
    "recorded_at": "2026-03-02T09:35:00+08:00",
}
APPROVAL: Final[dict[str, Any]] = {
    "decision_id": "decision-0f3c",
    "verdict": "approve",
    "reason": "source of funds checked",
}
CONFIRMATION: Final[dict[str, Any]] = {"decision_id": "decision-0f3c"}
ANSWERS: Final[dict[str, Any]] = {
    "questionnaire": "cn-retail",
    "version": "2026.1",
    "answers": {
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
    },
}
PRODUCT: Final[dict[str, Any]] = {
    "name": "Steady income 12 months",
    "name_zh": "稳健收益12个月",
    "category": "wealth",
    "issuer_risk_level": 2,
    "seller_risk_level": 2,
    "currency": "CNY",
    "minimum_amount": {"value": "10000", "currency": "CNY"},
    "large_amount": {"value": "1000000", "currency": "CNY"},
    "lock_up_days": 365,
    "on_sale_from": "2026-01-01",
}

SALE_EXAMPLES: Final[Any] = Body(examples=[SALE])
EVIDENCE_EXAMPLES: Final[Any] = Body(examples=[EVIDENCE])
APPROVAL_EXAMPLES: Final[Any] = Body(examples=[APPROVAL])
CONFIRMATION_EXAMPLES: Final[Any] = Body(examples=[CONFIRMATION])
ANSWERS_EXAMPLES: Final[Any] = Body(examples=[ANSWERS])
PRODUCT_EXAMPLES: Final[Any] = Body(examples=[PRODUCT])
