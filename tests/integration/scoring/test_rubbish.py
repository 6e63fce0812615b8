"""Whatever lies in the log does not stop scoring: what cannot be booked is a dead letter with its reason."""

from typing import Any

import msgspec
import pytest

from tests.integration.scoring.test_publications import booking
from tests.property.scoring.bank import records
from tests.property.scoring.harness import Scoring
from tests.property.scoring.stories import small_policies
from tierflow_shared.bus.port import Record


def spoilt(**fields: Any) -> Record:
    """A booking with other fields."""
    record = records([booking(0, "10.00")])[0]
    return record._replace(value=msgspec.json.encode({**msgspec.json.decode(record.value), **fields}))


def money(value: Any, currency: Any = "CZK") -> dict[str, Any]:
    return {"amount": {"value": value, "currency": currency}}


GOOD = records([booking(0, "10.00")])[0]
CASES = {
    "not json": (GOOD._replace(value=b"{"), "bad-data"),
    "deep": (GOOD._replace(value=b"[" * 100_000), "bad-data"),
    "not utf-8": (GOOD._replace(value=b'{"transaction_id":"\xff"}'), "bad-data"),
    "no fields": (GOOD._replace(value=b"{}"), "bad-data"),
    "empty id": (spoilt(account_id=""), "bad-data"),
    "long id": (spoilt(account_id="a" * 65), "bad-data"),
    "number for text": (spoilt(customer_id=7), "bad-data"),
    "unknown direction": (spoilt(direction="sideways"), "bad-data"),
    "unknown channel": (spoilt(channel="pigeon"), "bad-data"),
    "not a day": (spoilt(booking_date="2024-02-30"), "bad-data"),
    "a day in another form": (spoilt(booking_date="20240110"), "bad-data"),
    "before 1970": (spoilt(booking_date="1900-01-01"), "date-out-of-range"),
    "in a far future": (spoilt(booking_date="9999-12-31"), "date-out-of-range"),
    "negative": (spoilt(**money("-1")), "bad-amount"),
    "exponent": (spoilt(**money("1e9")), "bad-amount"),
    "NaN": (spoilt(**money("NaN")), "bad-amount"),
    "other digits": (spoilt(**money("１２")), "bad-amount"),
    "too precise": (spoilt(**money("0.001")), "bad-amount"),
    "unknown currency": (spoilt(**money("1", "XYZ")), "bad-amount"),
    "no rate": (spoilt(**money("1", "USD")), "no-rate"),
    "wrong key": (GOOD._replace(key="bob"), "wrong-key"),
    "no id": (GOOD._replace(headers=()), "bad-attribute"),
    "not a fact": (GOOD._replace(type="bank.kyc.updated.v1"), "bad-data"),
}


@pytest.mark.parametrize("name", CASES)
def test_rubbish_becomes_a_dead_letter_and_the_rest_goes_on(name: str) -> None:
    """The record before and the one after are applied; nothing of the bad one is."""
    bad, reason = CASES[name]
    good = records([booking(0, "10.00"), booking(0, "20.00"), booking(1, "30.00")])
    with Scoring(small_policies()) as scoring:
        scoring.process([good[0], bad._replace(offset=1), good[2]])
        assert scoring.dead_letters() == [reason]
        assert scoring.counts()["bank.transaction.posted.v1", "applied"] == 2
        assert scoring.digest().transactions == 2
