"""The sender's own books, and files of events."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.files import write_bank
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.generate.stream import bank_events
from tierflow_embedded.replay.books import Books
from tierflow_embedded.replay.cloudevents import LineError, is_reference, read_events
from tierflow_shared.contracts.bank import AccountOpened, TransactionPosted, TransactionReversed
from tierflow_shared.contracts.primitives import Data, PositiveMoney

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def _event(data: Data, number: int = 0) -> Envelope:
    return Envelope(f"e-{number}", "/test", AT, data)


def _posted(value: str, direction: str, on: date) -> TransactionPosted:
    return TransactionPosted(
        transaction_id="t", customer_id="c", account_id="a", direction=direction,  # type: ignore[arg-type]
        amount=PositiveMoney(value=value, currency="CZK"), booking_date=on, channel="branch", purpose="cash",
    )  # fmt: skip


def test_books_add_what_is_posted_and_take_back_what_is_reversed() -> None:
    books = Books()
    credit = _posted("100.05", "credit", date(2026, 1, 2))
    reversal = TransactionReversed(
        transaction_id="t", customer_id="c", account_id="a", direction="credit", amount=credit.amount,
        booking_date=credit.booking_date, channel="branch", purpose="cash", reversed_on=date(2026, 1, 9),
    )  # fmt: skip
    opened = AccountOpened(account_id="a", customer_id="c", kind="current", currency="CZK", opened_on=date(2026, 1, 1))
    for data in (opened, credit, _posted("30.04", "debit", date(2026, 1, 5)), credit, reversal):
        books.add(_event(data))
    assert books.accounts == {"a"}
    assert books.sums_minor["a"] == 100_05 - 30_04
    assert books.bookings["a"] == 2
    assert books.last_booking == date(2026, 1, 5)
    assert books.by_type["bank.transaction.posted.v1"] == 3


def test_a_generated_file_reads_back_event_by_event(tmp_path: Path) -> None:
    plan, path = BankPlan(seed=5, customers=5, days=20), tmp_path / "bank.ndjson"
    written = write_bank(plan, str(path), tmp_path / "answers.ndjson")
    read = list(read_events(path))
    assert [event.body for event in read] == [event.json() for event in bank_events(plan)]
    assert len(read) == written
    head = [is_reference(event) for event in read]
    assert head == sorted(head, reverse=True)
    assert (tmp_path / "answers.ndjson").read_bytes().count(b"\n") > 0


def test_a_packed_file_reads_the_same(tmp_path: Path) -> None:
    packed = tmp_path / "bank.ndjson.gz"
    packed.write_bytes(gzip.compress(b'{"type":"x"}\n\n{"type":"y"}\n'))
    assert [event.counted_as for event in read_events(packed)] == ["x", "y"]


@pytest.mark.parametrize("line", [b"no json", b"[]", b"{}", b'{"type":1}', b'{"type":"' + b"x" * 900_000])
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "bad.ndjson"
    path.write_bytes(b'{"type":"x"}\n' + line + b"\n")
    with pytest.raises(LineError, match=r"bad\.ndjson, line 2"):
        list(read_events(path))
