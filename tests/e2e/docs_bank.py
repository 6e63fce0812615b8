"""The small bank that the examples in the docs speak about."""

import json
from collections.abc import Iterator
from typing import Any

SOURCE = "/docs"
DAY = "2026-03-02"


def _event(event_type: str, event_id: str, data: dict[str, Any], day: str = "2025-06-02") -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event_id, "source": SOURCE, "type": f"bank.{event_type}.v1",
        "time": f"{day}T08:00:00Z", "data": data,
    }  # fmt: skip


def reference() -> Iterator[dict[str, Any]]:
    """Two products and a relationship manager."""
    for name, level in (("wealth-r2", 2), ("wealth-r4", 4)):
        product = {
            "product_id": name, "name": name, "category": "wealth", "issuer_risk_level": level,
            "seller_risk_level": level, "currency": "CNY", "on_sale_from": "2025-01-01",
        }  # fmt: skip
        yield _event("product.updated", name, product)
    qualified = [{"category": "wealth", "valid_until": "2099-12-31"}]
    yield _event(
        "rm.updated", "rm-1", {"rm_id": "rm-1", "role": "platinum", "region": "CN", "qualifications": qualified}
    )


def customers() -> Iterator[dict[str, Any]]:
    """c-1 is 12,000 short of platinum; c-2 has no verified identity."""
    for number, balance in ((1, "988000.00"), (2, "5000.00")):
        customer, account = f"c-{number}", f"a-{number}"
        profile = {"customer_id": customer, "kind": "person", "rm_id": "rm-1", "relationship_since": "2025-06-02"}
        yield _event("customer.updated", f"p-{number}", {**profile, "personal": {"birth_date": "1980-05-17"}})
        opened = {"account_id": account, "customer_id": customer, "kind": "current", "currency": "CNY"}
        yield _event("account.opened", f"o-{number}", {**opened, "opened_on": "2025-06-02"})
        for channel in ("phone", "app"):
            for purpose in ("service", "sale"):
                consent = {"customer_id": customer, "channel": channel, "purpose": purpose, "granted": True}
                yield _event(
                    "consent.updated", f"n-{number}-{channel}-{purpose}", {**consent, "effective_on": "2025-06-02"}
                )
        posted = {
            "transaction_id": f"first-{number}", "customer_id": customer, "account_id": account,
            "amount": {"value": balance, "currency": "CNY"}, "direction": "credit", "booking_date": "2026-02-27",
            "channel": "branch", "purpose": "transfer",
        }  # fmt: skip
        yield _event("transaction.posted", f"first-{number}", posted, "2026-02-27")
    verified = {"customer_id": "c-1", "status": "verified", "effective_on": "2025-06-02"}
    yield _event("kyc.updated", "k-1", {**verified, "valid_until": "2099-12-31"})


def batch(events: Iterator[dict[str, Any]]) -> bytes:
    """The body of one batched request."""
    return json.dumps(list(events)).encode()
