"""Buckets in memory: all of the latest days, and those of older days that the batch in hand touches.

Days from `complete_from` on are complete in memory, so a bucket that is not here does not exist; older buckets are read
before the batch is applied, all at once.
"""

from collections.abc import Iterable, Mapping

from tierflow_scoring.domain.buckets import Bucket
from tierflow_scoring.ports import BucketKey, Repository


class BucketCache:
    """Buckets of one partition. Keeps at most about `limit` buckets beyond those of a batch."""

    def __init__(self, partition: int, limit: int) -> None:
        self._partition, self._limit = partition, limit
        self._recent: dict[BucketKey, Bucket] = {}
        self._older: dict[BucketKey, Bucket] = {}
        self._changed: dict[BucketKey, Bucket] = {}
        self._known_days: set[int] = set()
        self._new_days: set[int] = set()
        self.complete_from = 0

    def load(self, repository: Repository, open_day: int) -> None:
        """Takes in the open day."""
        self.complete_from = open_day
        self._recent = repository.buckets_on(self._partition, open_day)

    def prefetch(self, repository: Repository, keys: Iterable[BucketKey]) -> None:
        """Reads the older buckets among `keys`."""
        wanted = {key for key in keys if key[0] < self.complete_from}
        if wanted:
            self._older = repository.buckets(self._partition, wanted)

    @property
    def changed(self) -> Mapping[BucketKey, Bucket]:
        """Buckets that must be written: one look here finds most of those that a batch needs. Valid until `save`."""
        return self._changed

    def bucket(self, key: BucketKey) -> Bucket:
        """The bucket to book in; a new one where none exists."""
        shelf = self._recent if key[0] >= self.complete_from else self._older
        found = shelf.get(key)
        if found is None:
            found = shelf[key] = Bucket()
            if key[0] not in self._known_days:
                self._new_days.add(key[0])
        return found

    def touched(self, key: BucketKey, bucket: Bucket) -> None:
        """Notes that a bucket must be written."""
        self._changed[key] = bucket

    def save(self, repository: Repository) -> None:
        """Writes what changed since the last time."""
        if not self._changed:
            return
        repository.save_buckets(self._partition, self._changed, self._new_days)
        self._known_days |= self._new_days
        self._changed, self._new_days = {}, set()

    def trim(self, open_day: int) -> None:
        """Forgets older days once the limit is reached; the open day too if it alone is beyond the limit."""
        self._older = {}
        if len(self._recent) <= self._limit or self.complete_from > open_day:
            return
        self._recent = {key: bucket for key, bucket in self._recent.items() if key[0] >= open_day}
        self.complete_from = open_day
        if len(self._recent) > self._limit:
            self._recent, self.complete_from = {}, open_day + 1
