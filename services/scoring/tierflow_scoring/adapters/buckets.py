"""Daily buckets: the bookings of an account on a day, written whole."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import Integer, Select, String, column, func, select, values

from tierflow_scoring.adapters.holdings import HoldingStore
from tierflow_scoring.adapters.store import chunked
from tierflow_scoring.adapters.tables import ACCOUNT_DAY, BUSINESS_DAY
from tierflow_scoring.domain.arrays import ints
from tierflow_scoring.domain.buckets import NUMBERS, BucketKey, Buckets, Number
from tierflow_scoring.domain.facts import Facts
from tierflow_scoring.domain.history import BucketRow, CustomerRecord
from tierflow_scoring.domain.holdings import Valuation
from tierflow_scoring.ports import AccountSums
from tierflow_shared.store.dialect import upsert

_DAY: Final = ACCOUNT_DAY.c
_BUCKET: Final = (
    _DAY.day, _DAY.customer_id, _DAY.account_id,
    _DAY.net_minor, _DAY.credit_minor, _DAY.debit_minor, _DAY.transactions, _DAY.own_transactions,
    _DAY.fees_minor, _DAY.cost_minor, _DAY.spend_minor, _DAY.inflow_minor, _DAY.ledger,
)  # fmt: skip
_WRITTEN: Final = tuple(Number)  # in the order of the columns
_ROW: Final = (
    _DAY.customer_id, _DAY.account_id, _DAY.day, _DAY.net_minor, _DAY.fees_minor, _DAY.cost_minor,
    _DAY.own_transactions, _DAY.spend_minor, _DAY.inflow_minor, _DAY.transactions,
)  # fmt: skip


class BucketStore(HoldingStore):
    """The bucket part of `ports.Repository`."""

    def buckets(self, partition: int, keys: Collection[BucketKey]) -> Buckets:
        found: list[Sequence[Any]] = []
        for some in chunked(list(keys)):
            wanted = (
                values(
                    column("day", Integer), column("customer_id", String), column("account_id", String), name="wanted"
                )
                .data(some)
                .cte()
            )
            query = select(*_BUCKET).where(
                _DAY.partition == partition,
                _DAY.day == wanted.c.day,
                _DAY.customer_id == wanted.c.customer_id,
                _DAY.account_id == wanted.c.account_id,
            )
            found += self._connection.execute(query).all()
        return _buckets(found)

    def buckets_on(self, partition: int, day: int) -> Buckets:
        query = select(*_BUCKET).where(_DAY.partition == partition, _DAY.day == day)
        return _buckets(self._connection.execute(query).all())

    def save_buckets(self, partition: int, buckets: Buckets, new_days: Collection[int]) -> None:
        days, customers, accounts = zip(*buckets.keys, strict=True)
        numbers = (buckets.numbers[:, number] for number in _WRITTEN)
        here = np.full(len(days), partition, np.int64)
        self._upsert_columns(ACCOUNT_DAY, [here, ints(days), customers, accounts, *numbers, buckets.ledgers])
        if new_days:
            statement = upsert(self._connection, BUSINESS_DAY).on_conflict_do_nothing()
            self._connection.execute(statement, [{"partition": partition, "day": day} for day in new_days])

    def bucket_rows(self, partition: int, days: Sequence[int]) -> list[BucketRow]:
        query = select(*_ROW).where(_DAY.partition == partition, _DAY.day.in_(list(days)))
        return self._connection.execute(query).all()  # type: ignore[return-value]  # rows are named tuples

    def account_net(self, partition: int, customer_id: str, account_id: str) -> int:
        query = select(func.coalesce(func.sum(_DAY.net_minor), 0)).where(
            _DAY.partition == partition,
            _DAY.day.in_(_business_days(partition)),
            _DAY.customer_id == customer_id,
            _DAY.account_id == account_id,
        )
        return int(self._connection.execute(query).scalar_one())

    def account_sums(self, partition: int, customer_ids: Sequence[str]) -> list[AccountSums]:
        columns = (_DAY.net_minor, _DAY.credit_minor, _DAY.debit_minor, _DAY.transactions)
        query = select(_DAY.customer_id, _DAY.account_id, *(func.sum(one) for one in columns)).where(
            _DAY.partition == partition, _DAY.day.in_(_business_days(partition))
        )
        query = query.group_by(_DAY.customer_id, _DAY.account_id)
        return [
            AccountSums(row[0], row[1], *(int(number) for number in row[2:]))
            for ids in chunked(customer_ids)
            for row in self._connection.execute(query.where(_DAY.customer_id.in_(ids)))
        ]

    def records(self, partition: int, customer_ids: Sequence[str]) -> list[CustomerRecord]:
        facts = self.facts(customer_ids)
        records = {name: CustomerRecord(name, facts.get(name) or Facts()) for name in customer_ids}
        for ids in chunked(customer_ids):
            query = select(*_ROW).where(
                _DAY.partition == partition, _DAY.day.in_(_business_days(partition)), _DAY.customer_id.in_(ids)
            )
            for row in self._connection.execute(query):
                records[row[0]].buckets.append(row)  # type: ignore[arg-type]
            for customer_id, holding_id, as_of, value in self._valuations_of(ids):
                records[customer_id].valuations.setdefault(holding_id, []).append(Valuation(as_of, value))
        return list(records.values())


def _business_days(partition: int) -> Select[tuple[int]]:
    """The days that have buckets: a customer's buckets are sought day by day, because there is no index by customer."""
    return select(BUSINESS_DAY.c.day).where(BUSINESS_DAY.c.partition == partition)


def _buckets(rows: Sequence[Sequence[Any]]) -> Buckets:
    numbers = ints([row[3:-1] for row in rows]).reshape(len(rows), NUMBERS)
    return Buckets([(row[0], row[1], row[2]) for row in rows], numbers, [row[-1] for row in rows])
