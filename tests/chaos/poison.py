"""Messages that nobody should have written, straight onto the bus; and who must refuse each of them."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any, Final, NamedTuple

SOURCE: Final = "/chaos/poison"
TOPIC: Final = "bank.events"
_POSTED: Final = "bank.transaction.posted.v1"
_KYC: Final = "bank.kyc.updated.v1"
_SALE: Final = "bank.sale.requested.v1"

# Who keeps a dead letter of which kind. A type that nobody wants is passed over by everybody.
REFUSED_BY: Final[Mapping[str, frozenset[str]]] = {
    "bad-json": frozenset({"scoring"}),
    "wrong-key": frozenset({"scoring"}),
    "no-id": frozenset({"scoring"}),
    "no-rate": frozenset({"scoring"}),
    "far-future": frozenset({"scoring"}),
    "not-utf-8": frozenset({"scoring", "contact-planner", "suitability"}),
    "missing-field": frozenset({"scoring", "contact-planner", "suitability"}),
    "bad-sale": frozenset({"suitability"}),
    "unknown-type": frozenset(),
}


class Poison(NamedTuple):
    """A message as it goes onto the bus; the header `poison` names its kind."""

    kind: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def brew(seed: int, number: int) -> Poison:
    """The n-th poison of a seed."""
    kind = Random(f"poison/{seed}/{number}").choice(sorted(REFUSED_BY))
    key = f"poison-{number:05d}"
    event_type, value = _content(kind, key)
    headers = [
        ("ce_specversion", b"1.0"), ("ce_source", SOURCE.encode()), ("ce_type", event_type.encode()),
        ("ce_time", b"2025-01-01T00:00:00Z"), ("content-type", b"application/json"), ("poison", kind.encode()),
    ]  # fmt: skip
    if kind != "no-id":
        headers.append(("ce_id", f"poison-{number:05d}".encode()))
    return Poison(kind, key, value, tuple(headers))


def _content(kind: str, key: str) -> tuple[str, bytes]:
    contents: Mapping[str, tuple[str, bytes]] = {
        "bad-json": (_POSTED, b'{"transaction_id": "t-1", '),
        "wrong-key": (_POSTED, _posting("somebody-else")),
        "no-id": (_POSTED, _posting(key)),
        "no-rate": (_POSTED, _posting(key, amount={"value": "10.00", "currency": "EUR"})),
        "far-future": (_POSTED, _posting(key, booking_date="2099-01-01")),
        "not-utf-8": (_KYC, b"\xff\xfe\x00"),
        "missing-field": (_KYC, json.dumps({"customer_id": key}).encode()),
        "bad-sale": (_SALE, json.dumps({"sale_id": key, "customer_id": key}).encode()),
        "unknown-type": ("bank.unicorn.seen.v9", b"{}"),
    }
    return contents[kind]


def _posting(customer: str, **changes: Any) -> bytes:
    data = {
        "transaction_id": "poison", "customer_id": customer, "account_id": "poison",
        "amount": {"value": "10.00", "currency": "CNY"}, "direction": "credit", "booking_date": "2025-01-01",
        "channel": "online", "purpose": "other", **changes,
    }  # fmt: skip
    return json.dumps(data).encode()
