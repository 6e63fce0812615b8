"""The common job: postings on a topic, and what each customer must stand at in the end."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.stream import FIRST_DAY
from tierflow_shared.cloudevents import headers_of

POSTED: Final = "bank.transaction.posted.v1"
THRESHOLDS_MINOR: Final = (0, 100_000, 500_000, 2_000_000)
_BUSINESS_DAYS: Final = 4
_LEAST_MINOR, _MOST_MINOR = 1_000, 316_228
_DATA: Final = (
    b'{"transaction_id":"t-%08d","customer_id":"%b","account_id":"a-%07d",'
    b'"amount":{"value":"%d.%02d","currency":"CNY"},"direction":"%b","booking_date":"%b",'
    b'"channel":"mobile","purpose":"transfer","counterparty_bank":"bank-%03d"}'
)
Header = tuple[str, bytes]


class Standing(NamedTuple):
    """What a customer's postings come to: the sum in minor units, how many they are, and the tier (0 to 4)."""

    sum_minor: int
    postings: int
    tier: int


class Posting(NamedTuple):
    """One message of the topic; `timestamp_ms` is the event's time."""

    customer: int
    key: bytes
    value: bytes
    headers: list[Header]
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Workload:
    """`events` postings over `customers` customers, evenly at random; the same seed gives the same bytes."""

    events: int
    customers: int
    seed: int = 1

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Customer number, amount in minor units and whether it is a credit; one row an event, in topic order."""
        rng = np.random.default_rng(self.seed)
        customer = rng.integers(0, self.customers, self.events, dtype=np.int64)
        minor = rng.integers(_LEAST_MINOR, _MOST_MINOR, self.events, dtype=np.int64)
        return customer, minor, rng.integers(0, 2, self.events).astype(np.bool_)

    def postings(self) -> Iterator[Posting]:
        """Every message in the order in which it is sent."""
        day_ms = 86_400_000
        first_ms = int(datetime.datetime.combine(FIRST_DAY, datetime.time(9), datetime.UTC).timestamp()) * 1000
        days = [(FIRST_DAY + datetime.timedelta(days=n)).isoformat() for n in range(_BUSINESS_DAYS)]
        numbers = zip(*(column.tolist() for column in self.columns()), strict=True)
        for n, (customer, minor, credit) in enumerate(numbers):
            day = n * _BUSINESS_DAYS // self.events
            key = customer_id(customer).encode()
            direction = b"credit" if credit else b"debit"
            amount = divmod(minor, 100)
            value = _DATA % (n, key, customer, *amount, direction, days[day].encode(), n % 1000)
            headers = headers_of(
                event_id=f"t-{n:08d}", source="/core-banking/ledger", event_type=POSTED, time=f"{days[day]}T09:00:00Z"
            )
            yield Posting(customer, key, value, list(headers), first_ms + day * day_ms)

    def expected(self) -> dict[str, Standing]:
        """The final standing of every customer with a posting, computed from the columns and never from the topic."""
        customer, minor, credit = self.columns()
        sums = np.zeros(self.customers, np.int64)
        np.add.at(sums, customer, np.where(credit, minor, -minor))
        counts = np.bincount(customer, minlength=self.customers)
        tiers = np.searchsorted(THRESHOLDS_MINOR, sums, side="right")
        rows = zip(sums.tolist(), counts.tolist(), tiers.tolist(), strict=True)
        return {customer_id(n): Standing(*row) for n, row in enumerate(rows) if row[1]}


def customer_id(number: int) -> str:
    """The id of a customer, as in the other benches."""
    return f"c-{number:07d}"
