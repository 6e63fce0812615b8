"""How far a consumer loop has read, and which of it is worth a transaction of its own."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tierflow_shared.bus.port import Batch, Record, TopicPartition

# Passing over messages that nobody asked for, and showing offsets to lag tools, can wait this long under load.
_UNHURRIED_S = 0.25


class Progress:
    """Gathers moves without records, so that they ride with the next batch that has some."""

    def __init__(self) -> None:
        self.read_to: dict[TopicPartition, int] = {}
        self._skipped: dict[TopicPartition, int] = {}
        self._unmirrored: dict[TopicPartition, int] = {}
        self._committed_at = self._mirrored_at = time.monotonic()

    def skip(self, batch: Batch) -> None:
        """Remembers where a run of unwanted messages began."""
        for topic_partition, offset in batch.start.items():
            self._skipped.setdefault(topic_partition, offset)
        self.read_to.update(batch.end)

    def is_due(self) -> bool:
        """True when the offsets have not moved in the database for a while."""
        return time.monotonic() - self._committed_at >= _UNHURRIED_S

    def with_skipped(self, batch: Batch) -> Batch:
        """The batch, beginning where the unwanted messages before it began."""
        if not self._skipped:
            return batch
        start = {**batch.start, **self._skipped}
        end = {**{topic_partition: self.read_to[topic_partition] for topic_partition in self._skipped}, **batch.end}
        return Batch(batch.records, start, end)

    def standing(self, batch: Batch, partitions: Iterable[TopicPartition]) -> Batch:
        """The batch, with those of the partitions that do not move in it: they stand where they are."""
        here = {one: self.read_to[one] for one in partitions if one not in batch.end}
        return Batch(batch.records, {**batch.start, **here}, {**batch.end, **here}) if here else batch

    def committed(self, batch: Batch) -> None:
        """The batch's offsets are in the database."""
        self._skipped.clear()
        self._committed_at = time.monotonic()
        self.read_to.update(batch.end)
        self._unmirrored.update(batch.end)

    def to_mirror(self, *, at_once: bool) -> Mapping[TopicPartition, int]:
        """Offsets that lag tools have not seen; nothing while it is too early and `at_once` is false."""
        if not self._unmirrored or not (at_once or time.monotonic() - self._mirrored_at >= _UNHURRIED_S):
            return {}
        offsets, self._unmirrored = self._unmirrored, {}
        self._mirrored_at = time.monotonic()
        return offsets

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions belong to others now."""
        for topic_partition in partitions:
            for known in (self.read_to, self._skipped, self._unmirrored):
                known.pop(topic_partition, None)


def joined(first: Batch, second: Batch) -> Batch:
    """Two batches, one read after the other, as one."""
    if not first.end:
        return second
    records = [*first.records, *second.records]
    return Batch(records, {**second.start, **first.start}, {**first.end, **second.end})


Step = tuple[Sequence[Record], Mapping[TopicPartition, int], Mapping[TopicPartition, int]]


def single_steps(batch: Batch) -> Iterator[Step]:
    """Cuts a batch into steps of one record each that together move the same offsets."""
    position = dict(batch.start)
    last = {record.topic_partition: index for index, record in enumerate(batch.records)}
    for index, record in enumerate(batch.records):
        here = record.topic_partition
        after = batch.end[here] if last[here] == index else record.offset + 1
        yield [record], {here: position[here]}, {here: after}
        position[here] = after
    for here, after in batch.end.items():
        if here not in last:
            yield [], {here: position[here]}, {here: after}
