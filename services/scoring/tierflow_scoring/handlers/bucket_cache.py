"""Buckets in memory: all of the latest days, and those of older days that the batch in hand touches.

Days from `complete_from` on are complete in memory, so a bucket that is not here does not exist; older buckets are read
before the batch is applied, all at once. A bucket has a place; what it holds lies there in each column.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.buckets import NUMBERS, BucketKey, Buckets
from tierflow_scoring.ports import Repository

_GROWTH: Final = 4_096


class BucketCache:
    """Buckets of one partition. Keeps at most about `limit` buckets beyond those of a batch.

    `slot_of` gives a customer's slot, `slots` the one of each bucket's customer; `ledgers` are to be written by place.
    """

    def __init__(self, partition: int, limit: int, slot_of: Callable[[str], int]) -> None:
        self._partition, self._limit, self._slot_of = partition, limit, slot_of
        self._known_days: set[int] = set()
        self._new_days: set[int] = set()
        self.complete_from = 0
        self._clear()

    def _clear(self) -> None:
        self._place_of: dict[BucketKey, int] = {}
        self._older: list[BucketKey] = []
        self._free: list[int] = []
        self._keys: list[BucketKey] = []
        self.ledgers: list[bytes] = []
        self.slots = ints([])
        self._numbers = np.zeros((0, NUMBERS), np.int64)
        self._changed = np.zeros(0, np.bool_)

    def load(self, repository: Repository, open_day: int) -> None:
        """Takes in the open day."""
        self._clear()
        self.complete_from = open_day
        self._take(repository.buckets_on(self._partition, open_day))

    def prefetch(self, repository: Repository, bookings: Iterable[tuple[Sequence[BucketKey], Ints]]) -> None:
        """Reads the older buckets among keys that come with their days."""
        wanted = {keys[row] for keys, days in bookings for row in np.flatnonzero(days < self.complete_from).tolist()}
        if wanted:
            self._take(repository.buckets(self._partition, wanted))

    def places(self, keys: Sequence[BucketKey]) -> list[int]:
        """Where the buckets to book in are; new ones are made where none exist."""
        found = list(map(self._place_of.get, keys))
        if None in found:
            for row, place in enumerate(found):
                if place is None:
                    found[row] = self._new(keys[row])
        return found  # type: ignore[return-value]  # None was replaced

    def add(self, places: Ints, changes: Ints) -> None:
        """Adds numbers [R, NUMBERS] to the buckets at `places` [R]; these must be written then."""
        order = np.argsort(places, kind="stable")
        grouped = places[order]
        first = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
        here = grouped[first]
        self._numbers[here] += np.add.reduceat(changes[order], first, axis=0)
        self._changed[here] = True

    def save(self, repository: Repository) -> None:
        """Writes what changed since the last time."""
        changed = np.flatnonzero(self._changed)
        if not len(changed):
            return
        repository.save_buckets(self._partition, self._at(changed), self._new_days)
        self._changed[changed] = False
        self._known_days |= self._new_days
        self._new_days = set()

    def trim(self, open_day: int) -> None:
        """Forgets older days once the limit is reached; the open day too if it alone is beyond the limit."""
        self._forget(self._older)
        self._older = []
        if len(self._place_of) <= self._limit or self.complete_from > open_day:
            return
        self._forget([key for key in self._place_of if key[0] < open_day])
        self.complete_from = open_day
        if len(self._place_of) > self._limit:
            self._clear()
            self.complete_from = open_day + 1

    def _take(self, buckets: Buckets) -> None:
        places = ints([self._place(key) for key in buckets.keys])
        if len(places):
            self._numbers[places] = buckets.numbers
            for place, ledger in zip(places.tolist(), buckets.ledgers, strict=True):
                self.ledgers[place] = ledger

    def _new(self, key: BucketKey) -> int:
        known = self._place_of.get(key)
        if known is not None:
            return known
        if key[0] not in self._known_days:
            self._new_days.add(key[0])
        return self._place(key)

    def _place(self, key: BucketKey) -> int:
        """A blank place for a bucket."""
        if self._free:
            place = self._free.pop()
            self._keys[place] = key
        else:
            place = len(self._keys)
            self._keys.append(key)
            self.ledgers.append(b"")
            if place >= len(self.slots):
                self._grow(max(_GROWTH, place // 2))
        self._place_of[key] = place
        self.slots[place] = self._slot_of(key[1])
        if key[0] < self.complete_from:
            self._older.append(key)
        return place

    def _grow(self, more: int) -> None:
        self.slots = np.concatenate([self.slots, np.zeros(more, np.int64)])
        self._numbers = np.concatenate([self._numbers, np.zeros((more, NUMBERS), np.int64)])
        self._changed = np.concatenate([self._changed, np.zeros(more, np.bool_)])

    def _at(self, places: Ints) -> Buckets:
        where = places.tolist()
        keys, ledgers = [self._keys[place] for place in where], [self.ledgers[place] for place in where]
        return Buckets(keys, self._numbers[places], ledgers)

    def _forget(self, keys: Sequence[BucketKey]) -> None:
        for key in keys:
            place = self._place_of.pop(key)
            self.ledgers[place] = b""
            self._numbers[place] = 0
            self._free.append(place)
