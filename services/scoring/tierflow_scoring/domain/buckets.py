"""A bucket: all that happened on one account of one customer on one booking day, and the ledger of its events.

The ledger keeps 16 bytes of identity and 8 bytes of content per event beside the numbers that the event changed, so a
producer's duplicate is found by reading what has to be read anyway, and it stays found for as long as the bucket lives.
Many buckets are kept and changed together: an array of numbers with a row each, and a list of ledgers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.flows import RULES, BookingRule

IDENTITY_BYTES: Final = 16
ENTRY_BYTES: Final = 24

BucketKey = tuple[int, str, str]
"""Booking day, customer id, account id; a plain tuple is cheapest to keep by the million."""


class Number(IntEnum):
    """The numbers of a bucket, money in minor units; reversals count with the opposite sign."""

    NET = 0
    CREDIT = 1
    DEBIT = 2
    TRANSACTIONS = 3
    OWN = 4
    FEES = 5
    COST = 6
    SPEND = 7
    INFLOW = 8


NUMBERS: Final = len(Number)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Some buckets: their keys, numbers [R, NUMBERS] and ledgers."""

    keys: Sequence[BucketKey]
    numbers: Ints
    ledgers: Sequence[bytes]


def known_content(ledger: bytes, identity: bytes) -> bytes | None:
    """What a ledger knows of an event's content; None if the event is not in it."""
    at = ledger.find(identity)
    while at >= 0 and at % ENTRY_BYTES:
        at = ledger.find(identity, at + 1)
    return None if at < 0 else ledger[at + IDENTITY_BYTES : at + ENTRY_BYTES]


def effects(rules: Ints, amounts: Ints, costs: Ints, times: Ints) -> Ints:
    """What bookings (`times` 1) and reversals (-1) add to the numbers of their buckets [R, NUMBERS].

    `rules` are places in `flows.RULES`.
    """
    result = (amounts * times)[:, None] * _BY_AMOUNT[rules] + times[:, None] * _BY_COUNT[rules]
    result[:, Number.COST] = costs * times
    return ints(result)


def _by_amount(rule: BookingRule) -> list[int]:
    sign = 1 if rule.is_credit else -1
    row = [0] * NUMBERS
    row[Number.NET] = sign
    row[Number.CREDIT if rule.is_credit else Number.DEBIT] = 1
    row[Number.FEES] = -sign * rule.is_fee
    row[Number.SPEND] = int(rule.is_spend and not rule.is_credit)
    row[Number.INFLOW] = int(rule.is_inflow and rule.is_credit)
    return row


def _by_count(rule: BookingRule) -> list[int]:
    row = [0] * NUMBERS
    row[Number.TRANSACTIONS], row[Number.OWN] = 1, int(rule.is_own)
    return row


_BY_AMOUNT: Final = np.array([_by_amount(rule) for rule in RULES], np.int64)
_BY_COUNT: Final = np.array([_by_count(rule) for rule in RULES], np.int64)
