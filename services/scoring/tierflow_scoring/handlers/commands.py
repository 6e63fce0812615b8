"""What the consumer hands over: records that were read and understood."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from tierflow_scoring.domain.facts import Change, Facts, Stamp
from tierflow_scoring.domain.flows import BookingRule
from tierflow_scoring.ports import BucketKey
from tierflow_shared.bus.port import Record

SERVICE = "scoring"


class Posting(msgspec.Struct, gc=False):
    """A booking or (`times` -1) its reversal; amounts in minor units of the base currency."""

    record: Record
    key: BucketKey
    amount: int
    cost: int
    rule: BookingRule
    times: int
    identity: bytes
    content: bytes


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


Command = Posting | FactUpdate | ValuationUpdate | DateAdvanced
