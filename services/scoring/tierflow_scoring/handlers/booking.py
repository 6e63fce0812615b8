"""What bookings and reversals do to a partition, in columns: the hot path."""

from collections import Counter

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.buckets import Number, effects, known_content
from tierflow_scoring.handlers.closing import advance
from tierflow_scoring.handlers.commands import POSTED, REVERSED, Bookings
from tierflow_scoring.handlers.state import PartitionState
from tierflow_scoring.handlers.work import Work
from tierflow_shared.stream.handlers import Outcome

Outcomes = Counter[tuple[str, Outcome]]
_CONFLICT = ("conflicting-content", "the same id with other content was taken before")


def book(state: PartitionState, work: Work, bookings: Bookings) -> Outcomes:
    """Books in log order, each in the bucket of its booking day; one of a later day closes the days before it.

    Returns how many took effect and how many were duplicates, by event type. One whose identity the ledger knows with
    other content becomes a dead letter.
    """
    taken: Outcomes = Counter()
    days, first = bookings.days, 0
    while first < len(days):
        day = int(days[first])
        if state.book.open_day is None or day > state.book.open_day:
            advance(state, work, day, bookings.records[first])
            continue
        later = np.flatnonzero(days[first:] > state.book.open_day)
        end = first + int(later[0]) if len(later) else len(days)
        _book(state, work, bookings.part(slice(first, end)), taken)
        first = end
    return taken


def _book(state: PartitionState, work: Work, bookings: Bookings, taken: Outcomes) -> None:
    """Books what happened on the open day or before it."""
    places = state.buckets.places(bookings.keys)
    repeated = take_into_ledgers(state.buckets.ledgers, places, bookings)
    if repeated:
        for row, is_duplicate in repeated.items():
            if is_duplicate:
                taken[bookings.records[row].type, "duplicate"] += 1
            else:
                work.uow.dead_letter(bookings.records[row], *_CONFLICT)
        bookings = bookings.without(repeated.keys())
        places = [place for row, place in enumerate(places) if row not in repeated]
    if not places:
        return
    changes = effects(bookings.rules, bookings.amounts, bookings.costs, bookings.times)
    where = ints(places)
    state.buckets.add(where, changes)
    slots = state.buckets.slots[where]
    _move(state, bookings, slots, changes[:, Number.NET])
    days, open_day = bookings.days, state.book.open_day
    assert open_day is not None, "there is no open day"
    for row in np.flatnonzero(days < open_day).tolist():
        state.change_closed(int(slots[row]), int(days[row]))
    posted = int(np.count_nonzero(bookings.times == 1))
    taken[POSTED, "applied"] += posted
    taken[REVERSED, "applied"] += len(places) - posted


def take_into_ledgers(ledgers: list[bytes], places: list[int], bookings: Bookings) -> dict[int, bool]:
    """Writes each event into the ledger at its place, once.

    Returns the rows that were there before: True for the same content, False for another.
    """
    repeated: dict[int, bool] = {}
    entries = zip(places, bookings.identities, bookings.contents, strict=True)
    for row, (place, identity, content) in enumerate(entries):
        ledger = ledgers[place]
        if identity in ledger and (known := known_content(ledger, identity)) is not None:
            repeated[row] = known == content
        else:
            ledgers[place] = ledger + identity + content
    return repeated


def _move(state: PartitionState, bookings: Bookings, slots: Ints, changes: Ints) -> None:
    """Notes what the running assets change by; the bank's own money is none."""
    rows = range(len(slots))
    if state.lent:
        kept = [row for row, key in enumerate(bookings.keys) if key[1:] not in state.lent]
        if len(kept) < len(rows):
            slots, changes = slots[kept], changes[kept]
            state.moves.extend(slots, changes, [bookings.records[row] for row in kept])
            return
    state.moves.extend(slots, changes, bookings.records)
