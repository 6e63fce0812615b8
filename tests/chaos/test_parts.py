"""The parts of the campaign: what must be the same for a seed, and what the checker must see."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import checker, controls, ledger, outcomes, story, tiers
from tests.chaos.campaign import Result, Struck
from tests.chaos.checker import Findings
from tests.chaos.expected import Bucket, Customer, Expected, cents, expected_of, identity
from tests.chaos.journal import Journal
from tests.chaos.plan import EMBEDDED, PRODUCTION, plan
from tests.chaos.poison import REFUSED_BY, brew
from tests.chaos.reading import Entry, Place
from tests.chaos.story import SOURCE, Bank, Producer, Said

BANK = Bank(seed=7, producers=2, customers=6, last=date(2026, 1, 31), days=30, events_per_day=40)


class World:
    """A log and databases made by hand."""

    def __init__(self, log: Sequence[Entry] = (), rows: Mapping[str, Sequence[tuple[Any, ...]]] | None = None) -> None:
        self._log, self._rows = log, rows or {}

    def rows(self, service: str, query: str) -> Sequence[tuple[Any, ...]]:
        """By the table that is asked."""
        for table, rows in self._rows.items():
            if f"FROM {table}" in query:
                return rows
        return []

    def log(self, topic: str) -> Iterator[Entry]:
        return (entry for entry in self._log if entry.topic == topic)

    def ends(self) -> Mapping[Place, int]:
        return {}


def journal_of(folder: Path, said: Sequence[Said]) -> Path:
    book = Journal(folder / "journal.jsonl")
    book.events(0, said)
    book.close()
    return book.path


def told(count: int, producer: int = 0) -> list[Said]:
    return list(islice(Producer(BANK, producer).story(), count))


def on_log(said: Sequence[Said]) -> list[Entry]:
    return [
        Entry("bank.events", 0, n, one.customer, {"ce_id": one.id.encode(), "ce_type": one.type.encode()}, one.data)
        for n, one in enumerate(said)
    ]


def order_of(truth: Expected, entries: Sequence[Entry]) -> Findings:
    findings, log = Findings(), checker.Log()
    for topic in ("bank.events", "bank.reference"):
        checker._read_bank(World(entries), topic, log)
    checker._order(truth, log, findings)
    return findings


def test_the_same_seed_tells_the_same_story() -> None:
    """Byte for byte; another seed tells another."""
    assert told(500) == told(500)
    other = Bank(8, 2, 6, BANK.last, 30, 40)
    assert list(islice(Producer(other, 0).story(), 500)) != told(500)
    assert {one.customer for one in told(500)}.isdisjoint({one.customer for one in told(500, producer=1)})
    assert [brew(7, n) for n in range(9)] == [brew(7, n) for n in range(9)]


def test_every_kind_of_event_is_told() -> None:
    """A campaign that never reverses anything would prove little about reversals."""
    assert len({one.type for one in told(2_000)}) == 8


@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_the_plan_of_twenty_minutes(shape: str) -> None:
    """At least thirty faults of at least ten kinds, the same for a seed, inside the campaign."""
    faults = plan(1, 1200.0, shape, every_s=30.0)
    assert faults == plan(1, 1200.0, shape, every_s=30.0)
    assert faults != plan(2, 1200.0, shape, every_s=30.0)
    assert len(faults) >= 30
    assert {fault.kind for fault in faults} == (EMBEDDED if shape == "embedded" else PRODUCTION).keys()
    assert all(0 < fault.at_s < 1200.0 for fault in faults)


def test_what_was_acknowledged_lies_on_the_log_in_order(tmp_path: Path) -> None:
    """Copies are fine; a missing, a foreign and a turned event are not."""
    said = told(60)
    truth, entries = expected_of(journal_of(tmp_path, said)), on_log(said)
    assert truth.acknowledged == 60
    assert order_of(truth, [*entries, *entries[:20]]).is_clean
    assert order_of(truth, entries[1:]).counts == {"lost": 1}
    foreign = on_log([said[-1]._replace(id="9-000000001")])
    assert order_of(truth, [*entries, *foreign]).counts == {"wrong_state": 1}
    same = [n for n, one in enumerate(said) if one.customer == said[0].customer]
    entries[same[0]], entries[same[1]] = entries[same[1]], entries[same[0]]
    assert order_of(truth, entries).counts == {"reordered": 1}


def bucket_row(bucket: Bucket, *, ledger_bytes: bytes | None = None, **changes: int) -> tuple[Any, ...]:
    sums = {**bucket.sums._asdict(), **changes}
    written = b"".join(one + b"12345678" for one in sorted(bucket.ledger)) if ledger_bytes is None else ledger_bytes
    return (20_000, "c-1", "a-1", *sums.values(), written)


def ledger_findings(bucket: Bucket, rows: Sequence[tuple[Any, ...]]) -> Mapping[str, int]:
    truth, findings = Expected(), Findings()
    truth.buckets["2024-10-04", "c-1", "a-1"] = bucket
    ledger.check(World(rows={"account_day": rows}), truth, findings)
    return findings.counts


def test_the_ledger_shows_lost_and_doubled_events() -> None:
    """By who is in it; and sums that it does not explain."""
    bucket = Bucket()
    for n in range(3):
        bucket.book(1_000, True, 1, identity(SOURCE, f"e-{n}"))
    written = bucket_row(bucket)[-1]
    assert ledger_findings(bucket, [bucket_row(bucket)]) == {}
    assert ledger_findings(bucket, [bucket_row(bucket, ledger_bytes=written[24:])]) == {"lost": 1}
    assert ledger_findings(bucket, [bucket_row(bucket, ledger_bytes=written + written[:24])]) == {"doubled": 1}
    assert ledger_findings(bucket, [bucket_row(bucket, net=4_000)]) == {"wrong_state": 1}
    assert ledger_findings(bucket, []) == {"lost": 3}


def change(previous: str | None, tier: str) -> dict[str, Any]:
    return {"customer_id": "c-1", "scheme": "s", "previous_tier": previous, "tier": tier, "provisional": False}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([change(None, "general"), change("general", "personal")], {}),
        ([change(None, "general"), change("personal", "personal")], {"lost": 1}),
        ([change(None, "personal"), change("general", "personal")], {"doubled": 1}),
        ([change(None, "general")], {"lost": 1}),
    ],
)
def test_changes_of_a_tier_form_a_chain(changes: list[dict[str, Any]], found: dict[str, int]) -> None:
    """A gap is a lost message, a step that was taken already is a doubled one."""
    said, findings = outcomes.Told(), Findings()
    said.tiers["c-1", "s"] = changes
    outcomes.check_tiers(World(rows={"tier_published": [("c-1", "s", "personal", 0)]}), said, findings)
    assert findings.counts == found


def letters_found(kept: Sequence[str]) -> Mapping[str, int]:
    """One poison that all three consumers must refuse, and who did."""
    log, findings = checker.Log(), Findings()
    log.poisons["bank.events", 0, 5] = "not-utf-8"
    place = ("bank.events", 0, 5)

    class Letters(World):
        def rows(self, service: str, query: str) -> Sequence[tuple[Any, ...]]:
            if "FROM letter" in query:
                return [(name, *place) for name in kept]
            return [(*place, "bad-data")] if service in kept else []

    checker._letters(Letters(), log, findings)
    return findings.counts


def test_dead_letters_lie_exactly_where_poison_lies() -> None:
    """One too few is lost."""
    assert letters_found(sorted(REFUSED_BY["not-utf-8"])) == {}
    assert letters_found(["scoring", "suitability"]) == {"lost": 1}


def life(*moves: tuple[str, int], kyc: str = "2024-01-01") -> tiers.Life:
    """A customer since 2024 with deposits on days."""
    customer = Customer(opened={"a-1": (("", ""), "current", "2024-01-01")}, kyc={kyc: (("", ""), "verified", None)})
    buckets = {}
    for day, amount in moves:
        buckets[day, "c-1", "a-1"] = Bucket()
        buckets[day, "c-1", "a-1"].book(abs(amount), amount > 0, 1, b"")
    return tiers.Life(customer, buckets)


def test_the_slow_path_follows_the_words_of_the_domain() -> None:
    """Up at once; down after the grace period and the minimum stay; provisional for half a year."""
    one = life(("2024-02-01", 150_000_00), ("2024-08-01", -100_000_00))
    found = tiers.path(one, date(2024, 12, 31))
    assert found == [
        ("2024-01-01", "general", True, None),
        ("2024-02-01", "personal", True, None),
        ("2024-07-01", "personal", False, None),
        ("2024-08-01", "personal", False, "general"),
        ("2024-10-29", "general", False, None),
    ]
    assert one.assets(date(2024, 8, 1)) == 50_000_00


def test_text_to_cents() -> None:
    assert [cents({"value": value}) for value in ("1.05", "12", "0.5")] == [105, 1200, 50]


@pytest.mark.parametrize(
    ("damage", "problems", "must"), [("lost", [], True), ("reordered", [], False), ("lost", ["did not drain"], False)]
)
def test_a_control_must_fail_for_its_own_reason(damage: str, problems: list[str], must: bool) -> None:
    """Other damage, or a campaign that broke, proves nothing."""
    control = controls.CONTROLS[2]
    result = Result(problems=problems, struck=[Struck("crash:before-commit", "scoring", 0.0, 0.0, 1.0)])
    result.findings.add(damage, "an example")
    assert controls.verdict(control, result).failed_as_it_must is must


def test_a_control_whose_fault_did_not_happen_proves_nothing() -> None:
    """The damage could have come from anywhere."""
    result = Result(struck=[Struck("crash:before-commit", "scoring", 0.0, 0.0, 1.0, "not passed")])
    result.findings.add("lost", "an example")
    assert not controls.verdict(controls.CONTROLS[2], result).failed_as_it_must


def test_the_story_is_what_the_bank_may_say() -> None:
    """Every event has the attributes of a CloudEvent and is dated inside the calendar."""
    for one in told(300):
        assert BANK.first.isoformat() <= one.time[:10] <= BANK.last.isoformat()
        assert one.structured().startswith(b'{"specversion":"1.0"')
        assert story.SOURCE.encode() in one.structured()
