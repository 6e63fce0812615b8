"""Buckets count each event once and take back what was reversed."""

from tierflow_scoring.domain.buckets import Bucket
from tierflow_scoring.domain.flows import BOOKING_RULES

CASH_IN = BOOKING_RULES["credit", "branch", "cash"]
CARD_OUT = BOOKING_RULES["debit", "card", "card-payment"]
FEE = BOOKING_RULES["debit", "system", "fee"]
INTEREST = BOOKING_RULES["credit", "system", "interest"]


def test_the_same_event_is_admitted_once() -> None:
    """Same identity and content: a duplicate. Same identity with other content: a conflict, and nothing is noted."""
    bucket = Bucket()
    assert bucket.admit(b"a" * 16, b"1" * 8) == "new"
    assert bucket.admit(b"b" * 16, b"1" * 8) == "new"
    assert bucket.admit(b"a" * 16, b"1" * 8) == "duplicate"
    assert bucket.admit(b"a" * 16, b"2" * 8) == "conflict"
    assert len(bucket.ledger) == 48


def test_an_identity_across_the_border_of_two_entries_is_not_taken_for_one() -> None:
    """Bytes that happen to match between entries are no entry."""
    bucket = Bucket()
    bucket.admit(bytes(range(16)), bytes(range(16, 24)))
    assert bucket.admit(bytes(range(8, 24)), b"x" * 8) == "new"


def test_what_a_booking_means() -> None:
    """Own transactions, spending, inflow, fees and cost follow from direction, channel and purpose."""
    bucket = Bucket()
    assert bucket.book(CASH_IN, 10_000, 1200, 1) == 10_000
    assert bucket.book(CARD_OUT, 300, 200, 1) == -300
    assert bucket.book(FEE, 50, 20, 1) == -50
    assert bucket.book(INTEREST, 7, 20, 1) == 7
    assert (bucket.net, bucket.credit, bucket.debit, bucket.transactions) == (9_657, 10_007, 350, 4)
    assert (bucket.own, bucket.spend, bucket.inflow, bucket.fees, bucket.cost) == (2, 300, 10_000, 50, 1440)


def test_a_reversal_leaves_nothing_but_the_ledger() -> None:
    """A booking and its reversal add up to an untouched bucket."""
    for rule in (CASH_IN, CARD_OUT, FEE, INTEREST):
        bucket = Bucket()
        bucket.book(rule, 999, 77, 1)
        bucket.book(rule, 999, 77, -1)
        assert bucket == Bucket()
