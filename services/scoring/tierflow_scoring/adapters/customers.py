"""Customers, their facts, and the open day of their partition."""

from collections.abc import Collection, Mapping

from sqlalchemy import select

from tierflow_scoring.adapters.codec import decode_facts, decode_percentiles, encode_facts, encode_percentiles
from tierflow_scoring.adapters.store import Store, chunked
from tierflow_scoring.adapters.tables import BOOK_STATISTICS, CUSTOMER, PARTITION_STATE
from tierflow_scoring.domain.facts import Facts
from tierflow_scoring.domain.scores import BookStatistics


class CustomerStore(Store):
    """The customer part of `ports.Repository`."""

    def open_day(self, partition: int) -> int | None:
        state = PARTITION_STATE.c
        query = select(state.open_day).where(state.partition == partition)
        return self._connection.execute(query).scalar_one_or_none()

    def open_days(self) -> dict[int, int]:
        state = PARTITION_STATE.c
        return dict(self._connection.execute(select(state.partition, state.open_day)).all())

    def partitions(self) -> list[int]:
        column = CUSTOMER.c.partition
        return list(self._connection.execute(select(column).distinct().order_by(column)).scalars())

    def set_open_day(self, partition: int, day: int) -> None:
        self._upsert(PARTITION_STATE, [(partition, day)])

    def statistics(self) -> dict[int, BookStatistics]:
        query = select(BOOK_STATISTICS)
        return {
            row.partition: BookStatistics(row.day, row.customers, decode_percentiles(row.percentiles))
            for row in self._connection.execute(query)
        }

    def save_statistics(self, partition: int, book: BookStatistics) -> None:
        self._upsert(BOOK_STATISTICS, [(partition, book.day, book.customers, encode_percentiles(book.percentiles))])

    def partition_of(self, customer_id: str) -> int | None:
        query = select(CUSTOMER.c.partition).where(CUSTOMER.c.customer_id == customer_id)
        return self._connection.execute(query).scalar_one_or_none()

    def customer_ids(self, partition: int) -> list[str]:
        column = CUSTOMER.c.customer_id
        query = select(column).where(CUSTOMER.c.partition == partition).order_by(column)
        return list(self._connection.execute(query).scalars())

    def facts(self, customer_ids: Collection[str]) -> dict[str, Facts]:
        query = select(CUSTOMER.c.customer_id, CUSTOMER.c.facts)
        return {
            customer_id: decode_facts(raw)
            for ids in chunked(list(customer_ids))
            for customer_id, raw in self._connection.execute(query.where(CUSTOMER.c.customer_id.in_(ids)))
        }

    def save_facts(self, partition: int, facts: Mapping[str, Facts]) -> None:
        self._upsert(CUSTOMER, [(name, partition, encode_facts(row)) for name, row in facts.items()])
