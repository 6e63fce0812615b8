"""One number for all that scoring knows: features, tier paths and account sums, as a function of the set of events.

It is computed from the stored days by a fresh fold, not from what is stored about paths; that both agree is checked.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers.refold import Refolded, refold
from tierflow_scoring.handlers.rows import segment_row
from tierflow_scoring.ports import AccountSums, Repository, SegmentRow

_PORTION: Final = 2_000
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Digest:
    """What was digested, and how many customers' stored paths differ from the fresh fold (0 is right)."""

    digest: str
    as_of: int | None
    customers: int
    accounts: int
    transactions: int
    paths_differing: int


@dataclass(slots=True)
class _Totals:
    lines: list[tuple[str, bytes]]
    accounts: int = 0
    transactions: int = 0
    differing: int = 0


def digest(repository: Repository, policies: PolicySet, currency: str, as_of: int | None = None) -> Digest:
    """Folds every customer through `as_of` (default: the latest open day of all partitions)."""
    open_days, closed_days = repository.open_days(), repository.closed_days()
    end = max(open_days.values(), default=None) if as_of is None else as_of
    totals = _Totals([])
    if end is not None:
        for partition in repository.partitions():
            _add_partition(repository, policies, currency, (partition, closed_days.get(partition), end), totals)
    whole = hashlib.sha256()
    for _, line in sorted(totals.lines):
        whole.update(line)
    return Digest(whole.hexdigest(), end, len(totals.lines), totals.accounts, totals.transactions, totals.differing)


def _add_partition(
    repository: Repository, policies: PolicySet, currency: str, place: tuple[int, int | None, int], totals: _Totals
) -> None:
    partition, closed_day, end = place
    ids = repository.customer_ids(partition)
    for start in range(0, len(ids), _PORTION):
        some = ids[start : start + _PORTION]
        sums: dict[str, list[AccountSums]] = {}
        for row in repository.account_sums(partition, some):
            sums.setdefault(row.customer_id, []).append(row)
        for part in refold(policies, repository.records(partition, some), end):
            for customer_id, line in _lines(part, currency, end, sums):
                totals.lines.append((customer_id, hashlib.sha256(line).digest()))
        if closed_day is not None:
            totals.differing += _differing(repository, policies, currency, partition, some, closed_day)
        totals.accounts += sum(map(len, sums.values()))
        totals.transactions += sum(row.transactions for rows in sums.values() for row in rows)


def _lines(part: Refolded, currency: str, end: int, sums: dict[str, list[AccountSums]]) -> Iterator[tuple[str, bytes]]:
    """The canonical text of each customer whose relationship has begun."""
    points: dict[str, list[tuple[object, ...]]] = {}
    for customer_id, segment in part.change_points(currency):
        row = segment_row(customer_id, segment)
        points.setdefault(customer_id, []).append((row.scheme, row.valid_from, *row.standing, row.measure))
    for n, record in enumerate(part.records):
        if int(part.span.start[n]) > end:
            continue
        text = {
            "customer": record.customer_id,
            "features": part.folded.features.at(-1, n),
            "paths": points.get(record.customer_id, []),
            "accounts": [tuple(row) for row in sorted(sums.get(record.customer_id, []))],
        }
        yield record.customer_id, _encode(text)


def _differing(
    repository: Repository, policies: PolicySet, currency: str, partition: int, ids: Sequence[str], through: int
) -> int:
    """How many customers' stored paths are not what a fresh fold says, up to the last closed day."""
    stored: dict[str, set[SegmentRow]] = {name: set() for name in ids}
    for _, row in repository.current_segments(ids):
        if row.valid_from <= through:
            stored[row.customer_id].add(row)
    fresh: dict[str, set[SegmentRow]] = {name: set() for name in ids}
    for part in refold(policies, repository.records(partition, ids), through):
        for customer_id, segment in part.change_points(currency):
            fresh[customer_id].add(segment_row(customer_id, segment))
    return sum(stored[name] != fresh[name] for name in ids)
