"""Valuations of holdings."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from sqlalchemy import func, select

from tierflow_scoring.adapters.customers import CustomerStore
from tierflow_scoring.adapters.store import chunked
from tierflow_scoring.adapters.tables import HOLDING_VALUE
from tierflow_scoring.domain.history import HoldingRow
from tierflow_scoring.ports import HoldingKey, NewValuation, StoredValuation

_HOLDING: Final = HOLDING_VALUE.c
_STORED: Final = (_HOLDING.as_of, _HOLDING.value_minor, _HOLDING.stamp_time, _HOLDING.stamp_source, _HOLDING.stamp_id)


class HoldingStore(CustomerStore):
    """The holding part of `ports.Repository`."""

    def holding_rows(self, partition: int, days: Sequence[int]) -> list[HoldingRow]:
        earlier = HOLDING_VALUE.alias("earlier")
        before = (
            select(earlier.c.value_minor)
            .where(
                earlier.c.customer_id == _HOLDING.customer_id,
                earlier.c.holding_id == _HOLDING.holding_id,
                earlier.c.as_of < _HOLDING.as_of,
            )
            .order_by(earlier.c.as_of.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = select(_HOLDING.customer_id, _HOLDING.as_of, func.coalesce(before, 0), _HOLDING.value_minor).where(
            _HOLDING.partition == partition, _HOLDING.as_of.in_(list(days))
        )
        return [HoldingRow(*row) for row in self._connection.execute(query)]

    def valuations(self, customer_ids: Collection[str]) -> dict[HoldingKey, list[StoredValuation]]:
        query = select(_HOLDING.customer_id, _HOLDING.holding_id, *_STORED).order_by(
            _HOLDING.customer_id, _HOLDING.holding_id, _HOLDING.as_of
        )
        found: dict[HoldingKey, list[StoredValuation]] = {}
        for ids in chunked(list(customer_ids)):
            for row in self._connection.execute(query.where(_HOLDING.customer_id.in_(ids))):
                found.setdefault((row[0], row[1]), []).append(StoredValuation(row[2], row[3], (row[4], row[5], row[6])))
        return found

    def save_valuations(self, partition: int, valuations: Sequence[NewValuation]) -> None:
        rows = [
            (customer_id, holding_id, as_of, partition, value, category, *stamp)
            for customer_id, holding_id, as_of, value, category, stamp in valuations
        ]
        self._upsert(HOLDING_VALUE, rows)

    def _valuations_of(self, customer_ids: Sequence[str]) -> Iterator[tuple[str, str, int, int]]:
        query = (
            select(_HOLDING.customer_id, _HOLDING.holding_id, _HOLDING.as_of, _HOLDING.value_minor)
            .where(_HOLDING.customer_id.in_(customer_ids))
            .order_by(_HOLDING.customer_id, _HOLDING.holding_id, _HOLDING.as_of)
        )
        for row in self._connection.execute(query):
            yield row.customer_id, row.holding_id, row.as_of, row.value_minor
