"""Days that are over are written and told in portions, so that ordinary events need not wait for the whole book.

What a day comes to is decided for all customers at once, in columns; that is quick. Stating reasons, writing change
points and telling others is not, so it is done some customers at a time, in the order of their ids. How far it has
come is in the same transaction. Who is corrected or rises meanwhile is done first: each customer's change points and
messages are the same, and in the same order, as in one piece.
"""

from collections.abc import Collection, Iterable

from tierflow_scoring.domain.arrays import ints
from tierflow_scoring.domain.outcome import Decided, decided
from tierflow_scoring.domain.publication import messages
from tierflow_scoring.handlers.correction import open_customers
from tierflow_scoring.handlers.rows import published_row, segment_row
from tierflow_scoring.handlers.state import Closing, PartitionState
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import PublishedRow


def begin(state: PartitionState, work: Work, closing: Closing) -> None:
    """Takes up a closing: all of it at once if it is small, else it waits for `close_next`."""
    if not closing.waiting:
        return
    state.closing = closing
    if closing.is_opening:
        close_first(state, work, [state.book.slot_of[name] for name in state.named if name in state.book.slot_of])
    if len(closing.waiting) <= work.customers_left:
        close_next(state, work)
    elif closing.waiting:
        _store(state, work)


def close_next(state: PartitionState, work: Work, *, whole: bool = False) -> None:
    """The next customers, as many as this transaction may still take; or all."""
    closing = state.closing
    if closing is None:
        return
    some: list[int] = []
    while closing.turns and (whole or len(some) < work.customers_left):
        name = closing.turns.pop()
        slot = state.book.slot_of[name]
        if slot in closing.waiting:
            some.append(slot)
            closing.done_through = name
    work.customers_left -= min(work.customers_left, len(some))
    _finish(state, work, closing, some)
    _store(state, work)


def close_first(state: PartitionState, work: Work, slots: Iterable[int]) -> None:
    """These customers now: something else is about to happen to them."""
    closing = state.closing
    if closing is None:
        return
    wanted = set(slots)
    _finish(state, work, closing, closing.waiting & wanted)
    if not closing.is_opening:  # opening somebody twice changes nothing
        names = sorted(state.book.ids[slot] for slot in wanted)
        ahead = [name for name in names if name > closing.done_through]
        work.repository.add_closed_ahead(state.partition, ahead)
        closing.is_stored = closing.is_stored or bool(ahead)
    if not closing.waiting:
        _store(state, work)


def _store(state: PartitionState, work: Work) -> None:
    closing = state.closing
    assert closing is not None, "nothing is being closed"
    if closing.waiting:
        work.repository.save_closing(state.partition, closing.row())
        closing.is_stored = True
        return
    state.closing = None
    if closing.is_stored:
        work.repository.end_closing(state.partition)


def _finish(state: PartitionState, work: Work, closing: Closing, slots: Collection[int]) -> None:
    if not slots:
        return
    closing.waiting.difference_update(slots)
    if closing.is_opening:
        open_customers(state, work, slots)
        return
    wanted, by_day = ints(sorted(slots)), dict[int, list[Decided]]()
    for outcome in closing.outcomes:
        by_day.setdefault(outcome.day, []).extend(decided(outcome, wanted, state.currency))
    told: dict[tuple[str, str], PublishedRow] = {}
    for day in sorted(by_day):
        rows = by_day[day]
        points = [segment_row(state.book.ids[row.slot], row.segment) for row in rows if row.changed]
        work.repository.add_segments(points, work.known(day + 1))
        for row in sorted(rows, key=lambda row: (state.book.ids[row.slot], row.index)):
            if row.told is not None:
                published = _tell(state, work, closing, row, row.told)
                told[published.customer_id, published.scheme] = published
    work.repository.save_published(state.partition, list(told.values()))


def _tell(state: PartitionState, work: Work, closing: Closing, row: Decided, told: int) -> PublishedRow:
    customer_id, segment = state.book.ids[row.slot], row.segment
    for n, message in enumerate(messages(customer_id, told, segment, state.currency)):
        name = f"{segment.valid_from}/{segment.scheme.name}/{customer_id}/{n}"
        work.emit(closing.cause, message, name)
    return published_row(customer_id, segment)
