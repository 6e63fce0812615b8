"""What the consumer hands over: records that were read and understood."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Ints
from tierflow_scoring.domain.buckets import BucketKey
from tierflow_scoring.domain.facts import Change, Facts, Stamp
from tierflow_shared.bus.port import Record

SERVICE = "scoring"
POSTED: Final = "bank.transaction.posted.v1"
REVERSED: Final = "bank.transaction.reversed.v1"


@dataclass(frozen=True, slots=True)
class Bookings:
    """Bookings and reversals that follow each other in a partition's log: columns of one length, in log order.

    Amounts and costs are in minor units of the base currency; `rules` are places in `flows.RULES`; `times` is 1 for a
    booking and -1 for a reversal; identities (16 bytes) and contents (8 bytes) are what a ledger keeps.
    """

    records: Sequence[Record]
    keys: Sequence[BucketKey]
    identities: Sequence[bytes]
    contents: Sequence[bytes]
    amounts: Ints
    costs: Ints
    rules: Ints
    times: Ints

    @property
    def days(self) -> Ints:
        """The booking days."""
        return np.fromiter((key[0] for key in self.keys), np.int64, len(self.keys))

    def part(self, which: slice) -> "Bookings":
        """Some of them."""
        return Bookings(
            self.records[which], self.keys[which], self.identities[which], self.contents[which],
            self.amounts[which], self.costs[which], self.rules[which], self.times[which],
        )  # fmt: skip

    def without(self, rows: Collection[int]) -> "Bookings":
        """All but those at some places."""
        kept = [row for row in range(len(self.records)) if row not in rows]
        lists = ([column[row] for row in kept] for column in (self.records, self.keys, self.identities, self.contents))
        return Bookings(*lists, *(column[kept] for column in (self.amounts, self.costs, self.rules, self.times)))  # type: ignore[arg-type]


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
