"""What is in memory of one partition."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tierflow_scoring.domain.book import Book
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.domain.facts import Facts
from tierflow_scoring.domain.history import AccountKey
from tierflow_scoring.domain.outcome import Outcome
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers.bucket_cache import BucketCache
from tierflow_scoring.handlers.upgrades import Moves
from tierflow_scoring.ports import ClosingRow, HoldingKey, NewValuation, StoredValuation
from tierflow_shared.bus.port import Record


@dataclass(slots=True)
class Closing:
    """Days that are over but not yet written and told for all customers of the partition.

    since: the first of them (`NEVER`: the partition opens its first day, and nothing is told); cause: the record that
    showed it; waiting: the slots still to do; turns: their ids, the next one last.
    """

    since: int
    cause: Record
    waiting: set[int]
    turns: list[str]
    outcomes: Sequence[Outcome] = ()
    done_through: str = ""
    is_stored: bool = False

    @property
    def is_opening(self) -> bool:
        """True for the first day of a partition: the past of those who wait has not been folded at all."""
        return self.since == NEVER

    def row(self) -> ClosingRow:
        """As stored."""
        cause = self.cause
        return ClosingRow(self.since, self.done_through, cause.topic, cause.offset, cause.header("traceparent")[:64])


@dataclass(slots=True)
class PartitionState:
    """The book, the buckets, and what the batch in hand has changed so far.

    lent: accounts that hold the bank's money; late: slots whose past changed and must be folded again;
    facts: the facts of customers whom the batch in hand says something about; valuations: those of their holdings;
    named: the customers of the batch in hand while the first day opens;
    closing: days that are decided but not yet written for everybody.
    """

    partition: int
    policies: PolicySet
    currency: str
    book: Book
    buckets: BucketCache
    statistics_day: int | None = None
    lent: set[AccountKey] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    moves: Moves = field(default_factory=Moves)
    facts: dict[str, Facts] = field(default_factory=dict)
    unsaved: set[str] = field(default_factory=set)
    valuations: dict[HoldingKey, list[StoredValuation]] = field(default_factory=dict)
    unsaved_valuations: dict[tuple[str, str, int], NewValuation] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    closing: Closing | None = None

    def slot(self, customer_id: str) -> int:
        """The customer's slot; a new customer is written with the next save."""
        slot = self.book.slot_of.get(customer_id)
        if slot is None:
            slot = self.book.slot(customer_id)
            self.facts[customer_id] = Facts()
            self.unsaved.add(customer_id)
        return slot

    def change_closed(self, slot: int, day: int) -> None:
        """Notes that a closed day of a customer is not what it was."""
        self.late.add(slot)
        self.book.recent_money.forget(day)

    def is_closed(self, day: int) -> bool:
        """True for days that are over in this partition."""
        return self.book.open_day is not None and day < self.book.open_day


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How much of a partition may be in memory, in rows."""

    buckets: int
    recent_money: int


def new_state(partition: int, policies: PolicySet, currency: str, limits: MemoryLimits) -> PartitionState:
    """An empty partition."""
    book = Book(policies, limits.recent_money)
    state = PartitionState(partition, policies, currency, book, BucketCache(partition, limits.buckets, book.slot))
    state.buckets = BucketCache(partition, limits.buckets, state.slot)
    return state
