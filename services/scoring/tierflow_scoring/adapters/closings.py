"""How far the closing of business days has come in each partition."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select

from tierflow_scoring.adapters.store import Store
from tierflow_scoring.adapters.tables import CLOSED_AHEAD, DAY_CLOSING, PARTITION_STATE
from tierflow_scoring.domain.days import NEVER
from tierflow_scoring.ports import ClosingRow


class ClosingStore(Store):
    """The closing part of `ports.Repository`."""

    def closed_days(self) -> dict[int, int]:
        state, closing = PARTITION_STATE.c, DAY_CLOSING.c
        since = func.coalesce(closing.since_day, state.open_day)
        tables = PARTITION_STATE.outerjoin(DAY_CLOSING, closing.partition == state.partition)
        query = select(state.partition, since - 1).select_from(tables).where(since != NEVER)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def partitions_closing(self) -> int:
        return self._connection.execute(select(func.count()).select_from(DAY_CLOSING)).scalar_one()

    def closing(self, partition: int) -> ClosingRow | None:
        query = select(DAY_CLOSING).where(DAY_CLOSING.c.partition == partition)
        row = self._connection.execute(query).first()
        return None if row is None else ClosingRow(*row[1:])

    def save_closing(self, partition: int, row: ClosingRow) -> None:
        self._upsert(DAY_CLOSING, [(partition, *row)])

    def end_closing(self, partition: int) -> None:
        for table in (DAY_CLOSING, CLOSED_AHEAD):
            self._connection.execute(delete(table).where(table.c.partition == partition))

    def closed_ahead(self, partition: int) -> set[str]:
        ahead = CLOSED_AHEAD.c
        return set(self._connection.execute(select(ahead.customer_id).where(ahead.partition == partition)).scalars())

    def add_closed_ahead(self, partition: int, customer_ids: Sequence[str]) -> None:
        self._add(CLOSED_AHEAD, [(partition, customer_id) for customer_id in customer_ids])
