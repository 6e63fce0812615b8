"""The common job of the stream engines: its messages, and an expected result that does not depend on them."""

import json
from decimal import Decimal
from pathlib import Path

from bench.streaming.workload import POSTED, THRESHOLDS_MINOR, Standing, Workload, customer_id
from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[3] / "docs" / "events" / f"{POSTED}.json"
WORKLOAD = Workload(events=4_000, customers=80, seed=7)


def by_hand(workload: Workload) -> dict[str, Standing]:
    """The slow way: every message parsed, every amount a decimal, every threshold compared."""
    sums: dict[str, list[Decimal]] = {}
    for posting in workload.postings():
        data = json.loads(posting.value)
        value = Decimal(data["amount"]["value"])
        sums.setdefault(data["customer_id"], []).append(value if data["direction"] == "credit" else -value)
    standings = {}
    for customer, values in sums.items():
        minor = int(sum(values) * 100)
        standings[customer] = Standing(minor, len(values), len([t for t in THRESHOLDS_MINOR if minor >= t]))
    return standings


def test_the_expected_result_is_what_the_messages_come_to() -> None:
    """Computed from columns and computed from text: the same."""
    assert WORKLOAD.expected() == by_hand(WORKLOAD)


def test_every_tier_occurs() -> None:
    """A tier that never occurs would not be checked."""
    assert {standing.tier for standing in WORKLOAD.expected().values()} == {0, 1, 2, 3, 4}


def test_the_messages_are_events_of_the_bank() -> None:
    """They keep the published schema, carry the CloudEvents headers and the key, and have about 400 bytes."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    for posting in WORKLOAD.postings():
        data = json.loads(posting.value)
        validator.validate(data)
        headers = dict(posting.headers)
        assert headers["ce_type"] == POSTED.encode()
        assert headers["ce_id"] == data["transaction_id"].encode()
        assert posting.key.decode() == data["customer_id"] == customer_id(posting.customer)
        size = len(posting.key) + len(posting.value) + sum(len(name) + len(text) for name, text in posting.headers)
        assert 380 <= size <= 420


def test_the_seed_decides_every_byte() -> None:
    """The same seed gives the same topic, another seed another one."""
    assert list(WORKLOAD.postings()) == list(Workload(4_000, 80, seed=7).postings())
    assert list(WORKLOAD.postings()) != list(Workload(4_000, 80, seed=8).postings())
