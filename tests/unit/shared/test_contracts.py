"""The register of events is complete and consistent, and data that does not fit is refused by name."""

import msgspec
import pytest

from tierflow_shared.contracts import bank
from tierflow_shared.contracts.registry import BANK_EVENTS, BANK_REFERENCE, EVENT_TYPES, INBOUND_TYPES, TOPICS

ISSUE = {
    "in": "customer.updated account.opened account.closed transaction.posted transaction.reversed product.updated "
    "holding.updated kyc.updated consent.updated rm.updated sale.requested",
    "out": "tier.changed tier.pending contact.planned contact.recorded sale.decided sale.confirmed sale.rejected",
}


@pytest.mark.parametrize("direction", ["in", "out"])
def test_every_promised_event_is_registered(direction: str) -> None:
    """Version 1 of each event the bank and Tierflow exchange."""
    prefix = "bank" if direction == "in" else "tierflow"
    for name in ISSUE[direction].split():
        assert EVENT_TYPES[f"{prefix}.{name}.v1"].direction == direction


def test_each_type_has_a_known_topic_and_a_key_in_its_data() -> None:
    """Routing never guesses."""
    for event in EVENT_TYPES.values():
        assert event.topic in TOPICS
        assert event.key_field in {field.name for field in msgspec.structs.fields(event.data)}


def test_what_the_bank_says_of_a_customer_is_ordered_by_customer() -> None:
    """All of it lies on one topic; only products and relationship managers lie elsewhere."""
    elsewhere = {name for name in INBOUND_TYPES if EVENT_TYPES[name].topic != BANK_EVENTS}
    assert elsewhere == {"bank.product.updated.v1", "bank.rm.updated.v1"}
    assert {EVENT_TYPES[name].topic for name in elsewhere} == {BANK_REFERENCE}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"customer_id": "c", "effective_on": "2026-01-01"}', "status"),
        (b'{"customer_id": "c", "status": "fine", "effective_on": "2026-01-01"}', "$.status"),
        (b'{"customer_id": "", "status": "verified", "effective_on": "2026-01-01"}', "$.customer_id"),
        (b'{"customer_id": "c", "status": "verified", "effective_on": "2026-02-30"}', "$.effective_on"),
        (b'{"customer_id": "c", "status": "verified", "effective_on": "2026-01-01", "x": 1}', "x"),
    ],
)
def test_data_that_does_not_fit_names_the_field(body: bytes, says: str) -> None:
    """Missing, wrong, empty, impossible and unknown fields."""
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(body, type=bank.KycUpdated)
    assert says in str(error.value)
