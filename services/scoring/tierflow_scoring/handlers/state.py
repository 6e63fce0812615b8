"""What is in memory of one partition."""

from dataclasses import dataclass, field

from tierflow_scoring.domain.book import Book
from tierflow_scoring.domain.facts import Facts
from tierflow_scoring.domain.history import AccountKey
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers.bucket_cache import BucketCache
from tierflow_scoring.handlers.upgrades import Moves


@dataclass(slots=True)
class PartitionState:
    """The book, the buckets, and what the batch in hand has changed so far.

    lent: accounts that hold the bank's money; late: slots whose past changed and must be folded again;
    facts: the facts of customers whom the batch in hand says something about.
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
    book, buckets = Book(policies, limits.recent_money), BucketCache(partition, limits.buckets)
    return PartitionState(partition, policies, currency, book, buckets)
