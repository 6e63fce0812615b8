"""The hot path of reading: many bookings at once, in columns.

What is plainly right is taken here: what the log holds is nearly always that. Everything else is left to
`TransactionReader`, row by row, which knows every rule and says what is wrong.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from tierflow_scoring.consumers.transactions import Amount, Booking, ShortId, TransactionReader
from tierflow_scoring.consumers.transactions import day_number as known_day_number
from tierflow_scoring.domain.arrays import Bools, Ints, ints
from tierflow_scoring.domain.buckets import BucketKey
from tierflow_scoring.domain.days import LAST
from tierflow_scoring.domain.flows import RULE_PLACES, RULES
from tierflow_scoring.domain.tariffs import Tariffs
from tierflow_scoring.handlers.commands import POSTED, Bookings
from tierflow_shared.bus.port import Record
from tierflow_shared.contracts.bank import TransactionChannel, TransactionPurpose
from tierflow_shared.ids import content_hashes, identities_of
from tierflow_shared.money import exponent
from tierflow_shared.stream.events import RefusedError

_TOGETHER: Final = 2_000  # rows whose columns are made together: they fit the processor's cache
_MS_PER_DAY: Final = 86_400_000
_MOST_DIGITS: Final = 12  # of whole units
_UNKNOWN: Final = -1
_REMEMBERED_DAYS: Final = 8_192
_NOT_DECODED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ZERO, _NINE, _POINT, _LINE = b"09.\n"


class _Plain(msgspec.Struct, gc=False):
    """`Transaction` as far as its words are known: decoding makes no new text of those."""

    transaction_id: ShortId
    customer_id: ShortId
    account_id: ShortId
    amount: Amount
    direction: Literal["credit", "debit"]
    booking_date: str
    channel: TransactionChannel
    purpose: TransactionPurpose


_decode: Final = msgspec.json.Decoder(_Plain).decode
_NOTHING: Final = _Plain("", "", "", Amount("", ""), "credit", "", "system", "fee")


class BookingColumnReader:
    """Turns the records of a run into columns; `reader` reads what is not plain."""

    def __init__(
        self, reader: TransactionReader, tariffs: Tariffs, base: str, *, earliest_day: int, days_ahead: int
    ) -> None:
        self._reader, self._tariffs, self._base, self._places = reader, tariffs, base, exponent(base)
        self._earliest_day, self._days_ahead = earliest_day, days_ahead
        self._days = _Days()
        self._costs: dict[int, Ints] = {}

    def read(self, records: Sequence[Record], refuse: Callable[[Record, RefusedError], None]) -> Bookings:
        """The bookings and reversals among them; whatever cannot be booked goes to `refuse`."""
        parts = [self._part(records[start : start + _TOGETHER], refuse) for start in range(0, len(records), _TOGETHER)]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _part(self, records: Sequence[Record], refuse: Callable[[Record, RefusedError], None]) -> Bookings:
        _, _, _, stamps, customers, types, headers, values = zip(*records, strict=True)
        transactions = _transactions(values)
        sources, event_ids, is_named = _names(headers)
        days = [self._days[one.booking_date] for one in transactions]
        keys = list(zip(days, customers, [one.account_id for one in transactions], strict=True))
        rules = ints([RULE_PLACES.get((one.direction, one.channel, one.purpose), _UNKNOWN) for one in transactions])
        amounts, is_plain = _plain_minor([one.amount.value for one in transactions], self._places)
        day = ints(days)
        last = np.minimum(ints(stamps) // _MS_PER_DAY + self._days_ahead, LAST)
        is_plain &= is_named & (rules >= 0) & (self._earliest_day <= day) & (day <= last)
        is_plain &= _equal([one.customer_id for one in transactions], customers)
        is_plain &= _equal([one.amount.currency for one in transactions], [self._base] * len(records))
        is_plain &= _equal(types, [POSTED] * len(records))
        bookings = Bookings(
            records, keys, identities_of(sources, event_ids), content_hashes(POSTED, values), amounts,
            self._cost(day, rules), rules, np.ones(len(records), np.int64),
        )  # fmt: skip
        return bookings if is_plain.all() else self._mended(bookings, np.flatnonzero(~is_plain).tolist(), refuse)

    def _mended(
        self, bookings: Bookings, rows: Sequence[int], refuse: Callable[[Record, RefusedError], None]
    ) -> Bookings:
        """Reads these rows again, by the whole rule."""
        keys, refused = list(bookings.keys), set[int]()
        identities, contents = list(bookings.identities), list(bookings.contents)
        for row in rows:
            record = bookings.records[row]
            try:
                one = self._one(record)
            except RefusedError as refusal:
                refuse(record, refusal)
                refused.add(row)
                continue
            keys[row], identities[row], contents[row] = one.key, one.identity, one.content
            bookings.amounts[row], bookings.costs[row] = one.amount, one.cost
            bookings.rules[row], bookings.times[row] = one.rule, one.times
        numbers = (bookings.amounts, bookings.costs, bookings.rules, bookings.times)
        mended = Bookings(bookings.records, keys, identities, contents, *numbers)
        return mended.without(refused) if refused else mended

    def _one(self, record: Record) -> Booking:
        return self._reader.posted(record) if record.type == POSTED else self._reader.reversed(record)

    def _cost(self, days: Ints, rules: Ints) -> Ints:
        """What serving costs at the prices of each day."""
        costs = np.zeros(len(days), np.int64)
        for day in set(days.tolist()):
            costs = np.where(days == day, self._cost_by_rule(day)[rules], costs)
        return costs

    def _cost_by_rule(self, day: int) -> Ints:
        found = self._costs.get(day)
        if found is None:
            if len(self._costs) >= _REMEMBERED_DAYS:
                self._costs.clear()
            tariff = self._tariffs.on(day)
            found = self._costs[day] = ints([tariff.cost_by_channel.get(rule.channel, 0) for rule in RULES])
        return found


class _Days(dict[str, int]):
    """Numbers of days by their text; `_UNKNOWN` for what is not a day."""

    def __missing__(self, text: str) -> int:
        if len(self) >= _REMEMBERED_DAYS:
            self.clear()
        try:
            day = known_day_number(text)
        except RefusedError:
            return _UNKNOWN
        self[text] = day
        return day


def _transactions(values: Sequence[bytes]) -> list[_Plain]:
    """The data of each event; `_NOTHING`, which nobody can book, for what is not plain."""
    try:
        return [_decode(value) for value in values]
    except _NOT_DECODED:
        return [_transaction(value) for value in values]


def _transaction(value: bytes) -> _Plain:
    try:
        return _decode(value)
    except _NOT_DECODED:
        return _NOTHING


def _names(
    headers: Sequence[tuple[tuple[str, bytes], ...]],
) -> tuple[Sequence[bytes], Sequence[bytes], Bools]:
    """Source and id of each event, and whether it has both."""
    named = [dict(some) for some in headers]
    sources, event_ids = [one.get("ce_source") for one in named], [one.get("ce_id") for one in named]
    if None not in sources and None not in event_ids:
        return sources, event_ids, np.ones(len(headers), np.bool_)  # type: ignore[return-value]
    pairs = zip(sources, event_ids, strict=True)
    is_named = np.array([source is not None and event_id is not None for source, event_id in pairs], np.bool_)
    return [one or b"" for one in sources], [one or b"" for one in event_ids], is_named


def _equal(column: Sequence[str], wanted: Sequence[str]) -> Bools:
    """Where two columns are equal."""
    if list(column) == list(wanted):
        return np.ones(len(column), np.bool_)
    return np.array([one == other for one, other in zip(column, wanted, strict=True)], np.bool_)


def _plain_minor(values: Sequence[str], places: int) -> tuple[Ints, Bools]:
    """Amounts in minor units where they are written with exactly `places` decimals, and whether they are.

    The digits are read a place at a time, for all amounts at once.
    """
    if places == 0:
        return np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_)
    text = np.frombuffer(("\n".join(values) + "\n").encode("utf-8", "replace"), np.uint8)
    ends = np.flatnonzero(text == _LINE)
    if len(ends) != len(values):
        return np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_)
    starts = np.concatenate([[0], ends[:-1] + 1])
    whole = ends - starts - places - 1
    is_plain = (whole >= 1) & (whole <= _MOST_DIGITS)
    is_plain &= text[np.maximum(ends - places - 1, 0)] == _POINT
    is_plain &= (whole == 1) | (text[starts] != _ZERO)
    minor = np.zeros(len(values), np.int64)
    for place in range(places + int(whole.max(initial=0, where=is_plain))):
        at = ends - 1 - place - (place >= places)
        digit = text[np.maximum(at, 0)]
        is_there = at >= starts
        is_plain &= ~is_there | ((digit >= _ZERO) & (digit <= _NINE))
        minor += np.where(is_there, digit.astype(np.int64) - _ZERO, 0) * 10**place
    return np.where(is_plain, minor, 0), is_plain


def _joined(parts: Sequence[Bookings]) -> Bookings:
    keys = list[BucketKey]()
    records, identities, contents = list[Record](), list[bytes](), list[bytes]()
    for part in parts:
        records += part.records
        keys += part.keys
        identities += part.identities
        contents += part.contents
    return Bookings(
        records, keys, identities, contents,
        np.concatenate([part.amounts for part in parts]), np.concatenate([part.costs for part in parts]),
        np.concatenate([part.rules for part in parts]), np.concatenate([part.times for part in parts]),
    )  # fmt: skip
