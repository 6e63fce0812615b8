"""Reads bookings and reversals one by one: the whole rule. `consumers/booking_columns.py` has the quick way.

The events service has checked the events against their schemas, but whatever lies in the log must not stop it: what
cannot be booked is refused with a reason and becomes a dead letter.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from tierflow_scoring.domain.buckets import BucketKey
from tierflow_scoring.domain.days import LAST, date_of, day_of
from tierflow_scoring.domain.flows import RULE_PLACES, RULES
from tierflow_scoring.domain.tariffs import Tariffs
from tierflow_shared.bus.port import Record
from tierflow_shared.ids import content_hash, identity_hash, identity_of
from tierflow_shared.money import NoRateError, Rates, TooPreciseError, UnknownCurrencyError, exponent, minor_units
from tierflow_shared.stream.events import Refused, RefusedError

MAX_MINOR: Final = 10**15  # more than ten trillion cannot be meant, and sums of a year stay within 64 bits
_MS_PER_DAY: Final = 86_400_000
_AMOUNT: Final = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,4})?", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

ShortId = Annotated[str, Meta(min_length=1, max_length=64)]


class Amount(msgspec.Struct, gc=False):
    value: str
    currency: str


class Transaction(msgspec.Struct, gc=False):
    """The fields of a booking that are needed here; others are passed over."""

    transaction_id: ShortId
    customer_id: ShortId
    account_id: ShortId
    amount: Amount
    direction: str
    booking_date: str
    channel: str
    purpose: str


_decode: Final = msgspec.json.Decoder(Transaction).decode


class Booking(NamedTuple):
    """One row of `Bookings`."""

    key: BucketKey
    amount: int
    cost: int
    rule: int
    times: int
    identity: bytes
    content: bytes


class TransactionReader:
    """Turns records into bookings in the base currency at the rate and the prices of the booking day."""

    def __init__(self, rates: Rates, tariffs: Tariffs, *, earliest_day: int, days_ahead: int) -> None:
        self._rates, self._tariffs = rates, tariffs
        self._earliest_day, self._days_ahead = earliest_day, days_ahead
        self._base, self._places = rates.base, exponent(rates.base)

    def posted(self, record: Record) -> Booking:
        """A booking. Its identity in the ledger is the producer's event: source and id.

        Raises:
            RefusedError: it cannot be booked.
        """
        source = event_id = None
        for name, text in record.headers:
            if name == "ce_id":
                event_id = text
            elif name == "ce_source":
                source = text
        if source is None or event_id is None:
            raise Refused("bad-attribute", "ce_id and ce_source are needed")
        value = record.value
        content = content_hash(record.type, value)
        return self._booking(record, _read(value), 1, identity_of(source, event_id), content)

    def reversed(self, record: Record) -> Booking:
        """A reversal. Its identity is the reversed transaction, so that a second one has no effect."""
        transaction = _read(record.value)
        amount = transaction.amount
        identity = identity_hash(f"reversal/{transaction.account_id}", transaction.transaction_id)
        words = (amount.value, amount.currency, transaction.direction, transaction.channel, transaction.purpose)
        content = content_hash("reversal", "\x1f".join(words).encode())
        return self._booking(record, transaction, -1, identity, content)

    def _booking(
        self, record: Record, transaction: Transaction, times: int, identity: bytes, content: bytes
    ) -> Booking:
        customer_id = record.key
        if transaction.customer_id != customer_id:
            raise Refused("wrong-key", "the key of the message is not its customer")
        rule = RULE_PLACES.get((transaction.direction, transaction.channel, transaction.purpose))
        if rule is None:
            raise Refused("bad-data", "unknown direction, channel or purpose")
        day = day_number(transaction.booking_date)
        last = record.timestamp_ms // _MS_PER_DAY + self._days_ahead
        if not self._earliest_day <= day <= last or day > LAST:
            raise _out_of_range()
        money = transaction.amount
        amount = self._plain_minor(money.value) if money.currency == self._base else None
        if amount is None:
            amount = self._minor(money.value, money.currency, day)
        cost = self._tariffs.on(day).cost_by_channel.get(RULES[rule].channel, 0)
        return Booking((day, customer_id, transaction.account_id), amount, cost, rule, times, identity, content)

    def possible_day(self, record: Record, moment: date) -> int:
        """The number of a day on which something can have happened that reached the log with this record.

        Raises:
            RefusedError: too early, or too long after the record.
        """
        day = day_of(moment)
        if day < self._earliest_day or day > min(record.timestamp_ms // _MS_PER_DAY + self._days_ahead, LAST):
            raise _out_of_range()
        return day

    def _plain_minor(self, value: str) -> int | None:
        """The short way for what nearly all amounts are: base currency, all decimals written; else None."""
        point = len(value) - self._places - 1
        if not 1 <= point <= 12 or value[point] != ".":
            return None
        digits = value[:point] + value[point + 1 :]
        if digits.isdigit() and digits.isascii() and (digits[0] != "0" or point == 1):
            return int(digits)
        return None

    def base_minor(self, value: str, currency: str, day: int) -> int:
        """An amount in minor units of the base currency at the rate of a day.

        Raises:
            RefusedError: not an amount, an unknown currency, or no rate.
        """
        plain = self._plain_minor(value) if currency == self._base else None
        return self._minor(value, currency, day) if plain is None else plain

    def _minor(self, value: str, currency: str, day: int) -> int:
        if _AMOUNT.fullmatch(value) is None:
            raise Refused("bad-amount", "not an exact non-negative amount")
        try:
            amount = minor_units(value, currency)
            if currency != self._base:
                amount = self._rates.to_base(amount, currency, date_of(day))
        except NoRateError as error:
            raise Refused("no-rate", str(error)) from None
        except (UnknownCurrencyError, TooPreciseError) as error:
            raise Refused("bad-amount", str(error)) from None
        if amount > MAX_MINOR:
            raise Refused("bad-amount", "the amount is larger than any that can be booked")
        return amount


def _read(value: bytes) -> Transaction:
    try:
        return _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad-data", str(error)) from None


def _out_of_range() -> RefusedError:
    return Refused("date-out-of-range", "the day lies too far from the day on which this was sent")


@lru_cache(maxsize=8_192)
def day_number(text: str) -> int:
    """An ISO day as its number.

    Raises:
        RefusedError: not a day.
    """
    try:
        if _DAY.fullmatch(text):
            return day_of(date.fromisoformat(text))
    except ValueError:
        pass
    raise Refused("bad-data", "booking_date is not a day")
