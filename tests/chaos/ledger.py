"""Money: every bucket of every account against the sum of its events, and the ledger of who is in it."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from tests.chaos.expected import Bucket, BucketKey, Expected, Sums
from tests.chaos.reading import Source

if TYPE_CHECKING:
    from tests.chaos.checker import Findings

_ENTRY: Final = 24
_IDENTITY: Final = 16
_QUERY: Final = """SELECT day, customer_id, account_id, net_minor, credit_minor, debit_minor, transactions, ledger
    FROM account_day"""


def check(source: Source, truth: Expected, findings: "Findings") -> None:
    """Lost and doubled events by the ledgers; sums that the ledgers do not explain are a wrong state."""
    left = dict(truth.buckets)
    epoch = date(1970, 1, 1)
    for day, customer, account, net, credit, debit, transactions, ledger in source.rows("scoring", _QUERY):
        key = ((epoch + timedelta(days=day)).isoformat(), customer, account)
        wanted = left.pop(key, None) or Bucket()
        _compare(key, Sums(net, credit, debit, transactions), bytes(ledger), wanted, findings)
    for key, bucket in left.items():
        findings.add("lost", f"no bucket {key}: {len(bucket.ledger)} events", len(bucket.ledger))
    findings.compared["buckets"] += len(truth.buckets)


def _compare(key: BucketKey, sums: Sums, ledger: bytes, wanted: Bucket, findings: "Findings") -> None:
    entries = [ledger[at : at + _IDENTITY] for at in range(0, len(ledger), _ENTRY)]
    present = set(entries)
    missing, foreign, again = wanted.ledger - present, present - wanted.ledger, len(entries) - len(present)
    if missing:
        findings.add("lost", f"{key}: {len(missing)} events are not in the ledger", len(missing))
    if foreign:
        findings.add("wrong_state", f"{key}: {len(foreign)} entries of the ledger were never sent", len(foreign))
    if again:
        findings.add("doubled", f"{key}: {again} events are in the ledger twice", again)
    if not (missing or foreign or again):
        findings.differ("wrong_state", f"{key}: net, credit, debit, transactions", sums, wanted.sums)
