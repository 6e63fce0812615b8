"""Valuations of holdings."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import func, select

from tierflow_scoring.adapters.customers import CustomerStore
from tierflow_scoring.adapters.tables import HOLDING_VALUE
from tierflow_scoring.domain.history import HoldingRow
from tierflow_scoring.ports import Neighbours, NewValuation, StoredValuation

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

    def valuations_around(self, customer_id: str, holding_id: str, as_of: int) -> Neighbours:
        query = select(*_STORED).where(_HOLDING.customer_id == customer_id, _HOLDING.holding_id == holding_id)
        before = query.where(_HOLDING.as_of < as_of).order_by(_HOLDING.as_of.desc()).limit(1)
        exact = query.where(_HOLDING.as_of == as_of)
        after = query.where(_HOLDING.as_of > as_of).order_by(_HOLDING.as_of).limit(1)
        return Neighbours(*(_stored(self._connection.execute(one).first()) for one in (before, exact, after)))

    def save_valuation(self, partition: int, valuation: NewValuation) -> None:
        customer_id, holding_id, as_of, value, category, stamp = valuation
        self._upsert(HOLDING_VALUE, [(customer_id, holding_id, as_of, partition, value, category, *stamp)])

    def _valuations_of(self, customer_ids: Sequence[str]) -> Iterator[tuple[str, str, int, int]]:
        query = (
            select(_HOLDING.customer_id, _HOLDING.holding_id, _HOLDING.as_of, _HOLDING.value_minor)
            .where(_HOLDING.customer_id.in_(customer_ids))
            .order_by(_HOLDING.customer_id, _HOLDING.holding_id, _HOLDING.as_of)
        )
        for row in self._connection.execute(query):
            yield row.customer_id, row.holding_id, row.as_of, row.value_minor


def _stored(row: Sequence[Any] | None) -> StoredValuation | None:
    return None if row is None else StoredValuation(row[0], row[1], (row[2], row[3], row[4]))
