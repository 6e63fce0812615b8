"""The close of business days, and what is told to others then."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tierflow_scoring.domain.block import FlowRows, money_of
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.domain.fold import Folded
from tierflow_scoring.domain.history import bucket_flows, holding_flows, joined
from tierflow_scoring.domain.outcome import Outcome, outcomes
from tierflow_scoring.domain.publication import messages
from tierflow_scoring.domain.recent_money import MoneyRows
from tierflow_scoring.domain.scores import is_due, statistics_of
from tierflow_scoring.domain.standing import WITHOUT_VERSION
from tierflow_scoring.handlers import portions
from tierflow_scoring.handlers.correction import correct
from tierflow_scoring.handlers.rows import published_row
from tierflow_scoring.handlers.state import Closing, PartitionState
from tierflow_scoring.handlers.upgrades import Moves, apply_moves
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import PublishedRow
from tierflow_shared.bus.port import Record

_MOST_ROWS: Final = 200_000  # decided and not yet written, each some 200 bytes


def advance(state: PartitionState, work: Work, day: int, cause: Record) -> None:
    """Makes `day` the open day: all days before it are closed, in order, caused by the record that showed it."""
    book = state.book
    if book.open_day is None:
        _begin(state, work, day, cause)
    elif day > book.open_day:
        settle(state, work)
        portions.close_next(state, work, whole=True)
        _close_days(state, work, day, cause)
    else:
        return
    work.repository.set_open_day(state.partition, day)


def _begin(state: PartitionState, work: Work, day: int, cause: Record) -> None:
    """The partition's first day: what facts and valuations say about the days before is folded for everybody."""
    book = state.book
    state.late.clear()
    settle(state, work)
    book.open_on(day)
    portions.begin(state, work, _closing(state, NEVER, cause, set(range(len(book.ids)))))


def _close_days(state: PartitionState, work: Work, day: int, cause: Record) -> None:
    book = state.book
    assert book.open_day is not None, "there is no open day"
    since, found = book.open_day, list[Outcome]()
    while book.open_day < day:
        found += _close_day(state, work)
        if sum(len(outcome.slots) for outcome in found) > _MOST_ROWS:
            portions.begin(state, work, _closing(state, since, cause, _slots(found), found))
            portions.close_next(state, work, whole=True)
            since, found = book.open_day, []
    portions.begin(state, work, _closing(state, since, cause, _slots(found), found))


def _slots(outcomes: Sequence[Outcome]) -> set[int]:
    return set().union(*(outcome.slots.tolist() for outcome in outcomes))


def _closing(
    state: PartitionState, since: int, cause: Record, waiting: set[int], found: Sequence[Outcome] = ()
) -> Closing:
    turns = sorted((state.book.ids[slot] for slot in waiting), reverse=True)
    return Closing(since, cause, waiting, turns, found)


def settle(state: PartitionState, work: Work) -> None:
    """Takes what happened since the last time into columns, messages and tables."""
    repository = work.repository
    state.buckets.save(repository)
    repository.save_facts(state.partition, {name: state.facts[name] for name in sorted(state.unsaved)})
    state.unsaved.clear()
    repository.save_valuations(state.partition, [row for _, row in sorted(state.unsaved_valuations.items())])
    state.unsaved_valuations.clear()
    if state.moves.slots:
        _publish_upgrades(state, work)
        state.moves = Moves()
    if state.late:
        portions.close_first(state, work, state.late)
        correct(state, work)


def _publish_upgrades(state: PartitionState, work: Work) -> None:
    upgrades = apply_moves(state.book, state.moves, state.currency)
    if not upgrades:
        return
    portions.close_first(state, work, {upgrade.slot for upgrade in upgrades})
    told: dict[tuple[int, int], PublishedRow] = {}
    for upgrade in upgrades:
        place, segment = (upgrade.slot, upgrade.scheme_index), upgrade.segment
        customer_id, column = state.book.ids[upgrade.slot], state.book.published[upgrade.scheme_index]
        for message in messages(customer_id, int(column[upgrade.slot]), segment, state.currency):
            work.emit(state.moves.causes[upgrade.place], message)
        column[upgrade.slot] = segment.packed & WITHOUT_VERSION
        told[place] = published_row(customer_id, segment)
    work.repository.save_published(state.partition, list(told.values()))


def _close_day(state: PartitionState, work: Work) -> list[Outcome]:
    """Decides the open day for everybody; what came of it is yet to be written."""
    book, day = state.book, state.book.open_day
    assert day is not None, "there is no open day"
    folded = book.close_day(
        _booked(state, work, day),
        _money_ago(state, work, day - 30),
        _money_ago(state, work, day - 90),
        _flows(state, work, day - 365),
    )
    _keep_statistics(state, work, folded, day)
    return outcomes(folded, 0, np.arange(len(book.running)), book.published)


def _keep_statistics(state: PartitionState, work: Work, folded: Folded, day: int) -> None:
    if is_due(day, state.statistics_day):
        active = state.book.span.start <= day
        work.repository.save_statistics(state.partition, statistics_of(folded.features, active, day))
        state.statistics_day = day


def _money_ago(state: PartitionState, work: Work, day: int) -> MoneyRows:
    """The changes of assets on a day that leaves a window: from memory, else from the tables."""
    kept = state.book.recent_money.on(day)
    return money_of(_flows(state, work, day), len(state.book.running)) if kept is None else kept


def _flows(state: PartitionState, work: Work, day: int) -> FlowRows:
    """The stored flows of a closed day."""
    holdings = holding_flows(work.repository.holding_rows(state.partition, [day]), state.book.slot_of)
    return joined([_booked(state, work, day), holdings])


def _booked(state: PartitionState, work: Work, day: int) -> FlowRows:
    """The bookings of a day. Valuations of the open day are in the book's schedule already."""
    return bucket_flows(work.repository.bucket_rows(state.partition, [day]), state.book.slot_of, state.lent)
