"""A plain bank for measuring: customers with an account each, and transactions over a few business days."""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

BATCH_TYPE = "application/cloudevents-batch+json"
FIRST_DAY = date(2026, 3, 2)


def event(event_type: str, event_id: str, day: date, data: Mapping[str, object]) -> dict[str, object]:
    """One structured CloudEvent."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/bench",
        "type": event_type,
        "time": f"{day.isoformat()}T09:00:00Z",
        "datacontenttype": "application/json",
        "data": data,
    }


def book(customers: int) -> Iterator[dict[str, object]]:
    """A profile, a verified identity and an account for each customer, and ten relationship managers."""
    opened = date(2025, 1, 2)
    for number in range(10):
        rm = {"rm_id": f"rm-{number}", "role": "personal", "region": "CN"}
        yield event("bank.rm.updated.v1", f"rm-{number}", opened, rm)
    for number in range(customers):
        customer = f"c-{number:07d}"
        profile = {"customer_id": customer, "kind": "person", "rm_id": f"rm-{number % 10}"}
        yield event("bank.customer.updated.v1", f"p-{number}", opened, profile)
        kyc = {"customer_id": customer, "status": "verified", "effective_on": "2025-01-02"}
        yield event("bank.kyc.updated.v1", f"k-{number}", opened, kyc)
        account = {"account_id": f"a-{number:07d}", "customer_id": customer, "kind": "current", "currency": "CNY"}
        yield event("bank.account.opened.v1", f"o-{number}", opened, {**account, "opened_on": "2025-01-02"})


def opening_balances(customers: int, seed: int) -> Iterator[dict[str, object]]:
    """A first credit for everybody on the day before, spread over all tiers."""
    rng = random.Random(seed)
    for customer in range(customers):
        minor = int(10 ** rng.gauss(6.6, 0.8))
        yield transaction(f"b-{customer}", customer, FIRST_DAY - timedelta(days=1), minor, "credit")


def transactions(
    count: int, customers: int, days: int, seed: int, first_day: date = FIRST_DAY
) -> Iterator[dict[str, object]]:
    """Bookings in the order of their days: everyday amounts, and one in 200 that may move a tier."""
    rng = random.Random(seed)
    for number in range(count):
        day = first_day + timedelta(days=number * days // count)
        minor = int(10 ** (rng.uniform(7, 8.5) if rng.random() < 0.005 else rng.uniform(3, 5.5)))
        direction = "credit" if rng.random() < 0.5 else "debit"
        yield transaction(f"t-{number}", rng.randrange(customers), day, minor, direction)


def transaction(transaction_id: str, customer: int, day: date, minor: int, direction: str) -> dict[str, object]:
    """One booking on a customer's account, `minor` in hundredths."""
    data: dict[str, object] = {
        "transaction_id": transaction_id,
        "customer_id": f"c-{customer:07d}",
        "account_id": f"a-{customer:07d}",
        "amount": {"value": f"{minor // 100}.{minor % 100:02d}", "currency": "CNY"},
        "direction": direction,
        "booking_date": day.isoformat(),
        "channel": "mobile",
        "purpose": "transfer",
    }
    return event("bank.transaction.posted.v1", transaction_id, day, data)


def product() -> dict[str, object]:
    """A wealth product of medium risk."""
    data = {
        "product_id": "wealth-r2", "name": "Steady Growth", "category": "wealth", "issuer_risk_level": 1,
        "seller_risk_level": 1, "currency": "CNY", "on_sale_from": "2025-01-01",
    }  # fmt: skip
    return event("bank.product.updated.v1", "w", FIRST_DAY, data)


def sale(customer: int) -> bytes:
    """The body of one sale request for that product."""
    body = {
        "customer_id": f"c-{customer:07d}",
        "product_id": "wealth-r2",
        "amount": {"value": "10000.00", "currency": "CNY"},
        "initiated_by": "customer",
        "channel": "mobile",
    }
    return json.dumps(body).encode()


def bodies(events: Iterator[dict[str, object]], batch: int) -> Iterator[bytes]:
    """JSON bodies of `batch` events each."""
    group: list[dict[str, object]] = []
    for one in events:
        group.append(one)
        if len(group) == batch:
            yield json.dumps(group, separators=(",", ":")).encode()
            group = []
    if group:
        yield json.dumps(group, separators=(",", ":")).encode()
