"""Events that are right, to be sent as they are or with one thing made wrong."""

import json
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2024, 6, 15, 12, 0, tzinfo=UTC)


def transaction(number: int = 1, customer: str = "C-1", **changes: Any) -> dict[str, Any]:
    """The data of a posted transaction."""
    return {
        "transaction_id": f"T-{number}",
        "customer_id": customer,
        "account_id": "A-1",
        "amount": {"value": "1200.50", "currency": "CZK"},
        "direction": "credit",
        "booking_date": "2024-06-14",
        "channel": "online",
        "purpose": "salary",
        **changes,
    }


def event(number: int = 1, *, data: Any = None, **changes: Any) -> dict[str, Any]:
    """A CloudEvent about a posted transaction. A change to None takes the attribute away."""
    attributes = {
        "specversion": "1.0",
        "id": f"E-{number}",
        "source": "/core-banking",
        "type": "bank.transaction.posted.v1",
        "time": "2024-06-14T09:00:00Z",
        "data": transaction(number) if data is None else data,
        **changes,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def encoded(document: Any) -> bytes:
    """JSON as a producer writes it."""
    return json.dumps(document).encode()


def batch(*events: dict[str, Any]) -> bytes:
    """The body of a batch."""
    return encoded(list(events))
