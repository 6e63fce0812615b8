"""What the handlers need from storage. Everything happens inside the caller's transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from tierflow_scoring.domain.buckets import BucketKey, Buckets
from tierflow_scoring.domain.facts import Facts, Stamp
from tierflow_scoring.domain.history import BucketRow, CustomerRecord, HoldingRow
from tierflow_scoring.domain.scores import BookStatistics

HoldingKey = tuple[str, str]  # customer id, holding id


class StoredValuation(NamedTuple):
    """A valuation of a holding as stored."""

    as_of: int
    value: int
    stamp: Stamp


class NewValuation(NamedTuple):
    """A valuation to store."""

    customer_id: str
    holding_id: str
    as_of: int
    value: int
    category: str
    stamp: Stamp


class StoredStanding(NamedTuple):
    """A standing in words, as stored: equal tuples are equal standings."""

    tier: str
    provisional: bool
    pending_tier: str | None
    pending_since: int | None
    pending_due: int | None
    policy_version: str


class SegmentRow(NamedTuple):
    """A change point of a path as stored."""

    customer_id: str
    scheme: str
    valid_from: int
    standing: StoredStanding
    rank: int
    measure: int
    decision: bytes


class PublishedRow(NamedTuple):
    """What was published last about a customer in a scheme, and since when its tier holds."""

    customer_id: str
    scheme: str
    standing: StoredStanding
    effective_on: int


class AccountSums(NamedTuple):
    """All bookings of an account, in minor units of the base currency."""

    customer_id: str
    account_id: str
    net: int
    credit: int
    debit: int
    transactions: int


class ClosingRow(NamedTuple):
    """How far the closing of days has come in a partition, and which record caused it.

    since: the first of the days (`NEVER` where the partition opens its first day); all customers up to the id
    `done_through` are done.
    """

    since: int
    done_through: str
    topic: str
    offset: int
    traceparent: str


class Known(NamedTuple):
    """When something became known: the moment, and the business day that was open."""

    at_ms: int
    on_day: int


class Belief(NamedTuple):
    """A change point, from when it was believed, and until when (None: it still is)."""

    segment: SegmentRow
    valid_until: int | None  # the day before the next change point that was believed with it
    known_from_ms: int
    known_from_day: int
    known_until_ms: int | None
    known_until_day: int | None


class KnownAt(NamedTuple):
    """A moment of knowledge: either a moment of the clock or a business day."""

    moment_ms: int | None = None
    day: int | None = None


class TierCount(NamedTuple):
    """How many customers are in a tier."""

    tier: str
    customers: int
    provisional: int


class Move(NamedTuple):
    """How many customers went from one tier to another on a day; `previous` is None for their first tier."""

    day: int
    previous: str | None
    tier: str
    customers: int


class Mover(NamedTuple):
    """One customer's move, with the measure before and after."""

    segment: SegmentRow
    previous_tier: str
    previous_measure: int


class Repository(Protocol):
    """State of the partitions. Reads see what the same transaction wrote before."""

    def open_day(self, partition: int) -> int | None:
        """The open business day; None before the first one."""

    def open_days(self) -> dict[int, int]:
        """The open day of each partition that has one."""

    def closed_days(self) -> dict[int, int]:
        """The last day that is closed for all customers of a partition, for each that has one."""

    def partitions_closing(self) -> int:
        """In how many partitions a closing is under way."""

    def closing(self, partition: int) -> ClosingRow | None:
        """The closing that is under way."""

    def save_closing(self, partition: int, row: ClosingRow) -> None: ...

    def end_closing(self, partition: int) -> None:
        """Everybody is done."""

    def closed_ahead(self, partition: int) -> set[str]:
        """The customers who are done although their turn has not come."""

    def add_closed_ahead(self, partition: int, customer_ids: Sequence[str]) -> None: ...

    def partitions(self) -> list[int]:
        """The partitions that have customers."""

    def set_open_day(self, partition: int, day: int) -> None: ...

    def statistics(self) -> dict[int, BookStatistics]:
        """The newest statistics of each partition."""

    def save_statistics(self, partition: int, book: BookStatistics) -> None: ...

    def partition_of(self, customer_id: str) -> int | None:
        """Where a customer is; None for one who was never heard of."""

    def customer_ids(self, partition: int) -> list[str]:
        """All customers of a partition, in order."""

    def facts(self, customer_ids: Collection[str]) -> dict[str, Facts]:
        """Facts of those customers that are known."""

    def save_facts(self, partition: int, facts: Mapping[str, Facts]) -> None: ...

    def buckets(self, partition: int, keys: Collection[BucketKey]) -> Buckets:
        """Those of the buckets that exist."""

    def buckets_on(self, partition: int, day: int) -> Buckets:
        """All buckets of a day."""

    def save_buckets(self, partition: int, buckets: Buckets, new_days: Collection[int]) -> None:
        """Writes whole buckets; `new_days` are days that had none before."""

    def bucket_rows(self, partition: int, days: Sequence[int]) -> list[BucketRow]:
        """The numbers of all buckets of some days."""

    def holding_rows(self, partition: int, days: Sequence[int]) -> list[HoldingRow]:
        """All valuations on some days, each with the value before it."""

    def account_net(self, partition: int, customer_id: str, account_id: str) -> int:
        """The sum of all bookings on an account."""

    def account_sums(self, partition: int, customer_ids: Sequence[str]) -> list[AccountSums]:
        """The sums of the accounts of some customers that have bookings."""

    def records(self, partition: int, customer_ids: Sequence[str]) -> list[CustomerRecord]:
        """Everything about some customers, in the order asked for; unknown customers are empty."""

    def valuations(self, customer_ids: Collection[str]) -> dict[HoldingKey, list[StoredValuation]]:
        """All valuations of the holdings of some customers, in order of their days."""

    def save_valuations(self, partition: int, valuations: Sequence[NewValuation]) -> None: ...

    def current_segments(self, customer_ids: Collection[str]) -> list[tuple[int, SegmentRow]]:
        """The change points that are believed now, with their storage ids."""

    def add_segments(self, rows: Sequence[SegmentRow], known: Known) -> None: ...

    def supersede(self, segment_ids: Sequence[int], known: Known) -> None:
        """Ends the belief in these change points; they stay in the history."""

    def published_about(self, customer_id: str) -> Iterable[PublishedRow]: ...

    def published(self, partition: int) -> Iterable[PublishedRow]: ...

    def save_published(self, partition: int, rows: Sequence[PublishedRow]) -> None: ...


class Queries(Protocol):
    """Questions about the whole book and about the past, in one consistent view."""

    def history(self, customer_id: str, schemes: Sequence[str], known_at: KnownAt) -> list[Belief]:
        """The change points of a customer as believed at a moment of knowledge, by scheme and day."""

    def customers_after(self, after: str, count: int) -> list[tuple[str, int]]:
        """The next customers by id, with their partitions."""

    def pyramid(self, scheme: str, day: int) -> list[TierCount]:
        """Customers by the tier that, as believed now, held on a closed day."""

    def standings(self, scheme: str, day: int, after: str, count: int) -> list[SegmentRow]:
        """The next customers by id, each with the change point that, as believed now, holds on a closed day."""

    def moves(self, scheme: str) -> list[Move]:
        """All moves of a scheme as believed now, by day and tiers; first tiers too."""

    def movers(self, scheme: str, limit: int) -> list[Mover]:
        """The largest moves: by tiers moved, then by the change of the measure, then by day and customer."""
