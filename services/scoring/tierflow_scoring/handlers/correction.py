"""Bringing columns and stored paths in step with the stored days: at a start for all, else for late customers."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.domain.features import Level
from tierflow_scoring.domain.flows import Flow
from tierflow_scoring.domain.history import CustomerRecord, fact_steps
from tierflow_scoring.domain.holdings import holding_steps
from tierflow_scoring.domain.outcome import Outcome, outcomes
from tierflow_scoring.handlers.refold import Refolded, refold
from tierflow_scoring.handlers.rows import packed, segment_row
from tierflow_scoring.handlers.state import Closing, PartitionState
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import ClosingRow, Repository, SegmentRow
from tierflow_shared.bus.port import Record

_PORTION: Final = 2_000  # customers whose days are in memory at a time


def correct(state: PartitionState, work: Work) -> None:
    """Folds late customers again and restates their stored paths; what was believed before stays in the history."""
    day = state.book.open_day
    if day is None or not state.late:
        return
    _fold_again(state, work, state.late, day)
    state.late.clear()


def open_customers(state: PartitionState, work: Work, slots: Collection[int]) -> None:
    """Folds the past of customers on the partition's first day, and adds to their running assets what was not known."""
    day = state.book.open_day
    assert day is not None, "there is no open day"
    places = ints(sorted(slots))
    before = _assets(state, places)
    _fold_again(state, work, slots, day)
    state.book.running[places] += _assets(state, places) - before


def _assets(state: PartitionState, slots: Ints) -> Ints:
    levels = state.book.carried.levels
    return ints(levels[Level.DEPOSIT, slots] + levels[Level.HOLDING, slots])


def _fold_again(state: PartitionState, work: Work, slots: Collection[int], day: int) -> None:
    ids = sorted(state.book.ids[slot] for slot in slots)
    for records in _portions(work.repository, state.partition, ids):
        for part in refold(state.policies, records, day - 1):
            _replace(state, part)
            rows = [segment_row(*point) for point in part.change_points(state.currency)]
            _restate(work, [record.customer_id for record in part.records], rows, day)


def _portions(repository: Repository, partition: int, ids: Sequence[str]) -> Iterator[list[CustomerRecord]]:
    for start in range(0, len(ids), _PORTION):
        yield repository.records(partition, ids[start : start + _PORTION])


def _replace(state: PartitionState, part: Refolded) -> None:
    slots = ints([state.book.slot_of[record.customer_id] for record in part.records])
    state.book.replace(slots, part.folded.carried, part.span)


def _restate(work: Work, ids: Sequence[str], rows: Sequence[SegmentRow], open_day: int) -> None:
    known = work.known(open_day)
    current = work.repository.current_segments(ids)
    believed, wanted = {row for _, row in current}, set(rows)
    work.repository.supersede([place for place, row in current if row not in wanted], known)
    work.repository.add_segments([row for row in rows if row not in believed], known)


def load(state: PartitionState, repository: Repository) -> None:
    """Fills an empty partition from the database."""
    book, day = state.book, repository.open_day(state.partition)
    ids = repository.customer_ids(state.partition)
    for customer_id in ids:
        book.slot(customer_id)
    _load_published(state, repository)
    closing = repository.closing(state.partition)
    ahead = repository.closed_ahead(state.partition)
    found: list[Outcome] = []
    for records in _portions(repository, state.partition, ids):
        for record in records:
            _load_facts(state, record, day)
        if day is not None:
            waiting = [one for one in records if closing and _waits(one.customer_id, closing, ahead)]
            found += _fold_closing(state, waiting, closing.since if closing else day, day)
            done = {one.customer_id for one in waiting}
            for part in refold(state.policies, [one for one in records if one.customer_id not in done], day - 1):
                _replace(state, part)
    if closing:
        _load_closing(state, closing, found)
    book_statistics = repository.statistics().get(state.partition)
    state.statistics_day = book_statistics.day if book_statistics else None
    if day is not None:
        _load_open_day(state, repository, day)


def _waits(customer_id: str, closing: ClosingRow, ahead: Collection[str]) -> bool:
    return customer_id > closing.done_through and customer_id not in ahead


def _fold_closing(state: PartitionState, records: Sequence[CustomerRecord], since: int, day: int) -> list[Outcome]:
    """Folds customers whose days from `since` on are not written yet; returns what is to be written."""
    found: list[Outcome] = []
    days = range(since, day) if since != NEVER else range(0)
    for part in refold(state.policies, records, day - 1, days):
        _replace(state, part)
        slots = ints([state.book.slot_of[record.customer_id] for record in part.records])
        for t in np.searchsorted(part.folded.days, ints(list(days))).tolist():
            found += outcomes(part.folded, t, slots, state.book.published)
    return found


def _load_closing(state: PartitionState, row: ClosingRow, found: Sequence[Outcome]) -> None:
    """Takes up a closing where another process left it."""
    headers = (("traceparent", row.traceparent.encode()),) if row.traceparent else ()
    cause = Record(row.topic, state.partition, row.offset, 0, "", "", headers, b"")
    if row.since == NEVER:
        waiting = {slot for name, slot in state.book.slot_of.items() if name > row.done_through}
    else:
        waiting = {slot for outcome in found for slot in outcome.slots.tolist()}
    turns = sorted((state.book.ids[slot] for slot in waiting), reverse=True)
    state.closing = Closing(row.since, cause, waiting, turns, found, row.done_through, is_stored=True)


def _load_facts(state: PartitionState, record: CustomerRecord, open_day: int | None) -> None:
    book, slot = state.book, state.book.slot_of[record.customer_id]
    book.set_start(slot, record.facts.start)
    state.lent.update((record.customer_id, account_id) for account_id in record.facts.lent_accounts)
    for (day, flow), change in fact_steps(record.facts).items():
        if open_day is None or day >= open_day:
            book.schedule(slot, day, flow, change)
    for valuations in record.valuations.values():
        for day, change, products in holding_steps(valuations):
            if open_day is None or day >= open_day:
                book.schedule(slot, day, Flow.HOLDING, change)
                book.schedule(slot, day, Flow.PRODUCTS, products)


def _load_published(state: PartitionState, repository: Repository) -> None:
    places = {scheme.name: index for index, scheme in enumerate(state.policies.schemes)}
    for row in repository.published(state.partition):
        index = places.get(row.scheme)
        if index is not None:
            slot = state.book.slot_of[row.customer_id]
            state.book.published[index][slot] = packed(state.policies.schemes[index], row.standing)


def _load_open_day(state: PartitionState, repository: Repository, day: int) -> None:
    book = state.book
    book.running = book.carried.levels[Level.DEPOSIT] + book.carried.levels[Level.HOLDING]
    book.open_on(day)
    for row in repository.bucket_rows(state.partition, [day]):
        if (row.customer_id, row.account_id) not in state.lent:
            book.running[book.slot_of[row.customer_id]] += row[3]
    state.buckets.load(repository, day)
