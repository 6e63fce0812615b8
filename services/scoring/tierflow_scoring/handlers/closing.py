"""The close of business days, and what is told to others then."""

from collections.abc import Mapping

from tierflow_scoring.domain.block import FlowRows, money_of
from tierflow_scoring.domain.features import Level
from tierflow_scoring.domain.fold import Folded
from tierflow_scoring.domain.history import bucket_flows, holding_flows, joined
from tierflow_scoring.domain.path import Segment, change_points, segment_at
from tierflow_scoring.domain.publication import messages
from tierflow_scoring.domain.recent_money import MoneyRows
from tierflow_scoring.domain.scores import is_due, statistics_of
from tierflow_scoring.domain.standing import WITHOUT_VERSION
from tierflow_scoring.handlers.correction import correct
from tierflow_scoring.handlers.rows import published_row, segment_row
from tierflow_scoring.handlers.state import PartitionState
from tierflow_scoring.handlers.upgrades import Moves, apply_moves
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import PublishedRow
from tierflow_shared.bus.port import Record


def advance(state: PartitionState, work: Work, day: int, cause: Record) -> None:
    """Makes `day` the open day: all days before it are closed, in order, caused by the record that showed it."""
    book = state.book
    if book.open_day is None:
        _begin(state, work, day)
    elif day > book.open_day:
        settle(state, work)
        while book.open_day < day:
            _close_day(state, work, cause)
    else:
        return
    work.repository.set_open_day(state.partition, day)


def _begin(state: PartitionState, work: Work, day: int) -> None:
    """The partition's first day: what facts and valuations say about the days before is folded at once."""
    book = state.book
    book.open_day = day
    state.late.update(range(len(book.ids)))
    settle(state, work)
    book.running = book.carried.levels[Level.DEPOSIT] + book.carried.levels[Level.HOLDING]
    book.open_on(day)


def settle(state: PartitionState, work: Work) -> None:
    """Takes what happened since the last time into columns, messages and tables."""
    repository = work.repository
    state.buckets.save(repository)
    repository.save_facts(state.partition, {name: state.facts[name] for name in sorted(state.unsaved)})
    state.unsaved.clear()
    if state.moves.slots:
        _publish_upgrades(state, work)
        state.moves = Moves()
    correct(state, work)


def _publish_upgrades(state: PartitionState, work: Work) -> None:
    told: dict[tuple[int, int], PublishedRow] = {}
    for upgrade in apply_moves(state.book, state.moves, state.currency):
        cause = state.moves.causes[upgrade.place]
        told[upgrade.slot, upgrade.scheme_index] = _tell(
            state, work, cause, upgrade.slot, upgrade.scheme_index, upgrade.segment
        )
    work.repository.save_published(state.partition, list(told.values()))


def _tell(
    state: PartitionState, work: Work, cause: Record, slot: int, scheme_index: int, segment: Segment
) -> PublishedRow:
    customer_id, column = state.book.ids[slot], state.book.published[scheme_index]
    for message in messages(customer_id, int(column[slot]), segment, state.currency):
        work.emit(cause, message)
    column[slot] = segment.packed & WITHOUT_VERSION
    return published_row(customer_id, segment)


def _close_day(state: PartitionState, work: Work, cause: Record) -> None:
    day = state.book.open_day
    assert day is not None, "there is no open day"
    folded = state.book.close_day(
        _booked(state, work, day),
        _money_ago(state, work, day - 30),
        _money_ago(state, work, day - 90),
        _flows(state, work, day - 365),
    )
    ids = state.book.ids
    _keep_statistics(state, work, folded, day)
    changes = list(change_points(folded, state.currency))
    work.repository.add_segments([segment_row(ids[slot], segment) for slot, segment in changes], work.known(day + 1))
    _publish(state, work, cause, folded, {(segment.scheme.name, slot): segment for slot, segment in changes})


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


def _publish(
    state: PartitionState, work: Work, cause: Record, folded: Folded, changes: Mapping[tuple[str, int], Segment]
) -> None:
    """Tells what differs from what was told last, by customer id and scheme: the same order after every restart."""
    book = state.book
    differing = sorted(
        (book.ids[slot], index, slot) for index in range(len(folded.paths)) for slot in book.unpublished(index).tolist()
    )
    told = []
    for _, index, slot in differing:
        path = folded.paths[index]
        segment = changes.get((path.scheme.name, slot)) or segment_at(folded, path, 0, slot, state.currency)
        assert segment is not None, "what is unpublished has begun"
        told.append(_tell(state, work, cause, slot, index, segment))
    work.repository.save_published(state.partition, told)
