"""What people ask about the whole book: pyramid, moves, movers, and one customer's history of beliefs."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Subquery, and_, func, or_, select

from tierflow_scoring.adapters.segments import SEGMENT_COLUMNS, segment_row
from tierflow_scoring.adapters.tables import CUSTOMER, TIER_SEGMENT
from tierflow_scoring.ports import Belief, KnownAt, Move, Mover, SegmentRow, TierCount

_SEGMENT: Final = TIER_SEGMENT.c


class SqlQueries:
    """`ports.Queries` over SQLAlchemy Core, in one connection's view."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def history(self, customer_id: str, schemes: Sequence[str], known_at: KnownAt) -> list[Belief]:
        columns = (_SEGMENT.known_from_ms, _SEGMENT.known_from_day, _SEGMENT.known_until_ms, _SEGMENT.known_until_day)
        query = (
            select(*SEGMENT_COLUMNS, *columns)
            .where(_SEGMENT.customer_id == customer_id, _SEGMENT.scheme.in_(schemes), _was_believed(known_at))
            .order_by(_SEGMENT.scheme, _SEGMENT.valid_from)
        )
        rows = [(segment_row(row), row[-4:]) for row in self._connection.execute(query)]
        following = [*rows[1:], None][: len(rows)]
        return [
            Belief(row, after[0].valid_from - 1 if after and after[0].scheme == row.scheme else None, *known)
            for (row, known), after in zip(rows, following, strict=True)
        ]

    def customers_after(self, after: str, count: int) -> list[tuple[str, int]]:
        columns = CUSTOMER.c.customer_id, CUSTOMER.c.partition
        query = select(*columns).where(CUSTOMER.c.customer_id > after).order_by(CUSTOMER.c.customer_id).limit(count)
        return [(row.customer_id, row.partition) for row in self._connection.execute(query)]

    def pyramid(self, scheme: str, day: int) -> list[TierCount]:
        provisional = func.count().filter(_SEGMENT.provisional)
        query = select(_SEGMENT.tier, func.count(), provisional).where(_holds(scheme, day)).group_by(_SEGMENT.tier)
        return [TierCount(*row) for row in self._connection.execute(query)]

    def standings(self, scheme: str, day: int, after: str, count: int, only: str | None = None) -> list[SegmentRow]:
        query = select(*SEGMENT_COLUMNS).where(_holds(scheme, day), _SEGMENT.customer_id > after)
        if only is not None:
            query = query.where(_SEGMENT.customer_id == only)
        rows = self._connection.execute(query.order_by(_SEGMENT.customer_id).limit(count))
        return [segment_row(row) for row in rows]

    def moves(self, scheme: str) -> list[Move]:
        path = _with_previous(scheme)
        query = (
            select(path.c.valid_from, path.c.previous_tier, path.c.tier, func.count())
            .where(or_(path.c.previous_tier.is_(None), path.c.previous_tier != path.c.tier))
            .group_by(path.c.valid_from, path.c.previous_tier, path.c.tier)
            .order_by(path.c.valid_from, path.c.previous_tier.nulls_first(), path.c.tier)
        )
        return [Move(*row) for row in self._connection.execute(query)]

    def movers(self, scheme: str, limit: int) -> list[Mover]:
        path = _with_previous(scheme)
        columns = [path.c[column.name] for column in SEGMENT_COLUMNS]
        query = (
            select(*columns, path.c.previous_tier, path.c.previous_measure)
            .where(path.c.previous_tier != path.c.tier)
            .order_by(
                func.abs(path.c.rank - path.c.previous_rank).desc(),
                func.abs(path.c.measure - path.c.previous_measure).desc(),
                path.c.valid_from,
                path.c.customer_id,
            )
            .limit(limit)
        )
        return [Mover(segment_row(row), row[-2], row[-1]) for row in self._connection.execute(query)]


def _holds(scheme: str, day: int) -> ColumnElement[bool]:
    """The change points of a scheme that, as believed now, hold on a day: one for each customer who has one."""
    later = TIER_SEGMENT.alias("later")
    is_over = (
        select(later.c.segment_id)
        .where(
            later.c.customer_id == _SEGMENT.customer_id,
            later.c.scheme == _SEGMENT.scheme,
            later.c.known_until_ms.is_(None),
            later.c.valid_from > _SEGMENT.valid_from,
            later.c.valid_from <= day,
        )
        .exists()
    )
    return and_(_SEGMENT.scheme == scheme, _SEGMENT.known_until_ms.is_(None), _SEGMENT.valid_from <= day, ~is_over)


def _was_believed(known_at: KnownAt) -> ColumnElement[bool]:
    if known_at.moment_ms is not None:
        later = or_(_SEGMENT.known_until_ms.is_(None), _SEGMENT.known_until_ms > known_at.moment_ms)
        return and_(_SEGMENT.known_from_ms <= known_at.moment_ms, later)
    if known_at.day is not None:
        later = or_(_SEGMENT.known_until_day.is_(None), _SEGMENT.known_until_day > known_at.day)
        return and_(_SEGMENT.known_from_day <= known_at.day, later)
    return _SEGMENT.known_until_ms.is_(None)


def _with_previous(scheme: str) -> Subquery:
    """The believed path with tier, rank and measure of the change point before, per customer."""

    def before(name: str) -> ColumnElement[Any]:
        column = func.lag(_SEGMENT[name]).over(partition_by=_SEGMENT.customer_id, order_by=_SEGMENT.valid_from)
        return column.label(f"previous_{name}")

    return (
        select(*SEGMENT_COLUMNS, before("tier"), before("rank"), before("measure"))
        .where(_SEGMENT.scheme == scheme, _SEGMENT.known_until_ms.is_(None))
        .subquery("path")
    )
