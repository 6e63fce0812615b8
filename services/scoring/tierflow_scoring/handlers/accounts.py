"""All accounts in order, some customers at a time: with bookings, and opened without."""

from collections.abc import Iterator, Sequence
from typing import Final

from tierflow_scoring.ports import AccountSums, Queries, Repository

_PORTION: Final = 200  # customers read at once


def accounts_after(
    repository: Repository, queries: Queries, customer_id: str, account_id: str
) -> Iterator[AccountSums]:
    """The accounts behind a place in the order of customer and account; ("", "") is before all of them."""
    partition = repository.partition_of(customer_id)
    if partition is not None:
        yield from (row for row in _accounts(repository, [(customer_id, partition)]) if row.account_id > account_id)
    while customers := queries.customers_after(customer_id, _PORTION):
        yield from _accounts(repository, customers)
        customer_id = customers[-1][0]


def _accounts(repository: Repository, customers: Sequence[tuple[str, int]]) -> list[AccountSums]:
    ids = [name for name, _ in customers]
    found = {
        (name, account_id): AccountSums(name, account_id, 0, 0, 0, 0)
        for name, facts in repository.facts(ids).items()
        for account_id in facts.accounts
    }
    for partition in sorted({partition for _, partition in customers}):
        own = [name for name, where in customers if where == partition]
        found.update({(row.customer_id, row.account_id): row for row in repository.account_sums(partition, own)})
    return sorted(found.values())
