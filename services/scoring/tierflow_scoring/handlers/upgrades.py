"""Upgrades inside the open day: published at the first event whose running assets reach a higher tier.

Only schemes that measure end-of-day assets have a value before the day is over; averages and composites wait for the
close. Inside the open day nobody is ever downgraded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.book import Book
from tierflow_scoring.domain.decision import reasons_for
from tierflow_scoring.domain.path import Segment
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.domain.standing import Standing, pack, tiers_in
from tierflow_shared.bus.port import Record


@dataclass(slots=True)
class Moves:
    """Changes of running assets in log order: whose, how much, by which record."""

    slots: list[int] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    causes: list[Record] = field(default_factory=list)

    def add(self, slot: int, change: int, cause: Record) -> None:
        """Notes one change."""
        self.slots.append(slot)
        self.changes.append(change)
        self.causes.append(cause)

    def extend(self, slots: Ints, changes: Ints, causes: Sequence[Record]) -> None:
        """Notes many."""
        self.slots += slots.tolist()
        self.changes += changes.tolist()
        self.causes += causes


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A customer who reached a higher tier at one of the moves."""

    place: int  # in the log order of the moves
    slot: int
    scheme_index: int
    segment: Segment


def apply_moves(book: Book, moves: Moves, currency: str) -> list[Upgrade]:
    """Adds the moves to the running assets. Returns upgrades in log order."""
    slots, changes = ints(moves.slots), ints(moves.changes)
    after = _running_after(book.running, slots, changes)
    np.add.at(book.running, slots, changes)
    upgrades: list[Upgrade] = []
    for index, scheme in enumerate(book.policies.schemes):
        if book.open_day is not None and scheme.on(book.open_day).measure.is_immediate:
            upgrades += _upgrades(book, index, scheme, slots, after, currency)
    return sorted(upgrades, key=lambda upgrade: (upgrade.place, upgrade.scheme_index))


def _running_after(running: Ints, slots: Ints, changes: Ints) -> Ints:
    """The assets of each move's customer right after that move."""
    order = np.argsort(slots, kind="stable")
    grouped, total = slots[order], np.cumsum(changes[order])
    first = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
    offset = np.repeat((total - changes[order])[first], np.diff(np.r_[first, len(slots)]))
    after = np.empty_like(total)
    after[order] = running[grouped] + total - offset
    return after


def _upgrades(book: Book, index: int, scheme: Scheme, slots: Ints, after: Ints, currency: str) -> list[Upgrade]:
    day = book.open_day
    assert day is not None, "there is no open day"
    version = scheme.on(day)
    reached = np.searchsorted(ints([tier.enter for tier in version.tiers[1:]]), after, side="right")
    above = np.flatnonzero(reached > np.maximum(tiers_in(book.published[index])[slots], 0))
    upgrades = []
    known: dict[int, int] = {}
    for place in above.tolist():
        slot, tier = int(slots[place]), int(reached[place])
        if tier <= known.get(slot, 0):
            continue
        known[slot] = tier
        standing = Standing(tier, book.is_provisional(slot), None, scheme.index_on(day))
        measure = int(after[place])
        reasons = reasons_for(version, standing, measure, {}, currency)
        segment = Segment(scheme, day, pack(standing), standing, day, measure, {}, reasons)
        upgrades.append(Upgrade(place, slot, index, segment))
    return upgrades
