"""Tier paths with their history of beliefs, and what was published."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select, update

from tierflow_scoring.adapters.store import Store, chunked
from tierflow_scoring.adapters.tables import TIER_PUBLISHED, TIER_SEGMENT
from tierflow_scoring.ports import Known, PublishedRow, SegmentRow, StoredStanding

_STANDING: Final = ("tier", "provisional", "pending_tier", "pending_since", "pending_due", "policy_version")
_SEGMENT: Final = ("customer_id", "scheme", "valid_from", *_STANDING, "rank", "measure", "decision")
_WRITTEN: Final = (*_SEGMENT, "known_from_ms", "known_from_day")
_PUBLISHED: Final = ("customer_id", "scheme", *_STANDING, "effective_on")


class SegmentStore(Store):
    """The path part of `ports.Repository`."""

    def current_segments(self, customer_ids: Collection[str]) -> list[tuple[int, SegmentRow]]:
        table = TIER_SEGMENT.c
        query = select(table.segment_id, *(table[name] for name in _SEGMENT)).where(table.known_until_ms.is_(None))
        return [
            (row[0], segment_row(row[1:]))
            for ids in chunked(list(customer_ids))
            for row in self._connection.execute(query.where(table.customer_id.in_(ids)))
        ]

    def add_segments(self, rows: Sequence[SegmentRow], known: Known) -> None:
        self._insert(TIER_SEGMENT, _WRITTEN, [(*row[:3], *row.standing, *row[4:], *known) for row in rows])

    def supersede(self, segment_ids: Sequence[int], known: Known) -> None:
        table = TIER_SEGMENT
        for ids in chunked(segment_ids):
            self._connection.execute(
                update(table)
                .where(table.c.segment_id.in_(ids))
                .values(known_until_ms=known.at_ms, known_until_day=known.on_day)
            )

    def published_about(self, customer_id: str) -> Iterable[PublishedRow]:
        return self._published(TIER_PUBLISHED.c.customer_id == customer_id)

    def published(self, partition: int) -> Iterable[PublishedRow]:
        return self._published(TIER_PUBLISHED.c.partition == partition)

    def _published(self, which: ColumnElement[bool]) -> Iterator[PublishedRow]:
        for row in self._connection.execute(select(*PUBLISHED_COLUMNS).where(which)):
            yield PublishedRow(row[0], row[1], StoredStanding(*row[2:8]), row[8])

    def save_published(self, partition: int, rows: Sequence[PublishedRow]) -> None:
        self._upsert(TIER_PUBLISHED, [(*row[:2], partition, *row.standing, row.effective_on) for row in rows])


def segment_row(row: Sequence[Any]) -> SegmentRow:
    """A row of the columns of `SEGMENT_COLUMNS`."""
    return SegmentRow(row[0], row[1], row[2], StoredStanding(*row[3:9]), row[9], row[10], row[11])


SEGMENT_COLUMNS: Final = tuple(TIER_SEGMENT.c[name] for name in _SEGMENT)
PUBLISHED_COLUMNS: Final = tuple(TIER_PUBLISHED.c[name] for name in _PUBLISHED)
