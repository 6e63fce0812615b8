"""The bus: a partitioned log. Every adapter passes the same conformance suite (`tests/contract/bus`).

Semantics every adapter keeps:

- **Order.** Messages with the same key lie in one partition in the order in which `publish` was awaited;
  inside one `publish` call, in the order of the sequence. `poll` never reorders within a partition.
- **Durability.** When `publish` returns, the messages survive a crash of the process and of the machine.
- **At least once.** A consumer that starts again reads from where it is told to `seek`; nothing is skipped
  unless retention removed it, and then `RetentionGap` says so instead of a silent jump.
- **Leases.** A partition belongs to at most one member of a group at a time. Each assignment carries an epoch
  that only grows; a member that lost its lease (a zombie) holds a smaller epoch than its successor, so a
  database that compares epochs refuses what the zombie writes.
- **Bounded shutdown.** `close(timeout_s)` returns within its limit whatever the broker does.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """One ordered log."""

    topic: str
    partition: int


class Message(NamedTuple):
    """What is published. Without `partition` the key decides (equal keys, equal partition)."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    partition: int | None = None


class Position(NamedTuple):
    """Where a published message lies."""

    topic: str
    partition: int
    offset: int


class Record(NamedTuple):
    """A message as read. `type` repeats the header `ce_type` ("" where it is missing)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str
    type: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    def header(self, name: str) -> str:
        """The text of one header, "" where it is missing."""
        for key, value in self.headers:
            if key == name:
                return value.decode("utf-8", "replace") if value else ""
        return ""


class Batch(NamedTuple):
    """What one poll brought.

    `start` and `end` hold, for each partition that moved, the offset before the first and after the last message
    that was looked at (messages of types nobody asked for count, so the position can move without records).
    """

    records: Sequence[Record]
    start: Mapping[TopicPartition, int]
    end: Mapping[TopicPartition, int]


class Assignment(NamedTuple):
    """A partition this member owns from now on, under a fencing epoch."""

    topic_partition: TopicPartition
    epoch: int


class BusUnavailableError(Exception):
    """The log cannot be reached or written now; nothing of the call took effect that was not said to."""


class MessageTooLargeError(ValueError):
    """The log takes no message of this size; sending it again cannot help."""


class StaleEpochError(Exception):
    """A listener refuses an assignment: the database knows a larger epoch (`claimed`) of the partition."""

    def __init__(self, topic_partition: TopicPartition, epoch: int, claimed: int) -> None:
        topic, partition = topic_partition
        super().__init__(f"{topic}/{partition} was claimed under epoch {claimed}, newer than {epoch}")
        self.topic_partition, self.epoch, self.claimed = topic_partition, epoch, claimed


class RetentionGapError(Exception):
    """Messages between the wanted offset and the oldest kept one are gone."""

    def __init__(self, topic_partition: TopicPartition, wanted: int, earliest: int) -> None:
        super().__init__(f"{topic_partition.topic}/{topic_partition.partition}: {wanted} wanted, {earliest} is oldest")
        self.topic_partition, self.wanted, self.earliest = topic_partition, wanted, earliest


class AssignmentListener(Protocol):
    """Told by the consumer about its partitions, from inside `poll`, before records of them are returned."""

    async def assigned(self, assignments: Sequence[Assignment]) -> Mapping[TopicPartition, int]:
        """Returns the offset from which each partition must be read.

        A partition that the member owns already may be assigned again under a newer epoch (a broker's group has a
        new generation). Then the claim is renewed; what is kept in memory stays valid if nobody else claimed it.

        Raises:
            StaleEpochError: a larger epoch has claimed one of the partitions; none of them is ours yet.
        """

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """The partitions are given back (or were lost): stop work on them, forget their state."""


class Producer(Protocol):
    """Writes messages."""

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        """Durable on return, all or an exception; may be repeated after an exception (then duplicates can exist).

        Raises:
            BusUnavailableError: the log did not acknowledge.
            MessageTooLargeError: one of the messages can never be taken; none was sent.
        """

    async def close(self, timeout_s: float) -> None:
        """Waits for what is in flight, at most `timeout_s` seconds."""


class Consumer(Protocol):
    """Reads as one member of a group."""

    async def start(self, listener: AssignmentListener) -> None:
        """Joins the group. Partitions arrive by `listener` from inside `poll`."""

    async def poll(self, max_records: int, timeout_s: float) -> Batch:
        """The next records of the assigned, unpaused partitions; empty after `timeout_s` seconds without any.

        Raises:
            RetentionGapError: a position lies before the oldest record.
            BusUnavailableError: the log cannot be read now.
        """

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        """The next poll reads this partition from `offset`."""

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Leaves these partitions out of `poll`; they stay assigned."""

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Takes these partitions into `poll` again."""

    def give_up(self, partitions: Sequence[TopicPartition]) -> None:
        """The database says that another member wrote to these: they come again only by a new assignment.

        The listener is not told `revoked` for them; it is the one who knows. Should they be ours after all,
        they are assigned again under a newer epoch.
        """

    async def mirror(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Shows positions to lag tools. Never the truth: that is the offset in the database."""

    async def close(self, timeout_s: float) -> None:
        """Leaves the group at once, so that others take over without waiting for the lease to end."""


class Bus(Protocol):
    """A log with its topics."""

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """Creates missing topics with so many partitions; existing ones keep theirs."""

    async def partitions(self, topic: str) -> int: ...

    async def earliest(self, topic_partition: TopicPartition) -> int: ...

    async def high_watermark(self, topic_partition: TopicPartition) -> int:
        """The offset that the next message will get."""

    async def offset_for_time(self, topic_partition: TopicPartition, timestamp_ms: int) -> int:
        """The first offset whose timestamp is not before `timestamp_ms`; the high watermark when there is none."""

    async def mirrored(self, group: str) -> Mapping[TopicPartition, int]:
        """What `Consumer.mirror` last showed for a group."""

    async def fetch(self, topic_partition: TopicPartition, offset: int, max_records: int) -> Sequence[Record]:
        """Reads outside any group, for inspection and replay."""

    async def trim(self, topic_partition: TopicPartition, before_offset: int) -> None:
        """Retention: removes what lies before an offset; reading it later raises `RetentionGapError`."""

    def producer(self) -> Producer: ...

    def consumer(self, group: str, member: str, topics: Sequence[str], types: frozenset[str] | None = None) -> Consumer:
        """A member of a group. Records whose type is not in `types` may be passed over (positions still move)."""

    async def close(self, timeout_s: float) -> None: ...
