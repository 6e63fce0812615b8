"""What bookings and reversals do to a partition. This is the hot path: one loop over plain rows and local names."""

from collections import Counter

from tierflow_scoring.handlers.closing import advance
from tierflow_scoring.handlers.commands import Booking
from tierflow_scoring.handlers.state import PartitionState
from tierflow_scoring.handlers.work import Work
from tierflow_shared.stream.handlers import Outcome

Outcomes = Counter[tuple[str, Outcome]]
_CONFLICT = ("conflicting-content", "the same id with other content was taken before")


def book(state: PartitionState, work: Work, rows: list[Booking]) -> Outcomes:
    """Books rows in log order, each in the bucket of its booking day; a row of a later day closes the days before it.

    Returns how many took effect and how many were duplicates, by event type. A row whose identity the ledger knows with
    other content becomes a dead letter.
    """
    taken: Outcomes = Counter()
    first = 0
    while first < len(rows):
        day, record = rows[first][1][0], rows[first][0]
        if state.book.open_day is None or day > state.book.open_day:
            advance(state, work, day, record)
        first = _book_open_day(state, work, rows, first, taken)
    return taken


def _book_open_day(state: PartitionState, work: Work, rows: list[Booking], first: int, taken: Outcomes) -> int:
    """Books until a row shows a later day. Returns its place, or the end."""
    open_day = state.book.open_day
    assert open_day is not None, "there is no open day"
    buckets, changed, lent, slot_of = state.buckets, state.buckets.changed, state.lent, state.book.slot_of
    move_slot, move_by, move_cause = state.moves.slots.append, state.moves.changes.append, state.moves.causes.append
    applied = duplicates = 0
    event_type, place = rows[first][0].type, first
    for record, key, amount, cost, rule, times, identity, content in rows[first:] if first else rows:
        day, customer_id, account_id = key
        if day > open_day:
            break
        place += 1
        if record.type != event_type:
            taken[event_type, "applied"] += applied
            taken[event_type, "duplicate"] += duplicates
            event_type, applied, duplicates = record.type, 0, 0
        bucket = touched = changed.get(key)
        if bucket is None:
            bucket = buckets.bucket(key)
        admission = bucket.admit(identity, content)
        if admission != "new":
            if admission == "duplicate":
                duplicates += 1
            else:
                work.uow.dead_letter(record, *_CONFLICT)
            continue
        applied += 1
        change = bucket.book(rule, amount, cost, times)
        if touched is None:
            buckets.touched(key, bucket)
        slot = slot_of.get(customer_id)
        if slot is None:
            slot = state.slot(customer_id)
        if not lent or (customer_id, account_id) not in lent:
            move_slot(slot)
            move_by(change)
            move_cause(record)
        if day < open_day:
            state.change_closed(slot, day)
    taken[event_type, "applied"] += applied
    taken[event_type, "duplicate"] += duplicates
    return place
