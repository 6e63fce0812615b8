"""What the consumer hands over: records that were read and understood."""

from collections.abc import Callable
from dataclasses import dataclass

from tierflow_scoring.domain.facts import Change, Facts, Stamp
from tierflow_scoring.domain.flows import BookingRule
from tierflow_scoring.ports import BucketKey
from tierflow_shared.bus.port import Record

SERVICE = "scoring"


Booking = tuple[Record, BucketKey, int, int, BookingRule, int, bytes, bytes]
"""A booking (`times` 1) or its reversal (-1): record, key, amount, cost, rule, times, identity, content.

Amounts are in minor units of the base currency. A plain tuple, because there are tens of thousands in a batch.
"""


@dataclass(frozen=True, slots=True)
class Bookings:
    """Bookings and reversals that follow each other in a partition's log."""

    rows: list[Booking]


@dataclass(frozen=True, slots=True)
class FactUpdate:
    """A change of a customer's facts: `apply` sets the registers and says what came of it."""

    record: Record
    customer_id: str
    apply: Callable[[Facts], Change]


@dataclass(frozen=True, slots=True)
class ValuationUpdate:
    """A holding's value at the end of a day."""

    record: Record
    customer_id: str
    holding_id: str
    as_of: int
    value: int
    category: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class DateAdvanced:
    """All days before `day` are over."""

    record: Record
    day: int


Command = Bookings | FactUpdate | ValuationUpdate | DateAdvanced
