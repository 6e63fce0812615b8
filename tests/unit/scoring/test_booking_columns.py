"""Reading in columns gives what reading one by one gives, whatever the log holds, and whether it was read ahead."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from tierflow_scoring.adapters.policy_files import load_policy_set
from tierflow_scoring.consumers.booking_columns import BookingColumnReader
from tierflow_scoring.consumers.facts import FactReader
from tierflow_scoring.consumers.reading import RecordReader
from tierflow_scoring.consumers.transactions import Booking, TransactionReader
from tierflow_scoring.handlers.commands import POSTED, REVERSED, Bookings
from tierflow_shared.bus.port import Record
from tierflow_shared.cloudevents import headers_of
from tierflow_shared.money import Rates
from tierflow_shared.stream.events import RefusedError

_LIMITS = {"earliest_day": 10_000, "days_ahead": 366}
_AMOUNTS = (
    "0.00", "0.07", "7.10", "123456789012.34", "1234567890123.00", "00.10", "01.10", ".10", "1.", "1", "1.5", "1.234",
    "1,00", "1.0a", "a.00", "-1.00", "+1.00", " 1.00", "1.00 ", "1\n.00", "1.00\n2.00", "",
    "١.00", "１.00", "1.٢٣", "1e2.00",
)  # fmt: skip
_DAYS = ("2024-02-29", "2024-01-10", "2023-02-29", "20240110", "1970-01-02", "2400-01-01", "", "2024-01-1０")
_WHOLE = Record("bank.events", 0, 0, 1_704_900_000_000, "c-1", POSTED, (), b"")


def transaction(random: Random, place: int) -> Record:
    """A booking or reversal; one in three has something unusual about it."""
    data: dict[str, Any] = {
        "transaction_id": f"t{place}",
        "customer_id": f"c-{place % 7}",
        "account_id": f"a-{place % 9}",
        "amount": {"value": f"{random.randrange(10**6)}.{random.randrange(100):02d}", "currency": "CNY"},
        "direction": random.choice(("credit", "debit")),
        "booking_date": random.choice(("2024-01-08", "2024-01-09")),
        "channel": random.choice(("card", "atm", "branch", "system")),
        "purpose": random.choice(("cash", "fee", "interest", "transfer")),
    }
    event = {"event_id": f"e{place}", "source": "/core", "event_type": POSTED, "time": "2024-01-10T09:00:00Z"}
    record = _WHOLE._replace(offset=place, key=str(data["customer_id"]), headers=headers_of(**event))
    if random.randrange(3):
        return record._replace(value=msgspec.json.encode(data))
    return odd(random, record, data)


def odd(random: Random, record: Record, data: dict[str, Any]) -> Record:
    """One unusual thing, right or wrong."""
    amount = data["amount"]
    kind = random.randrange(12)
    match kind:
        case 0:
            amount["value"] = random.choice(_AMOUNTS)
        case 1:
            amount["currency"] = random.choice(("USD", "JPY", "XYZ", "cny"))
        case 2:
            data["booking_date"] = random.choice(_DAYS)
        case 3:
            data[random.choice(("direction", "channel", "purpose"))] = "pigeon"
        case 4:
            data["customer_id"] = "somebody"
        case 5:
            del data[random.choice(sorted(data))]
        case 6:
            data["account_id"] = "a" * 65
    record = record._replace(value=msgspec.json.encode(data))
    match kind:
        case 7:
            return record._replace(type=REVERSED)
        case 8:
            return record._replace(headers=record.headers[:1] + record.headers[2:])
        case 9:
            return record._replace(headers=(*record.headers, ("ce_id", b"again"), ("ce_source", b"/other")))
        case 10:
            return record._replace(value=random.choice((b"", b"{", b"[]", b"[" * 100_000, b'{"channel":"\xff"}')))
    return record


def one_by_one(reader: TransactionReader, records: Sequence[Record]) -> tuple[list[Any], list[Any]]:
    """(offset, row) of each booking, and what was refused."""
    rows, refused = [], []
    for record in records:
        try:
            row = reader.posted(record) if record.type == POSTED else reader.reversed(record)
            rows.append((record.offset, row))
        except RefusedError as refusal:
            refused.append((record.offset, refusal.reason, refusal.detail))
    return rows, refused


def rows_of(bookings: Bookings) -> list[tuple[int, Booking]]:
    numbers = (column.tolist() for column in (bookings.amounts, bookings.costs, bookings.rules, bookings.times))
    columns = zip(bookings.keys, *numbers, bookings.identities, bookings.contents, strict=True)
    offsets = [record.offset for record in bookings.records]
    return [(offset, Booking(*row)) for offset, row in zip(offsets, columns, strict=True)]


@pytest.fixture(params=["CNY", "JPY", "KWD"])
def readers(request: pytest.FixtureRequest) -> tuple[TransactionReader, BookingColumnReader]:
    """For base currencies with two, no and three decimals."""
    base: str = request.param
    rates = Rates.of(base, {"USD": {"2000-01-01": "7.1"}} if base == "CNY" else {})
    tariffs = load_policy_set("standard", "CNY").tariffs
    reader = TransactionReader(rates, tariffs, **_LIMITS)
    return reader, BookingColumnReader(reader, tariffs, base, **_LIMITS)


@pytest.mark.parametrize("seed", range(3))
def test_columns_hold_what_single_rows_hold(readers: tuple[TransactionReader, BookingColumnReader], seed: int) -> None:
    """Rows, order and refusals are the same, over more than one portion."""
    random = Random(seed)
    records = [transaction(random, place) for place in range(4_500)]
    refused: list[Any] = []
    bookings = readers[1].read(records, lambda one, why: refused.append((one.offset, why.reason, why.detail)))
    rows, wanted = one_by_one(readers[0], records)
    assert rows_of(bookings) == rows
    assert refused == wanted
    assert len(refused) > 500


def test_every_amount_is_read_as_by_the_whole_rule(readers: tuple[TransactionReader, BookingColumnReader]) -> None:
    """Each odd way to write an amount, alone and beside plain ones."""
    plain = transaction(Random(2), 0)._replace(type=POSTED)
    data = msgspec.json.decode(plain.value)
    records = []
    for offset, value in enumerate(_AMOUNTS):
        data["amount"]["value"] = value
        records.append(plain._replace(offset=offset, value=msgspec.json.encode(data)))
    for some in ([plain, *records], *([record] for record in records)):
        refused: list[Any] = []
        bookings = readers[1].read(some, lambda one, why: refused.append((one.offset, why.reason, why.detail)))  # noqa: B023
        assert (rows_of(bookings), refused) == one_by_one(readers[0], some)


def test_what_was_read_ahead_is_used_for_the_same_records_alone() -> None:
    """In their order, with others before, between and behind; never for others, and what was passed over is gone."""
    tariffs = load_policy_set("standard", "CNY").tariffs
    single = TransactionReader(Rates.of("CNY", {}), tariffs, **_LIMITS)
    columns = BookingColumnReader(single, tariffs, "CNY", **_LIMITS)
    random = Random(5)
    records = [transaction(random, place) for place in range(200)]

    def said(reader: RecordReader, some: Sequence[Record]) -> tuple[list[Any], list[Any]]:
        rows, refused = list[Any](), list[Any]()
        for portion in reader.read(some):
            for commands in portion.commands.values():
                for command in commands:
                    assert isinstance(command, Bookings)
                    rows += rows_of(command)
            refused += [(record.offset, why.reason, why.detail) for record, why in portion.refused]
        return rows, refused

    def fresh(*ahead: slice) -> RecordReader:
        reader = RecordReader(columns, FactReader(single))
        for some in ahead:
            reader.read_ahead(records[some])
        return reader

    wanted = said(fresh(), records)
    assert wanted == one_by_one(single, records)
    reader = fresh(slice(10, 60), slice(60, 100), slice(120, 150))
    assert said(reader, list(records)) == wanted
    assert not reader._ahead
    assert said(fresh(slice(0, 50)), records[:20]) == said(fresh(), records[:20])
    changed = [records[0], *records[2:51]]
    assert said(fresh(slice(0, 50)), changed) == said(fresh(), changed)
    again = [record._replace(value=b"{") for record in records]
    assert said(fresh(slice(0, 200)), again)[0] == []
    passed = fresh(slice(0, 50), slice(50, 100))
    said(passed, records[50:100])
    assert not passed._ahead
