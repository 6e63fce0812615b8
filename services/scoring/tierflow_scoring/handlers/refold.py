"""Folding customers again from their stored days: at a start for all, after a late event for those it touches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tierflow_scoring.domain.block import Span
from tierflow_scoring.domain.days import FAR
from tierflow_scoring.domain.fold import Carried, Folded, fold
from tierflow_scoring.domain.history import CustomerRecord, history_block
from tierflow_scoring.domain.path import Segment, change_points
from tierflow_scoring.domain.policy import PolicySet

MAX_CELLS: Final = 400_000  # days times customers in one block: some 100 MB while it is folded


@dataclass(frozen=True, slots=True)
class Refolded:
    """Some customers folded from their first day up to a day."""

    records: Sequence[CustomerRecord]
    span: Span
    folded: Folded

    def change_points(self, currency: str) -> Iterator[tuple[str, Segment]]:
        """(customer id, segment) of the whole path."""
        for slot, segment in change_points(self.folded, currency):
            yield self.records[slot].customer_id, segment


def refold(
    policies: PolicySet, records: Sequence[CustomerRecord], through: int, extra_days: Sequence[int] = ()
) -> Iterator[Refolded]:
    """Folds customers up to and including a day, in portions that fit into memory; `extra_days` are in each block."""
    days = through - min((_first_day(record) for record in records), default=through) + 1
    size = max(1, MAX_CELLS // max(days, 1))
    for start in range(0, len(records), size):
        some = records[start : start + size]
        block = history_block(some, policies, through, extra_days)
        yield Refolded(some, block.span, fold(policies, block, Carried.fresh(policies, len(some))))


def _first_day(record: CustomerRecord) -> int:
    booked = min((row.day for row in record.buckets), default=FAR)
    valued = min((valuations[0].as_of for valuations in record.valuations.values()), default=FAR)
    return min(booked, valued)
