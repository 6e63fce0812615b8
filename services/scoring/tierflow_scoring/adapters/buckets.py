"""Daily buckets: the bookings of an account on a day, written whole."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Integer, Select, String, column, func, select, values

from tierflow_scoring.adapters.holdings import HoldingStore
from tierflow_scoring.adapters.store import chunked
from tierflow_scoring.adapters.tables import ACCOUNT_DAY, BUSINESS_DAY
from tierflow_scoring.domain.buckets import Bucket
from tierflow_scoring.domain.facts import Facts
from tierflow_scoring.domain.history import BucketRow, CustomerRecord
from tierflow_scoring.domain.holdings import Valuation
from tierflow_scoring.ports import AccountSums, BucketKey
from tierflow_shared.store.dialect import upsert

_DAY: Final = ACCOUNT_DAY.c
_BUCKET: Final = (
    _DAY.day, _DAY.customer_id, _DAY.account_id,
    _DAY.net_minor, _DAY.credit_minor, _DAY.debit_minor, _DAY.transactions, _DAY.own_transactions,
    _DAY.fees_minor, _DAY.cost_minor, _DAY.spend_minor, _DAY.inflow_minor, _DAY.ledger,
)  # fmt: skip
_ROW: Final = (
    _DAY.customer_id, _DAY.account_id, _DAY.day, _DAY.net_minor, _DAY.fees_minor, _DAY.cost_minor,
    _DAY.own_transactions, _DAY.spend_minor, _DAY.inflow_minor, _DAY.transactions,
)  # fmt: skip


class BucketStore(HoldingStore):
    """The bucket part of `ports.Repository`."""

    def buckets(self, partition: int, keys: Collection[BucketKey]) -> dict[BucketKey, Bucket]:
        found: dict[BucketKey, Bucket] = {}
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
            found.update(_bucket(row) for row in self._connection.execute(query))
        return found

    def buckets_on(self, partition: int, day: int) -> dict[BucketKey, Bucket]:
        query = select(*_BUCKET).where(_DAY.partition == partition, _DAY.day == day)
        return dict(_bucket(row) for row in self._connection.execute(query))

    def save_buckets(self, partition: int, buckets: Mapping[BucketKey, Bucket], new_days: Collection[int]) -> None:
        rows = [
            (partition, day, customer_id, account_id,
             b.net, b.credit, b.debit, b.transactions, b.own, b.fees, b.cost, b.spend, b.inflow, b.ledger)
            for (day, customer_id, account_id), b in buckets.items()
        ]  # fmt: skip
        self._upsert(ACCOUNT_DAY, rows)
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


def _bucket(row: Sequence[Any]) -> tuple[BucketKey, Bucket]:
    return (row[0], row[1], row[2]), Bucket(*row[3:])
