"""What must be true at the end, computed from the journal alone: plain sums and registers, one event at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos import journal
from tests.chaos.story import SOURCE

BucketKey = tuple[str, str, str]  # booking day, customer, account
Stamp = tuple[str, str]  # event time and id; one source says everything


class Sums(NamedTuple):
    """A bucket's numbers in cents; a reversal counts with the opposite sign."""

    net: int
    credit: int
    debit: int
    transactions: int


@dataclass(slots=True)
class Bucket:
    """One account on one day, and who is in its ledger."""

    net: int = 0
    credit: int = 0
    debit: int = 0
    transactions: int = 0
    ledger: set[bytes] = field(default_factory=set)

    @property
    def sums(self) -> Sums:
        return Sums(self.net, self.credit, self.debit, self.transactions)

    def book(self, cents: int, is_credit: bool, times: int, identity: bytes) -> None:
        self.ledger.add(identity)
        self.transactions += times
        if is_credit:
            self.credit += times * cents
            self.net += times * cents
        else:
            self.debit += times * cents
            self.net -= times * cents


@dataclass(slots=True)
class Customer:
    """What the events say about one customer, beside the money."""

    opened: dict[str, tuple[Stamp, str, str]] = field(default_factory=dict)  # account: kind, first day
    kyc: dict[str, tuple[Stamp, str, str | None]] = field(default_factory=dict)  # first day: status, last day
    values: dict[tuple[str, str], tuple[Stamp, int]] = field(default_factory=dict)  # holding, day: cents


@dataclass(slots=True)
class Expected:
    """The truth about everything that was acknowledged."""

    sent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # customer: ids in order
    types: Counter[str] = field(default_factory=Counter)
    buckets: dict[BucketKey, Bucket] = field(default_factory=lambda: defaultdict(Bucket))
    customers: dict[str, Customer] = field(default_factory=lambda: defaultdict(Customer))
    bus_sales: set[str] = field(default_factory=set)
    http_sales: dict[str, str] = field(default_factory=dict)  # sale: decision, "" without
    confirmed: dict[str, str] = field(default_factory=dict)  # sale: decision
    last_date: str = ""
    acknowledged: int = 0


def cents(amount: dict[str, str]) -> int:
    """Text with two decimals to cents."""
    whole, _, fraction = amount["value"].partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0") or "0")


def identity(source: str, event_id: str) -> bytes:
    """How an event is known in a ledger: 16 bytes of its source and id."""
    return blake2b(f"{source}\x1f{event_id}".encode(), digest_size=16).digest()


def expected_of(path: Path) -> Expected:
    """Reads the journal."""
    truth = Expected()
    for line in journal.lines(path):
        match line["kind"]:
            case journal.EVENTS:
                for event_id, event_type, time, customer, data in _events(line):
                    _take(truth, event_id, event_type, time, customer, data)
            case journal.SALE:
                truth.http_sales[line["sale_id"]] = line["decision_id"]
            case journal.CONFIRMED:
                truth.confirmed[line["sale_id"]] = line["decision_id"]
            case journal.DATE:
                truth.last_date = max(truth.last_date, line["date"])
    truth.acknowledged = sum(truth.types.values()) + len(truth.http_sales) + len(truth.confirmed)
    return truth


def _events(line: dict[str, Any]) -> Iterator[tuple[str, str, str, str, dict[str, Any]]]:
    for (event_id, event_type, time, customer), data in zip(line["events"], line["data"], strict=True):
        yield event_id, event_type, time, customer, data


def _take(truth: Expected, event_id: str, event_type: str, time: str, key: str, data: dict[str, Any]) -> None:
    truth.sent[key].append(event_id)
    truth.types[event_type] += 1
    stamp = (time, event_id)
    match event_type:
        case "bank.transaction.posted.v1":
            bucket = truth.buckets[data["booking_date"], key, data["account_id"]]
            bucket.book(cents(data["amount"]), data["direction"] == "credit", 1, identity(SOURCE, event_id))
        case "bank.transaction.reversed.v1":
            bucket = truth.buckets[data["booking_date"], key, data["account_id"]]
            known_as = identity(f"reversal/{data['account_id']}", data["transaction_id"])
            bucket.book(cents(data["amount"]), data["direction"] == "credit", -1, known_as)
        case "bank.account.opened.v1":
            _newest(truth.customers[key].opened, data["account_id"], (stamp, data["kind"], data["opened_on"]))
        case "bank.kyc.updated.v1":
            state = (stamp, data["status"], data.get("valid_until"))
            _newest(truth.customers[key].kyc, data["effective_on"], state)
        case "bank.holding.updated.v1":
            place = (data["holding_id"], data["as_of"])
            _newest(truth.customers[key].values, place, (stamp, cents(data["value"])))
        case "bank.sale.requested.v1":
            truth.bus_sales.add(data["sale_id"])


def _newest(register: dict[Any, Any], key: object, state: tuple[Any, ...]) -> None:
    known = register.get(key)
    if known is None or known[0] < state[0]:
        register[key] = state
